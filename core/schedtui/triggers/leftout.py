"""What blackouts leave out of a schedule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schedtui.triggers.base import Trigger
from schedtui.triggers.combined import Combined
from schedtui.triggers.excepting import Except


class LeftOut(NamedTuple):
    """A moment at which a schedule would be due, were it not for its blackout."""

    due_us: int
    by: tuple[str, ...]
    """The entries of the blackout that cover it."""


def left_out(trigger: Trigger, from_us: int, until_us: int) -> LeftOut | None:
    """The first moment in ``[from_us, until_us)`` that a blackout leaves out; None for none."""
    found: list[LeftOut] = []
    for one in _exceptions(trigger):
        due_us = one.trigger.next_after_us(from_us - 1)
        if due_us is not None and due_us < until_us:
            by = one.left_out_by(due_us)
            if by:
                found.append(LeftOut(due_us, by))
    return min(found, default=None)


def _exceptions(trigger: Trigger) -> Iterator[Except]:
    if isinstance(trigger, Except):
        yield trigger
    if isinstance(trigger, Combined):
        for part in trigger.parts:
            yield from _exceptions(part)
