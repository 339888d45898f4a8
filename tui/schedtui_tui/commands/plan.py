"""``schedtui plan``: what applying a file, or going back to a revision, would change."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.files import print_plan, read_text, summary
from schedtui_tui.commands.runs import positive
from schedtui_tui.exits import Exit, UsageError
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui plan``."""
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="as `schedtui export` writes it; -: stdin"
    )
    parser.add_argument(
        "--revision", type=positive, metavar="N", help="instead: what `schedtui rollback N` does"
    )
    parser.add_argument("--check", action="store_true", help="exit 1 where something would change")
    parser.add_argument("--json", action="store_true", help="print the plan as one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the plan."""
    if (args.file is None) == (args.revision is None):
        raise UsageError("expected either FILE or --revision N")
    source = args.revision if args.file is None else read_text(args.file)

    async def work(client: EngineClient) -> int:
        plan = await client.plan_jobs(source)
        if args.json:
            print_json(plan)
        else:
            print_plan(plan)
            said = summary(plan.changes) or "nothing would change"
            print_line(f"{said}; plan {plan.id}, revision {plan.revision} now")
        return Exit.FAILED if args.check and plan.changes else Exit.DONE

    return with_engine(args, work)
