"""``schedtui apply``: make the jobs what a file says."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.files import (
    add_change_options,
    add_file,
    check_options,
    print_plan,
    read_text,
    summary,
    sure,
    tell_applied,
)
from schedtui_tui.exits import Exit, tell
from schedtui_tui.tables import print_json

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui apply``."""
    add_file(parser)
    add_change_options(parser, note_required=True)
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Plan, ask, apply."""
    text = read_text(args.file)

    check_options(args)

    async def work(client: EngineClient) -> int:
        plan_id = args.plan
        if not args.yes:
            plan = await client.plan_jobs(text)
            plan_id = plan_id or plan.id
            if plan.changes:
                print_plan(plan)
                if not sure(f"{summary(plan.changes)}. Apply?"):
                    tell("nothing was done")
                    return Exit.FAILED
        applied = await client.apply_jobs(text, note=args.note, plan=plan_id)
        if args.json:
            print_json(applied)
        else:
            tell_applied(applied)
        return Exit.DONE

    return with_engine(args, work)
