"""What the commands for jobs as files share: reading, drawing a plan, asking before a change."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schedtui.models import ChangeKind, JobChange, Plan
from schedtui_tui.exits import UsageError
from schedtui_tui.tables import print_line

if TYPE_CHECKING:
    from schedtui.models import Applied

_SIGNS = {ChangeKind.ADDED: "+", ChangeKind.CHANGED: "~", ChangeKind.REMOVED: "-"}
_NOT_SAID = "(not said)"
_MAX_VALUE = 200  # characters of a value in a plan


def add_file(parser: argparse.ArgumentParser) -> None:
    """``FILE``."""
    parser.add_argument("file", metavar="FILE", help="as `schedtui export` writes it; -: stdin")


def add_change_options(parser: argparse.ArgumentParser, *, note_required: bool) -> None:
    """``--note``, ``--plan``, ``--yes`` and ``--json``."""
    parser.add_argument(
        "--note", required=note_required, default="", help="why; kept with the revision"
    )
    parser.add_argument(
        "--plan", metavar="ID", help="of `schedtui plan`: refuse where something changed since"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def check_options(args: argparse.Namespace) -> None:
    """Refuse to print a plan for a person where a program reads.

    Raises:
        UsageError: it would have to.
    """
    if args.json and not args.yes:
        raise UsageError("--json prints one document and asks nothing: give --yes with it")


def read_text(name: str) -> str:
    """The text of a file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name}: not UTF-8 text") from None


def print_plan(plan: Plan) -> None:
    """What would change, for people: a job in a line, and each of its fields below it."""
    for change in plan.changes:
        print_line(f"{_SIGNS[change.kind]} {change.job}{_what(change)}")
        if change.kind is not ChangeKind.REMOVED:
            for line in _fields(change):
                print_line(f"    {line}")
    for warning in plan.warnings:
        print_line(f"! {warning}")


def summary(changes: Sequence[JobChange]) -> str:
    """``1 added, 2 changed``; empty for no change."""
    counts = {kind: sum(one.kind is kind for one in changes) for kind in ChangeKind}
    return ", ".join(f"{count:,} {kind.value}" for kind, count in counts.items() if count)


def tell_applied(applied: Applied) -> None:
    """What came of it, in a line."""
    if applied.revision is None:
        print_line("nothing differs, so nothing was done")
    else:
        print_line(f"revision {applied.revision.number}: {summary(applied.changes)}")


def sure(question: str) -> bool:
    """Whether the person at the terminal says yes.

    Raises:
        UsageError: nobody can be asked.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody can be asked here: give --yes, after `schedtui plan`")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in {"y", "yes"}


def _what(change: JobChange) -> str:
    where = ", in code" if change.static else ""
    return f"  ({change.kind.value}{where})"


def _fields(change: JobChange) -> list[str]:
    width = max((len(one.field) for one in change.fields), default=0)
    lines = []
    for one in change.fields:
        new = _value(one.new)
        if change.kind is ChangeKind.CHANGED:
            new = f"{_value(one.old)} -> {new}"
        lines.append(f"{one.field:{width}}  {new}")
    return lines


def _value(value: Any) -> str:
    if value is None:
        return _NOT_SAID
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"
