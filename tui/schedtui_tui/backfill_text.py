"""A backfill in words: for the command and the console."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schedtui.models import Backfill


def outcome(answer: Backfill) -> str:
    """``3 runs are queued; left out: 1 backfilled already``."""
    if not answer.found:
        return "no due time lies in that range; nothing was queued"
    runs = "1 run" if answer.queued == 1 else f"{answer.queued:,} runs"
    are = "is" if answer.queued == 1 else "are"
    said = f"{runs} would be queued" if answer.dry_run else f"{runs} {are} queued"
    left = ", ".join(left_out(answer))
    return f"{said}; left out: {left}" if left else said


def left_out(answer: Backfill) -> Iterator[str]:
    """What gets no run, and why, a part each."""
    reasons = (
        (answer.backfilled, "backfilled already"),
        (answer.succeeded, "succeeded when due"),
        (answer.active, "still active"),
        (answer.once, "of a period that has its run"),
        (answer.forgotten, "whose rows were removed"),
    )
    return (f"{number:,} {why}" for number, why in reasons if number)


def due_lines(answer: Backfill) -> Iterator[str]:
    """The first and last due times that get a run, in the job's zone."""
    yield from (one.local for one in answer.first)
    between = answer.queued - len(answer.first) - len(answer.last)
    if between:
        yield f"… {between:,} more"
    yield from (one.local for one in answer.last)
