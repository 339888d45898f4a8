"""``schedtui revert``: let a job that is declared in code be what the code says."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui revert``."""
    parser.add_argument("job", metavar="GROUP/NAME")
    parser.add_argument("--json", action="store_true", help="print the job as one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Undo edits from outside."""

    async def work(client: EngineClient) -> int:
        job = await client.revert_job(args.job)
        if args.json:
            print_json(job)
        else:
            print_line(f"{job.full_name} is what the code says")
        return Exit.DONE

    return with_engine(args, work)
