"""What a job is, as ``create`` and ``edit`` take it: its schedule, and what people know of it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from schedtui_tui.exits import UsageError

_SCHEDULES = ("cron", "every", "at", "calendar", "trigger")


def add_definition_options(parser: argparse.ArgumentParser) -> None:
    """The options; each is None where it is not given."""
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--cron", metavar="EXPRESSION", help='such as "0 9 * * mon-fri"')
    when.add_argument("--every", metavar="DURATION", help="such as 90s, 5m, 2h, 1d")
    when.add_argument("--at", metavar="TIME", help='once: "18:00", "tomorrow 7:30"')
    when.add_argument(
        "--calendar", metavar="SCHEDULE", help='such as "every 2 weeks on mon at 9:00"'
    )
    when.add_argument("--trigger", metavar="JSON", help="any trigger, in its JSON form")
    parser.add_argument(
        "--after",
        metavar="GROUP/NAME[:ON]",
        action="append",
        help="run when a run of that job has succeeded; ON: success, failure, end. May be given "
        "again, and beside a schedule",
    )
    parser.add_argument("--timezone", metavar="ZONE", help="such as Europe/Berlin")
    parser.add_argument("--tag", action="append", help="may be given again")
    parser.add_argument("--description", help="one line")
    parser.add_argument("--owner", help="who answers for it")
    parser.add_argument("--expected", help="what a good run leaves behind")
    parser.add_argument("--runbook", help="what to do when it fails, or a link")
    parser.add_argument("--rollback", help="how to undo what a run did")


def schedule_option(args: argparse.Namespace) -> str:
    """The option that says when; empty where none does."""
    return next((f"--{name}" for name in _SCHEDULES if vars(args)[name] is not None), "")


def typed_trigger(args: argparse.Namespace) -> dict[str, Any] | None:
    """The trigger that was typed; None where none was.

    Raises:
        UsageError: ``--trigger`` is no JSON object.
    """
    if args.cron is not None:
        return {"type": "cron", "expression": args.cron}
    # The engine reads what was typed: its clock and the job's zone count.
    if args.every is not None:
        return {"type": "every", "typed": args.every}
    if args.calendar is not None:
        return {"type": "calendar", "typed": args.calendar}
    if args.trigger is not None:
        return _json(args.trigger)
    return None if args.at is None else {"type": "once", "typed": args.at}


def _json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UsageError(
            f"--trigger: got {text[:80]!r}; expected a JSON object, such as "
            '\'{"type": "cron", "expression": "0 9 * * *"}\''
        )
    return data
