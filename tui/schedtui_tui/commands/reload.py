"""``schedtui reload``: load the code of an engine's target again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui.models import ModuleReload
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.exits import Exit, tell
from schedtui_tui.tables import print_json, print_table

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui reload``."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Reload, and say what became of each module; fails where one is broken."""

    async def work(client: EngineClient) -> int:
        done = await client.reload()
        if args.json:
            print_json(done)
        else:
            print_table(
                ("MODULE", "FILE", "STATE", "WHY"), map(_row, done.modules), empty="no modules"
            )
        if not done.ok and not args.json:
            tell("nothing was changed: the last good version of all modules runs on")
        return Exit.DONE if done.ok else Exit.FAILED

    return with_engine(args, work)


def _row(one: ModuleReload) -> tuple[str, ...]:
    return (one.module, one.file, one.state.value, one.reason)
