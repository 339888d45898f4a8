"""``schedtui explain``: why a job ran, or did not, at a moment."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.models import Explanation
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui explain``."""
    parser.add_argument("job", metavar="GROUP/NAME", help="also one that was deleted")
    parser.add_argument(
        "at",
        nargs="*",
        metavar="AT",
        help="a moment in the job's zone: 9:00, yesterday 9:00, mon 9:00, 2026-12-24 18:00, "
        "10m ago (the newest due time)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the explanation."""

    async def work(client: EngineClient) -> int:
        told = await client.explain(args.job, " ".join(args.at) or None)
        if args.json:
            print_json(told)
        else:
            _print(told)
        return Exit.DONE

    return with_engine(args, work)


def _print(told: Explanation) -> None:
    print_line(told.summary)
    for fact in told.facts[1:]:
        print_line(f"  {fact.kind.value.replace('_', ' '):12} {fact.text}")
    near = {"due before": told.before, "due after": told.after}
    for label, due in near.items():
        if due is not None:
            print_line(f"  {label:12} {due.local}")
    if told.runs:
        print_line(f"  {'runs':12} {', '.join(map(str, told.runs))}")
