"""``schedtui revisions``: how the jobs were, and who made them so."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.runs import positive
from schedtui_tui.exits import Exit
from schedtui_tui.tables import moment, print_json, print_table

if TYPE_CHECKING:
    from schedtui.models import Revision
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui revisions``."""
    parser.add_argument(
        "--limit", type=positive, default=20, metavar="N", help="at most so many (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print them, newest first."""

    async def work(client: EngineClient) -> int:
        found = (await client.revisions(limit=args.limit)).items
        if args.json:
            print_json(found)
        else:
            headers = ("REVISION", "AT", "BY", "CHANGES", "NOTE")
            print_table(headers, map(_row, found), empty="no revisions: nothing was applied yet")
        return Exit.DONE

    return with_engine(args, work)


def _row(one: Revision) -> tuple[str, ...]:
    signs = (("+", one.added), ("~", one.changed), ("-", one.removed))
    changes = " ".join(f"{sign}{count}" for sign, count in signs if count)
    note = one.note if one.restored is None else f"{one.note} (as revision {one.restored})"
    return (str(one.number), moment(one.at), one.actor, changes, note.replace("\n", " "))
