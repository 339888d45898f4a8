"""``schedtui delete``: delete a job that was created at run time."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui.models import BulkAction
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.many import add_job_or_filter, chosen_filter, to_many
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui delete``."""
    add_job_or_filter(parser)
    parser.add_argument("--json", action="store_true", help="print the deleted job as JSON")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Delete."""
    where = chosen_filter(args)

    async def work(client: EngineClient) -> int:
        if where is not None:
            return await to_many(client, args, BulkAction.DELETE, where, "deleted")
        job = await client.job(args.job)
        # By id: a job of that name that came in between is not the one that was meant.
        await client.delete_job(args.job, expect_id=job.id)
        if args.json:
            print_json(job)
        else:
            print_line(f"{job.full_name} is deleted; its history stays")
        return Exit.DONE

    return with_engine(args, work)
