"""``schedtui stats``: counts and times of the runs of a while, by job or by function."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui.models import FAILED, Figures, RunFilter, RunState, StatsBy
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.window import add_window_options, read_window
from schedtui_tui.exits import Exit
from schedtui_tui.tables import moment, print_json, print_line, print_table, took_us

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui stats``."""
    parser.add_argument("--job", metavar="GROUP/NAME", help="of this job; also a deleted one")
    parser.add_argument("--group", help="of this group's jobs and functions")
    parser.add_argument("--tag", help="of living jobs with this tag")
    parser.add_argument("--function", metavar="GROUP/FUNCTION", help="of this function")
    parser.add_argument(
        "--by",
        choices=[by.value for by in StatsBy],
        default=StatsBy.JOB.value,
        help="a line for each job (%(default)s), or for each function",
    )
    add_window_options(parser, "runs claimed then or later (24h)", "runs claimed before then")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the numbers."""

    async def work(client: EngineClient) -> int:
        since, until = await read_window(client, args)
        where = RunFilter(
            job=args.job,
            group=args.group,
            tag=args.tag,
            function=args.function,
            since=since,
            until=until,
        )
        told = await client.stats(where, by=StatsBy(args.by))
        if args.json:
            print_json(told)
            return Exit.DONE
        headers = (args.by.upper(), "RUNS", "OK", "FAILED", "RATE", "AVG", "MIN", "MAX", "P95")
        empty = f"no runs since {moment(told.since)}"
        print_table((*headers, "LAST OK", "LAST FAILURE"), map(_row, told.items), empty=empty)
        if not told.complete:
            print_line("there are more: these are the numbers of the newest runs alone")
        return Exit.DONE

    return with_engine(args, work)


def _row(one: Figures) -> tuple[str, ...]:
    failed = sum(one.states.get(state.value, 0) for state in FAILED)
    rate = "" if one.success_rate is None else f"{one.success_rate:.1%}"
    return (
        one.name,
        str(one.runs),
        str(one.states.get(RunState.SUCCEEDED.value, 0)),
        str(failed),
        rate,
        *(_took(s) for s in (one.average_s, one.shortest_s, one.longest_s, one.p95_s)),
        moment(one.last_success),
        moment(one.last_failure),
    )


def _took(seconds: float | None) -> str:
    return took_us(None if seconds is None else round(seconds * 1e6))
