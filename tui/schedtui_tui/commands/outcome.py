"""What came of a run that a command asked for."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from schedtui.models import TERMINAL, Run, RunState
from schedtui_tui.commands.following import Following
from schedtui_tui.commands.logs import print_lines
from schedtui_tui.commands.runs import sentence
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def add_outcome_options(parser: argparse.ArgumentParser) -> None:
    """``--wait`` and ``--json``."""
    parser.add_argument(
        "--wait",
        action="store_true",
        help="print what it writes until it has ended; exit 1 unless it succeeded",
    )
    parser.add_argument("--json", action="store_true", help="print the run as one JSON document")


def add_key_option(parser: argparse.ArgumentParser) -> None:
    """``--key``."""
    parser.add_argument(
        "--key",
        help="of this call: for a day, the same call with it starts nothing and tells of that run",
    )


async def tell_outcome(client: EngineClient, run: Run, args: argparse.Namespace) -> Exit:
    """Say what became of ``run``, with ``--wait`` when it has ended."""
    if args.wait:  # one that has ended by now has written something too
        if not args.json and run.state not in TERMINAL:
            print_line(sentence(run))
            sys.stdout.flush()
        run = replace(await ended(client, run, show=not args.json), replayed=run.replayed)
    if args.json:
        print_json(run)
    else:
        print_line(sentence(run))
    fine = run.state not in TERMINAL or run.state is RunState.SUCCEEDED
    return Exit.DONE if fine else Exit.FAILED


async def ended(client: EngineClient, run: Run, *, show: bool = False) -> Run:
    """A run once it has ended; with ``show`` what it writes is printed meanwhile.

    Raises:
        UnreachableError: its engine has gone and did not come back.
    """
    following = Following(client, run)
    async for page in following.lines():
        if show and page.lines:
            print_lines(page.lines)
            sys.stdout.flush()
    return await following.end()
