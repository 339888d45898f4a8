"""What triggers that are made of other triggers share: searches that always end, and counting.

A search is given `Work`, a number of steps for all of its parts together, so that triggers that
hardly ever meet cost a moment and not a day. Counting goes by days: two days of equal keys
(`Trigger.day_key`) have the same due times, and each kind of day is listed once.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Hashable
from typing import Final, Self

from schedtui.errors import InvalidTriggerError
from schedtui.triggers.base import DAY_US, FLOOR_US, HORIZON_US, Trigger

NEXT_STEPS: Final = 10_000
"""Due times of parts that one search looks at. One a day, that is 27 years."""

COUNT_STEPS: Final = 100_000
"""The same for counting a stretch, plus one for each of its days."""

MOST_PARTS: Final = 50
"""So many triggers may be combined in one."""

_FAR_US: Final = 1 << 62


class Work:
    """How many steps a search may still take.

    Args:
        steps: So many.
    """

    __slots__ = ("_given", "left")

    def __init__(self, steps: int) -> None:
        self._given = steps
        self.left = steps

    @property
    def taken(self) -> int:
        """Steps that were taken."""
        return self._given - self.left

    def share(self, among: int) -> Work:
        """An even share of what is left, so that one hopeless search does not starve another."""
        return Work(max(self.left // among, -1 if self.left < 0 else 1))

    def spend(self, steps: int = 1) -> bool:
        """Take steps; False when there were not so many left."""
        self.left -= steps
        return self.left >= 0


class Combined(Trigger):
    """A trigger that is made of others."""

    __slots__ = ("_parts",)

    def __init__(self, parts: tuple[Trigger, ...]) -> None:
        self._parts = parts

    @property
    def parts(self) -> tuple[Trigger, ...]:
        """What it is made of."""
        return self._parts

    @property
    def timezone(self) -> str | None:
        """The zone that all its parts were given themselves; None where they differ."""
        zones = {part.timezone for part in self._parts}
        return zones.pop() if len(zones) == 1 else None

    @property
    def fixed(self) -> bool:
        """Whether one of its parts is: what had its turn is not to have it twice."""
        return any(part.fixed for part in self._parts)

    @property
    def foreign(self) -> bool:
        """Whether it or one of its parts is."""
        return super().foreign or any(part.foreign for part in self._parts)

    def with_timezone(self, name: str) -> Self:
        """The same with every part bound to the zone ``name`` that has none of its own.

        Raises:
            InvalidTriggerError: there is no such zone.
        """
        bound = copy.copy(self)
        bound._parts = tuple(part.with_timezone(name) for part in self._parts)  # noqa: SLF001 - its copy
        return bound

    def next_after_us(self, us: int) -> int | None:
        """The first due time strictly after ``us``; None when `NEXT_STEPS` lead to none."""
        return self.first(us, _FAR_US, Work(NEXT_STEPS))

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        """The newest ``limit`` due times in ``(after_us, until_us]``, oldest of them first."""
        found: list[int] = []
        work = Work(NEXT_STEPS)
        while len(found) < limit:
            due = self.last(after_us, until_us, work)
            if due is None:
                break
            found.append(due)
            until_us = due - 1
        return found[::-1]

    def count(self, after_us: int, until_us: int) -> int:
        """How many due times lie in ``(after_us, until_us]``.

        Exact while `COUNT_STEPS` are enough; what is beyond counts as if no part excluded another.
        """
        work = Work(COUNT_STEPS)
        first = max(-(-(after_us + 1) // DAY_US) * DAY_US, FLOOR_US)
        end = min((until_us + 1) // DAY_US * DAY_US, HORIZON_US)
        if end - first < 2 * DAY_US:
            return self.list_count(after_us, until_us, work)
        total = self.list_count(after_us, first - 1, work)
        known: dict[Hashable, int] = {}
        for start in range(first, end, DAY_US):
            if not work.spend():
                return total + self.most(start - 1, until_us)
            key = self.day_key(start)
            found = None if key is None else known.get(key)
            if found is None:
                found = known[key] = self.list_count(start - 1, start + DAY_US - 1, work)
            total += found
        return total + self.list_count(end - 1, until_us, work)

    def day_key(self, start_us: int) -> Hashable | None:
        """The keys of all parts."""
        keys = tuple(part.day_key(start_us) for part in self._parts)
        return None if None in keys else keys

    def list_count(self, after_us: int, until_us: int, work: Work) -> int:
        """The same as `count`, by listing; what there are no steps for is `most`."""
        total = 0
        while (due := self.first(after_us, until_us, work)) is not None:
            total, after_us = total + 1, due
        return total if work.left >= 0 else total + self.most(after_us, until_us)

    @abstractmethod
    def first(self, after_us: int, until_us: int, work: Work) -> int | None:
        """The first due time in ``(after_us, until_us]``; None also without steps left."""

    @abstractmethod
    def last(self, after_us: int, until_us: int, work: Work) -> int | None:
        """The last due time in ``(after_us, until_us]``; None also without steps left."""

    @abstractmethod
    def most(self, after_us: int, until_us: int) -> int:
        """A number that `count` does not exceed."""


def first_of(part: Trigger, after_us: int, until_us: int, work: Work) -> int | None:
    """The first due time of a part in ``(after_us, until_us]``."""
    if isinstance(part, Combined):
        return part.first(after_us, until_us, work)
    if not work.spend(part.COST):
        return None
    due = part.next_after_us(after_us)
    return due if due is not None and due <= until_us else None


def last_of(part: Trigger, after_us: int, until_us: int, work: Work) -> int | None:
    """The last due time of a part in ``(after_us, until_us]``."""
    if isinstance(part, Combined):
        return part.last(after_us, until_us, work)
    if not work.spend(part.COST):
        return None
    newest = part.newest(after_us, until_us, 1)
    return newest[0] if newest else None


def most_of(part: Trigger, after_us: int, until_us: int) -> int:
    """A number that the count of a part does not exceed."""
    if isinstance(part, Combined):
        return part.most(after_us, until_us)
    return part.count(after_us, until_us)


def check_part(part: object, field: str) -> Trigger:
    """``part`` when it can be combined.

    Raises:
        InvalidTriggerError: it is no trigger, or `Never`.
    """
    if not isinstance(part, Trigger):
        raise InvalidTriggerError.one(field, part, "a trigger, such as Cron('0 9 * * *')")
    if part.dueless:
        raise InvalidTriggerError.one(field, part.short(), "a trigger that is due at some time")
    return part


def check_parts(parts: object) -> tuple[Trigger, ...]:
    """Several triggers to combine.

    Raises:
        InvalidTriggerError: one is none, or there are none or too many.
    """
    if isinstance(parts, Trigger | str) or not hasattr(parts, "__iter__"):
        raise InvalidTriggerError.one("triggers", parts, "a list of triggers")
    checked = tuple(check_part(part, f"triggers.{at}") for at, part in enumerate(parts))
    if not 1 <= len(checked) <= MOST_PARTS:
        raise InvalidTriggerError.one("triggers", len(checked), f"1 to {MOST_PARTS} triggers")
    return checked
