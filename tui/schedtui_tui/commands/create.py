"""``schedtui create``: a job of a registered function."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from schedtui.models import JobSpec
from schedtui.models.after import after_words
from schedtui_tui.after_text import read_after
from schedtui_tui.commands.arguments import (
    add_arguments_options,
    in_words_of_the_shell,
    read_arguments,
)
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.policies import add_policy_options, read_policies
from schedtui_tui.exits import Exit, UsageError
from schedtui_tui.tables import moment, print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui create``."""
    parser.add_argument(
        "function", metavar="GROUP/FUNCTION", help="`schedtui functions` lists them"
    )
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
        default=[],
        help="run when a run of that job has succeeded; ON: success, failure, end. May be given "
        "again, and beside a schedule",
    )
    parser.add_argument("--name", metavar="[GROUP/]NAME", help="default: the function's name")
    parser.add_argument("--timezone", metavar="ZONE", help="such as Europe/Berlin")
    parser.add_argument("--tag", action="append", default=[], help="may be given again")
    parser.add_argument("--description", default="", help="one line")
    parser.add_argument("--owner", default="", help="who answers for it")
    parser.add_argument("--expected", default="", help="what a good run leaves behind")
    parser.add_argument("--runbook", default="", help="what to do when it fails, or a link")
    parser.add_argument("--rollback", default="", help="how to undo what a run did")
    parser.add_argument("--paused", action="store_true", help="create it paused")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="where a dynamic job has the name already, let that one become this one: its id, "
        "history and pauses stay. Needs --name",
    )
    add_arguments_options(parser)
    add_policy_options(parser)
    parser.add_argument("--json", action="store_true", help="print the job as one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Create the job."""
    own = read_policies(args)
    if not (_option(args) or args.after):
        raise UsageError(
            "expected one of --cron, --every, --at, --calendar and --trigger, or --after, or both"
        )

    if args.replace and args.name is None:
        raise UsageError("--replace needs --name: without one each call makes another job")

    async def work(client: EngineClient) -> int:
        group, name = _names(args.name)
        spec = JobSpec(
            function=args.function,
            trigger=_trigger(args),
            group=group,
            name=name,
            timezone=args.timezone,
            kwargs=await read_arguments(client, args.function, args.arg, args.args),
            policies=own,
            after=read_after(args.after),
            tags=tuple(args.tag),
            description=args.description,
            owner=args.owner,
            expected=args.expected,
            runbook=args.runbook,
            rollback=args.rollback,
            paused=args.paused,
        )
        with in_words_of_the_shell(trigger=_option(args)):
            job = await client.create_job(spec, replace=args.replace)
        if args.json:
            print_json(job)
        else:
            due = moment(job.next_due, job.timezone) or after_words(job.after) or "never"
            done = "is as it was asked for" if args.replace else "is created"
            print_line(f"{job.full_name} {done}; next due: {due}")
        return Exit.DONE

    return with_engine(args, work)


def _names(full: str | None) -> tuple[str | None, str | None]:
    if full is None:
        return None, None
    group, slash, name = full.rpartition("/")
    if slash and not (group and name):
        raise UsageError(f"--name: got {full!r}; expected NAME or GROUP/NAME")
    return group or None, name


def _option(args: argparse.Namespace) -> str:
    """The option that says when; empty where none does."""
    names = ("cron", "every", "at", "calendar", "trigger")
    return next((f"--{name}" for name in names if vars(args)[name] is not None), "")


def _trigger(args: argparse.Namespace) -> dict[str, Any] | None:
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
