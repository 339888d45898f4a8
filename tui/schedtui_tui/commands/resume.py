"""``schedtui resume``: claim a paused job's due times again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.exits import Exit
from schedtui_tui.tables import moment, print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui resume``."""
    parser.add_argument("job", metavar="GROUP/NAME")
    parser.add_argument("--json", action="store_true", help="print the job as one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Resume."""

    async def work(client: EngineClient) -> int:
        job = await client.resume_job(args.job)
        if args.json:
            print_json(job)
        else:
            due = moment(job.next_due, job.timezone) or "never"
            print_line(f"{job.full_name} is resumed; next due: {due}")
        return Exit.DONE

    return with_engine(args, work)
