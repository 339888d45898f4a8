"""``schedtui next``: when a job is due."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.runs import positive
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line, print_table
from schedtui_tui.times import in_zone

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui next``."""
    parser.add_argument("job", metavar="GROUP/NAME")
    parser.add_argument(
        "-n", "--count", type=positive, default=5, metavar="N", help="so many due times (5)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the due times."""

    async def work(client: EngineClient) -> int:
        preview = await client.next_due(args.job, count=args.count)
        if args.json:
            print_json(preview)
            return Exit.DONE
        print_line(in_zone(preview.description, preview.timezone))
        rows = ((due.local, f"{due.at:%Y-%m-%dT%H:%M:%SZ}") for due in preview.next)
        print_table(("LOCAL", "UTC"), rows, empty="never due again")
        return Exit.DONE

    return with_engine(args, work)
