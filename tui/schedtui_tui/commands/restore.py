"""``schedtui restore``: put a copy of a store where an engine will find it."""

from __future__ import annotations

import argparse
from pathlib import Path

from schedtui_tui.commands.backup import document, what
from schedtui_tui.commands.which_store import add_store_place, database_of, made_store_url
from schedtui_tui.exits import Exit, UsageError
from schedtui_tui.tables import print_json, print_line


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui restore``."""
    parser.add_argument("file", metavar="FILE", help="as `schedtui backup` writes it; it stays")
    parser.add_argument(
        "--replace", action="store_true", help="put a store that is there aside, and keep it"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_store_place(parser)


def run(args: argparse.Namespace) -> int:
    """Look at the copy, put it there, and say what is in it."""
    from schedtui.store.sql.backup import restore

    if Path(args.file).is_dir():
        raise UsageError(f"{args.file} is a folder: name the copy in it; nothing was done")
    if not Path(args.file).is_file():
        raise UsageError(f"{args.file}: there is no such file, and nothing was done")
    done = restore(Path(args.file), database_of(made_store_url(args)), replace=args.replace)
    if args.json:
        print_json(document(done))
        return Exit.DONE
    print_line(f"{done.file} is restored: {what(done)}")
    if done.kept is not None:
        print_line(f"what was there is kept as {done.kept}")
    return Exit.DONE
