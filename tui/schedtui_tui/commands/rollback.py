"""``schedtui rollback``: make the jobs what they were at a revision."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.files import (
    add_change_options,
    check_options,
    print_plan,
    summary,
    sure,
    tell_applied,
)
from schedtui_tui.commands.runs import positive
from schedtui_tui.exits import Exit, tell
from schedtui_tui.tables import print_json

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui rollback``."""
    parser.add_argument(
        "revision", type=positive, metavar="N", help="`schedtui revisions` lists them"
    )
    add_change_options(parser, note_required=False)
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Plan, ask, go back."""
    check_options(args)

    async def work(client: EngineClient) -> int:
        plan_id = args.plan
        if not args.yes:
            plan = await client.plan_jobs(args.revision)
            plan_id = plan_id or plan.id
            if plan.changes:
                print_plan(plan)
                if not sure(f"{summary(plan.changes)}. Go back to revision {args.revision}?"):
                    tell("nothing was done")
                    return Exit.FAILED
        applied = await client.rollback_jobs(args.revision, note=args.note, plan=plan_id)
        if args.json:
            print_json(applied)
        else:
            tell_applied(applied)
        return Exit.DONE

    return with_engine(args, work)
