"""``schedtui resume``: claim the due times of a paused job, of many, or of the engine again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui.models import BulkAction
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.many import add_job_or_filter, chosen_filter, to_many
from schedtui_tui.exits import Exit
from schedtui_tui.tables import moment, print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui resume``."""
    add_job_or_filter(parser, engine=True)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Resume."""
    where = chosen_filter(args)

    async def work(client: EngineClient) -> int:
        if where is not None:
            return await to_many(client, args, BulkAction.RESUME, where, "resumed")
        if args.job is None:
            return await _engine(client, args)
        job = await client.resume_job(args.job)
        if args.json:
            print_json(job)
        else:
            due = moment(job.next_due, job.timezone) or "never"
            print_line(f"{job.full_name} is resumed; next due: {due}")
            if job.next_due is None:  # its trigger may fail, which no pause hides any more
                problems = (await client.info()).problems
                for told in (one for one in problems if one.startswith(f"{job.full_name}: ")):
                    print_line(f"{told}; resume it again once its trigger answers")
        return Exit.DONE

    return with_engine(args, work)


async def _engine(client: EngineClient, args: argparse.Namespace) -> int:
    info = await client.resume_engine()
    if args.json:
        print_json(info)
    else:
        print_line("the engine is resumed")
    return Exit.DONE
