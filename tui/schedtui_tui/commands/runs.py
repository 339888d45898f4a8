"""``schedtui runs``: the history of an engine, newest first."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from schedtui.models import Run, RunFilter, RunState, Source, compare_runs
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.exits import Exit, UsageError
from schedtui_tui.tables import moment, print_json, print_table, took

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient

PAGE = 500


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui runs``."""
    parser.add_argument(
        "job",
        nargs="?",
        metavar="GROUP/NAME",
        help="runs of this job only; also of one that was deleted",
    )
    parser.add_argument("--group", help="runs of this group's jobs only")
    parser.add_argument("--tag", help="runs of living jobs with this tag only")
    parser.add_argument(
        "--state", choices=[state.value for state in RunState], help="runs in this state only"
    )
    parser.add_argument(
        "--source", choices=[source.value for source in Source], help="runs that exist for this"
    )
    parser.add_argument(
        "-n", "--limit", type=positive, default=20, metavar="N", help="at most so many (20)"
    )
    parser.add_argument(
        "--diff",
        nargs=2,
        type=positive,
        metavar="RUN",
        help="what two runs did not have in common: code, arguments, late values",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def positive(text: str) -> int:
    """A whole number above zero, for argparse."""
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}; expected a whole number above 0")
    return number


def run(args: argparse.Namespace) -> int:
    """Print the runs."""
    if args.diff and args.job:
        raise UsageError("--diff compares two runs: leave out the job")

    async def work(client: EngineClient) -> int:
        if args.diff:
            return await _compare(client, args)
        where = RunFilter(
            job=args.job,
            group=args.group,
            tag=args.tag,
            state=RunState(args.state) if args.state else None,
            source=Source(args.source) if args.source else None,
        )
        runs = await newest(client, where, args.limit)
        if args.json:
            print_json(runs)
        else:
            headers = ("RUN", "JOB", "STATE", "SOURCE", "DUE", "STARTED", "TOOK", "WHY")
            print_table(headers, map(_row, runs), empty="no runs")
        return Exit.DONE

    return with_engine(args, work)


async def _compare(client: EngineClient, args: argparse.Namespace) -> int:
    first, second = args.diff
    found = compare_runs(await client.run(first), await client.run(second))
    if args.json:
        print_json(found)
    else:
        headers = ("WHAT", f"RUN {first}", f"RUN {second}")
        rows = [(one.what, _shown(one.first), _shown(one.second)) for one in found]
        print_table(headers, rows, empty="the same code, arguments and late values")
    return Exit.DONE


def _shown(value: object) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)


async def newest(client: EngineClient, where: RunFilter, limit: int) -> list[Run]:
    """Up to ``limit`` runs, newest first, over as many pages as that takes."""
    found: list[Run] = []
    cursor: str | None = None
    while len(found) < limit:
        page = await client.runs(where, limit=min(PAGE, limit - len(found)), cursor=cursor)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            break
    return found


def sentence(run: Run) -> str:
    """A run in one line."""
    lasted = f" in {took(run)}" if run.duration_s is not None else ""
    because = why(run)
    said = f"run {run.id} of {run.job}: {run.state.value}{lasted}"
    said += f": {because}" if because else ""
    return f"{said} (an earlier call with this key made it)" if run.replayed else said


def why(run: Run) -> str:
    """Its reason or its error, in one line; empty where it has none."""
    error = ": ".join(part for part in (run.error_type, run.error) if part)
    return (run.reason or error).partition("\n")[0]


def _row(run: Run) -> tuple[str, ...]:
    return (
        str(run.id),
        run.job,
        run.state.value,
        run.source.value,
        moment(run.scheduled_for),
        moment(run.started_at),
        took(run),
        why(run) or _waits(run),
    )


def _waits(run: Run) -> str:
    if run.state is not RunState.QUEUED or run.wait_reason is None:
        return ""
    until = moment(run.not_before)
    return f"waits: {run.wait_reason.value}{f', until {until}' if until else ''}"
