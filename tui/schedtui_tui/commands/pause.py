"""``schedtui pause``: stop claiming a job's due times."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui.errors import InvalidTriggerError
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.exits import Exit, UsageError
from schedtui_tui.tables import moment, print_json, print_line

if TYPE_CHECKING:
    from datetime import datetime

    from schedtui.models import Job
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui pause``."""
    parser.add_argument("job", metavar="GROUP/NAME")
    parser.add_argument("--reason", default="", help="why; shown beside the job")
    parser.add_argument(
        "--until",
        metavar="TIME",
        help='when it resumes by itself, in its zone: "18:00", "tomorrow 7:30", "in 2h"',
    )
    parser.add_argument("--json", action="store_true", help="print the job as one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Pause."""

    async def work(client: EngineClient) -> int:
        job = await client.job(args.job)
        until = None if args.until is None else await _moment(client, job, args.until)
        job = await client.pause_job(args.job, reason=args.reason, until=until, expect_id=job.id)
        if args.json:
            print_json(job)
        else:
            end = moment(job.paused_until, job.timezone)
            print_line(f"{job.full_name} is paused{f' until {end}' if end else ''}")
        return Exit.DONE

    return with_engine(args, work)


async def _moment(client: EngineClient, job: Job, typed: str) -> datetime:
    """A moment as it was typed; the engine reads it: its clock and the job's zone count."""
    try:
        once = await client.preview(
            {"type": "once", "typed": typed}, timezone=job.timezone, count=1
        )
    except InvalidTriggerError as error:
        expected = error.errors[0].expected if error.errors else str(error)
        raise UsageError(f"--until: got {typed!r}; expected {expected}") from None
    if not once.next:
        raise UsageError(f"--until: got {typed!r}, which is over; expected a moment to come")
    return once.next[0].at
