"""``schedtui pause``: stop claiming a job's due times."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui pause``."""
    parser.add_argument("job", metavar="GROUP/NAME")
    parser.add_argument("--reason", default="", help="why; shown beside the job")
    parser.add_argument("--json", action="store_true", help="print the job as one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Pause."""

    async def work(client: EngineClient) -> int:
        job = await client.pause_job(args.job, reason=args.reason)
        if args.json:
            print_json(job)
        else:
            print_line(f"{job.full_name} is paused")
        return Exit.DONE

    return with_engine(args, work)
