"""One job, or many by a filter: what ``pause``, ``resume``, ``trigger`` and ``delete`` act on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from schedtui.models import BulkOutcome, JobFilter, JobState
from schedtui_tui.commands.arguments import in_words_of_the_shell
from schedtui_tui.exits import Exit, UsageError, tell
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from datetime import datetime

    from schedtui.models import BulkAction
    from schedtui.protocols import EngineClient


def add_job_or_filter(parser: argparse.ArgumentParser, *, engine: bool = False) -> None:
    """The job's name, or ``--group``, ``--tag`` and ``--state``; maybe ``--engine``."""
    parser.add_argument("job", nargs="?", metavar="GROUP/NAME")
    group = parser.add_argument_group("instead of one job: all for which every part holds")
    group.add_argument("--group", help="jobs of this group")
    group.add_argument("--tag", help="jobs with this tag")
    group.add_argument(
        "--state", choices=[state.value for state in JobState], help="jobs in this state"
    )
    if engine:
        group.add_argument("--engine", action="store_true", help="the whole engine")


def chosen_filter(args: argparse.Namespace) -> JobFilter | None:
    """The filter; None where one job, or the engine, is meant.

    Raises:
        UsageError: nothing is named, or two things are.
    """
    state = JobState(args.state) if args.state else None
    where = JobFilter(group=args.group, tag=args.tag, state=state)
    engine = getattr(args, "engine", False)
    named = [args.job is not None, not where.empty, engine]
    if sum(named) != 1:
        what = "GROUP/NAME, or jobs by --group, --tag or --state"
        what += ", or --engine" if hasattr(args, "engine") else ""
        raise UsageError(f"{'name one of' if any(named) else 'expected'} {what}")
    return None if where.empty else where


async def to_many(
    client: EngineClient,
    args: argparse.Namespace,
    action: BulkAction,
    where: JobFilter,
    done: str,
    *,
    reason: str = "",
    until: datetime | None = None,
    key: str | None = None,
) -> int:
    """Give the command to all that ``where`` finds, and say what became of it, job by job.

    Args:
        client: The engine.
        args: With ``json``.
        action: What.
        where: To which jobs.
        done: What a job is then: ``paused``.
        reason: Of a pause.
        until: Of a pause.
        key: Of a trigger.
    """
    with in_words_of_the_shell():
        outcomes = await client.bulk(action, where, reason=reason, until=until, idempotency_key=key)
    if args.json:
        print_json(outcomes)
    else:
        _print(outcomes, done)
    if not outcomes:
        if not args.json:
            tell("no job matches; `schedtui jobs` lists them")
        return Exit.NOT_FOUND
    return Exit.DONE if all(one.done for one in outcomes) else Exit.FAILED


def _print(outcomes: Sequence[BulkOutcome], done: str) -> None:
    for one in outcomes:
        if not one.done:
            tell(one.problem if one.job in one.problem else f"{one.job}: {one.problem}")
        else:
            run = f": run {one.run_id}" if one.run_id is not None else ""
            again = " (an earlier call with this key made it)" if one.replayed else ""
            print_line(f"{one.job} is {done}{run}{again}")
