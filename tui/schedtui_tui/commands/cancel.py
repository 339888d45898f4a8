"""``schedtui cancel``: end a run before its time."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui.models import TERMINAL, RunState
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.outcome import ended
from schedtui_tui.commands.runs import positive, sentence
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui cancel``."""
    parser.add_argument("run", metavar="RUN", type=positive, help="its number")
    parser.add_argument("--reason", default="", help="why; kept with the run")
    parser.add_argument(
        "--force",
        action="store_true",
        help="do not wait for its function, which may then still be at work in its thread",
    )
    parser.add_argument(
        "--wait", action="store_true", help="until it has ended; exit 1 unless it was cancelled"
    )
    parser.add_argument("--json", action="store_true", help="print the run as one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Cancel, and say whether it has ended."""

    async def work(client: EngineClient) -> int:
        run = await client.cancel_run(args.run, reason=args.reason, force=args.force)
        if args.wait and run.state not in TERMINAL:
            run = await ended(client, run)
        if args.json:
            print_json(run)
        elif run.state in TERMINAL:
            print_line(sentence(run))
        else:
            print_line(f"run {run.id} of {run.job} was asked to end")
        fine = run.state not in TERMINAL or run.state is RunState.CANCELLED
        return Exit.DONE if fine else Exit.FAILED

    return with_engine(args, work)
