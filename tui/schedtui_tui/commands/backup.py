"""``schedtui backup``: a copy of the store, while an engine is at work on it or not."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from schedtui_tui.commands.which_store import add_store_place, database_of, store_url
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.store.sql.backup import Copied


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui backup``."""
    parser.add_argument("file", metavar="FILE", help="where to; readable by you alone")
    parser.add_argument("--replace", action="store_true", help="write over a file that is there")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_store_place(parser)


def run(args: argparse.Namespace) -> int:
    """Copy, look at the copy, and say what is in it."""
    from schedtui.store.sql.backup import back_up

    done = back_up(database_of(store_url(args)), Path(args.file), replace=args.replace)
    if args.json:
        print_json(document(done))
    else:
        print_line(f"{args.file} is written: {what(done)}")
    return Exit.DONE


def document(done: Copied) -> dict[str, object]:
    """A copy for programs."""
    return {
        "file": str(done.file),
        "bytes": done.size,
        "schema": done.revision,
        "jobs": done.jobs,
        "runs": done.runs,
        "kept": None if done.kept is None else str(done.kept),
    }


def what(done: Copied) -> str:
    """``3 jobs, 1,204 runs, 0.5 MB``."""
    jobs = f"{done.jobs:,} job{'' if done.jobs == 1 else 's'}"
    runs = f"{done.runs:,} run{'' if done.runs == 1 else 's'}"
    return f"{jobs}, {runs}, {done.size / 1e6:.1f} MB"
