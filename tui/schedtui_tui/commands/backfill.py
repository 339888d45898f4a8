"""``schedtui backfill``: run a job for due times of the past."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.backfill_text import due_lines, outcome
from schedtui_tui.commands.arguments import (
    add_arguments_options,
    in_words_of_the_shell,
    read_arguments,
)
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.runs import positive
from schedtui_tui.exits import Exit, UsageError
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient

_WHEN = "in the job's zone: 2026-12-24, 2026-12-24 18:00, yesterday, mon 9:00, 3d ago, or ISO 8601"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui backfill``."""
    parser.add_argument("job", metavar="GROUP/NAME")
    parser.add_argument("--from", dest="start", metavar="WHEN", help=f"the first moment, {_WHEN}")
    parser.add_argument(
        "--to", dest="end", metavar="WHEN", help="the first moment that is not meant (now)"
    )
    parser.add_argument("--again", action="store_true", help="also what succeeded when it was due")
    parser.add_argument(
        "--limit", type=positive, default=1_000, metavar="N",
        help="refuse where there are more due times (%(default)s; at most 10000)",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="queue nothing, say what would be")
    parser.add_argument(
        "--cancel", action="store_true", help="instead: cancel all its queued backfill runs"
    )
    parser.add_argument("--reason", default="", help="of --cancel; kept with the runs")
    add_arguments_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Queue, count or cancel, and say what came of it."""
    if args.cancel:
        if args.start is not None or args.end is not None or args.again or args.dry_run:
            raise UsageError("--cancel takes no range: it cancels all that is queued")
        return with_engine(args, lambda client: _cancel(client, args))
    if args.start is None:
        raise UsageError(f"expected --from WHEN, {_WHEN}")
    return with_engine(args, lambda client: _queue(client, args))


async def _queue(client: EngineClient, args: argparse.Namespace) -> int:
    kwargs = None
    if args.arg or args.args is not None:
        function = (await client.job(args.job)).function
        kwargs = await read_arguments(client, function, args.arg, args.args)
    with in_words_of_the_shell():
        answer = await client.backfill_job(
            args.job,
            args.start,
            args.end,
            limit=args.limit,
            again=args.again,
            kwargs=kwargs,
            dry_run=args.dry_run,
        )
    if args.json:
        print_json(answer)
        return Exit.DONE
    print_line(f"{answer.job}: {outcome(answer)}")
    for line in due_lines(answer):
        print_line(f"  {line}")
    return Exit.DONE


async def _cancel(client: EngineClient, args: argparse.Namespace) -> int:
    number = await client.cancel_backfill(args.job, reason=args.reason)
    if args.json:
        print_json({"cancelled": number})
    elif number:
        print_line(f"{args.job}: {number:,} queued backfill runs were cancelled")
    else:
        print_line(f"{args.job} has no queued backfill run")
    return Exit.DONE
