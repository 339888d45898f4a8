"""``schedtui export``: the jobs of an engine as a file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from schedtui.models import JobsText
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.runs import positive
from schedtui_tui.exits import Exit, UsageError, note
from schedtui_tui.tables import print_json

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui export``."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="default: stdout")
    parser.add_argument(
        "--revision", type=positive, metavar="N", help="the jobs as they were at that revision"
    )
    parser.add_argument("--json", action="store_true", help="print it within one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Write the file."""

    async def work(client: EngineClient) -> int:
        if args.revision is not None:
            revision = await client.revision(args.revision)
            export = JobsText(text=revision.text, revision=revision.number)
        else:
            export = await client.export_jobs()
            for line in export.left_out:
                note(f"left out: {line}")
        if args.file is not None:
            _write(Path(args.file), export.text)
            note(f"{args.file} is written")
        if args.json:
            print_json(export)
        elif args.file is None:
            _print(export.text)
        return Exit.DONE

    return with_engine(args, work)


def _print(text: str) -> None:
    if sys.stdout.isatty():
        from schedtui_tui.text import clean

        sys.stdout.write(clean(text, lines=True))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a file that is kept in Git must not be left cut off."""
    data = text.encode("utf-8")
    path = path.resolve()
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a pipe, or a device
            return
        new = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            new.write_bytes(data)
            if path.exists():
                new.chmod(path.stat().st_mode & 0o777)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
