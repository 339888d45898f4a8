"""``schedtui logs``: what a run wrote, so far or as it comes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from schedtui.clock import from_us
from schedtui.errors import RunNotFoundError
from schedtui.models import TERMINAL, LogLine, LogPage, Run, RunFilter, RunState
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.following import Following
from schedtui_tui.commands.runs import newest, positive, sentence
from schedtui_tui.exits import Exit, UsageError, note
from schedtui_tui.tables import moment_us, print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient

PAGE = 1000
LOOK_BACK = 200  # runs of a job that are looked through for one that has started


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui logs``."""
    parser.add_argument(
        "what", metavar="RUN|GROUP/NAME", help="a run's number, or a job: its newest run"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run has ended")
    parser.add_argument(
        "-n", "--lines", type=positive, metavar="N", help="the last N lines only; default: all"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the lines."""
    if args.json and args.follow:
        raise UsageError("--json prints one document when all is known; give it without --follow")

    async def work(client: EngineClient) -> int:
        run = await _find(client, args.what)
        lines, dropped = await _read(client, run.id, args.lines)
        if args.json:
            objects = [line._asdict() | {"at": from_us(line.at_us)} for line in lines]
            for one in objects:
                del one["at_us"]
            print_json({"run": run, "lines": objects, "dropped": dropped})
            return Exit.DONE
        print_lines(lines)
        if args.follow:
            sys.stdout.flush()
            following = Following(client, run)
            async for page in following.lines(after=lines[-1].seq if lines else 0):
                print_lines(page.lines)
                sys.stdout.flush()
            run = await following.end()
        elif not lines:
            note(f"run {run.id} of {run.job} wrote nothing")
        if run.state in TERMINAL and run.state is not RunState.SUCCEEDED:
            print_failure(run)
        if dropped:
            note(f"{dropped} lines were not kept")
        return Exit.DONE

    return with_engine(args, work)


async def _find(client: EngineClient, what: str) -> Run:
    if what.isascii() and what.isdecimal():
        return await client.run(int(what))
    for run in await newest(client, RunFilter(job=what), LOOK_BACK):
        if run.started_at is not None:
            return run
    raise RunNotFoundError(what, "this job has not run yet")


async def _read(client: EngineClient, run_id: int, count: int | None) -> tuple[list[LogLine], int]:
    if count is not None:
        tail = await client.log_tail(run_id, count=count)
        return list(tail.lines), tail.dropped
    lines: list[LogLine] = []
    while True:
        page: LogPage = await client.logs(run_id, after=lines[-1].seq if lines else 0, limit=PAGE)
        lines += page.lines
        if not page.lines or page.lines[-1].seq >= page.last:
            return lines, page.dropped


def print_lines(lines: Iterable[LogLine]) -> None:
    """Print lines of a run, cleaned, with time and level; on a terminal in their colours."""
    from rich.console import Console
    from rich.text import Text

    from schedtui_tui.text import clean, clean_log

    console = Console(soft_wrap=True, highlight=False)
    for line in lines:
        date, _, zone = moment_us(line.at_us).rpartition(" ")
        level = "" if line.stream == "stdout" else clean(line.level)
        head = f"{date}.{line.at_us // 1000 % 1000:03} {zone} {level:8} "
        console.print(Text.assemble((head, "dim"), clean_log(line.text)))


def print_failure(run: Run) -> None:
    """Print how a run ended that did not succeed, its traceback first where it has one."""
    from schedtui_tui.text import clean

    if run.traceback:
        sys.stdout.write(f"{clean(run.traceback, lines=True).rstrip()}\n")
    print_line(sentence(run))
