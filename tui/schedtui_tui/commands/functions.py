"""``schedtui functions``: what an engine can run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from schedtui.models import FunctionInfo
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.exits import Exit
from schedtui_tui.fields import properties_of, required_of
from schedtui_tui.tables import print_json, print_table

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui functions``."""
    parser.add_argument("--group", help="functions of this group only")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the functions."""

    async def work(client: EngineClient) -> int:
        functions = await client.functions(args.group)
        if args.json:
            print_json(functions)
        else:
            print_table(("FUNCTION", "PARAMETERS", "DOES"), map(_row, functions), empty="none")
        return Exit.DONE

    return with_engine(args, work)


def _row(function: FunctionInfo) -> tuple[str, ...]:
    doc = function.doc.strip().partition("\n")[0]
    return (function.full_name, signature(function.parameters), doc)


def signature(schema: Mapping[str, Any]) -> str:
    """``recipient, report_type=daily``: the names, and the defaults of those that have one."""
    required = required_of(schema)
    parts = []
    for name, parameter in properties_of(schema).items():
        default = f"={parameter['default']}" if "default" in parameter else ""
        optional = "" if default or name in required else "=…"
        parts.append(f"{name}{default}{optional}")
    return ", ".join(parts)
