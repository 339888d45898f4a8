"""``schedtui pause``: stop claiming the due times of a job, of many, or of the whole engine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui.errors import InvalidTriggerError
from schedtui.models import BulkAction
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.many import add_job_or_filter, chosen_filter, to_many
from schedtui_tui.exits import Exit, UsageError
from schedtui_tui.tables import moment, print_json, print_line

if TYPE_CHECKING:
    from datetime import datetime

    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui pause``."""
    add_job_or_filter(parser, engine=True)
    parser.add_argument("--reason", default="", help="why; shown beside the job")
    parser.add_argument(
        "--until",
        metavar="TIME",
        help='when it resumes by itself, in its zone: "18:00", "tomorrow 7:30", "in 2h"',
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Pause."""
    where = chosen_filter(args)
    if args.engine and args.until is not None:
        raise UsageError("--until is for jobs; the whole engine is resumed by somebody")

    async def work(client: EngineClient) -> int:
        if args.engine:
            return await _engine(client, args)
        if where is None:
            return await _one(client, args)
        until = await _until(client, args.until, None, args.group)
        action, reason = BulkAction.PAUSE, args.reason
        return await to_many(client, args, action, where, "paused", reason=reason, until=until)

    return with_engine(args, work)


async def _one(client: EngineClient, args: argparse.Namespace) -> int:
    job = await client.job(args.job)
    until = await _until(client, args.until, job.timezone, None)
    job = await client.pause_job(args.job, reason=args.reason, until=until, expect_id=job.id)
    if args.json:
        print_json(job)
    else:
        end = moment(job.paused_until, job.timezone)
        print_line(f"{job.full_name} is paused{f' until {end}' if end else ''}")
    return Exit.DONE


async def _engine(client: EngineClient, args: argparse.Namespace) -> int:
    info = await client.pause_engine(reason=args.reason)
    if args.json:
        print_json(info)
    else:
        since = moment(info.paused_since, info.timezone)
        print_line(f"the engine is paused by {info.paused_by} since {since}")
    return Exit.DONE


async def _until(
    client: EngineClient, typed: str | None, timezone: str | None, group: str | None
) -> datetime | None:
    """A moment as it was typed; the engine reads it: its clock and the job's zone count."""
    if typed is None:
        return None
    trigger = {"type": "once", "typed": typed}
    try:
        once = await client.preview(trigger, timezone=timezone, group=group, count=1)
    except InvalidTriggerError as error:
        expected = error.errors[0].expected if error.errors else str(error)
        raise UsageError(f"--until: got {typed!r}; expected {expected}") from None
    if not once.next:
        raise UsageError(f"--until: got {typed!r}, which is over; expected a moment to come")
    return once.next[0].at
