"""The instants that several schedules share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.triggers.base import Trigger
from schedtui.triggers.combined import (
    NEXT_STEPS,
    Combined,
    Work,
    check_parts,
    first_of,
    last_of,
    most_of,
)
from schedtui.triggers.every import Every


class AllOf(Combined):
    """Due at the instants at which each of its triggers is due.

    The search always ends: intervals are joined by arithmetic, and of the rest it looks at 10,000
    due times at most. Where these share none, there is no next due time.

    Args:
        triggers: 1 to 50 triggers.

    Raises:
        InvalidTriggerError: one is no trigger, or never due; or intervals that never meet.
    """

    __slots__ = ("_sought",)

    def __init__(self, triggers: Iterable[Trigger]) -> None:
        super().__init__(check_parts(triggers))
        self._sought = _joined(self._parts)

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """Its parts."""
        return self._parts

    def with_timezone(self, name: str) -> Self:
        """The same with every part bound to the zone ``name`` that has none of its own.

        Raises:
            InvalidTriggerError: there is no such zone.
        """
        bound = super().with_timezone(name)
        bound._sought = _joined(bound._parts)  # noqa: SLF001 - of this very class
        return bound

    def names_at(self, due_us: int) -> tuple[str, ...]:
        """The names that its parts have for ``due_us``."""
        return tuple(dict.fromkeys(name for part in self._parts for name in part.names_at(due_us)))

    def refusal(self) -> InvalidError:
        """Its parts do not meet."""
        return InvalidTriggerError.one(
            "triggers",
            self.short(),
            "triggers that are due at one same instant; these are not, before the year 2200 or "
            f"within {NEXT_STEPS:,} of their due times",
        )

    def first(self, after_us: int, until_us: int, work: Work) -> int | None:
        """The first due time in ``(after_us, until_us]``."""
        shared, agreed, at = None, 0, 0
        while agreed < len(self._sought):
            due = first_of(self._sought[at], after_us, until_us, work)
            if due is None:
                return None
            if due == shared:
                agreed += 1
            else:
                shared, agreed, after_us = due, 1, due - 1
            at = (at + 1) % len(self._sought)
        return shared

    def last(self, after_us: int, until_us: int, work: Work) -> int | None:
        """The last due time in ``(after_us, until_us]``."""
        shared, agreed, at = None, 0, 0
        while agreed < len(self._sought):
            due = last_of(self._sought[at], after_us, until_us, work)
            if due is None:
                return None
            if due == shared:
                agreed += 1
            else:
                shared, agreed, until_us = due, 1, due
            at = (at + 1) % len(self._sought)
        return shared

    def most(self, after_us: int, until_us: int) -> int:
        """All due times of the part that has least."""
        return min(most_of(part, after_us, until_us) for part in self._sought)

    def describe(self) -> str:
        """``At 09:00 (UTC), and at the same time every 2 days``."""
        return ", and at the same time ".join(part.describe() for part in self._parts)

    def short(self) -> str:
        """``0 9 * * * & every 2 days``."""
        return " & ".join(part.short() for part in self._parts)

    def to_json(self) -> dict[str, Any]:
        """``{"type": "all_of", "triggers": [...]}``."""
        return {"type": "all_of", "triggers": [part.to_json() for part in self._parts]}

    def _key(self) -> tuple[object, ...]:
        return (self._parts,)

    def __repr__(self) -> str:
        return f"AllOf({list(self._parts)!r})"


def _joined(parts: tuple[Trigger, ...]) -> tuple[Trigger, ...]:
    """The parts, with all intervals as one."""
    joined: Every | None = None
    others: list[Trigger] = []
    for part in parts:
        if not isinstance(part, Every):
            others.append(part)
            continue
        met = part if joined is None else joined.meeting(part)
        if met is None:
            words = " & ".join(one.describe() for one in parts if isinstance(one, Every))
            expected = "intervals that are due at one same instant; these never are"
            raise InvalidTriggerError.one("triggers", words, expected)
        joined = met
    return (*others, joined) if joined is not None else tuple(others)
