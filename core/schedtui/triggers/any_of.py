"""Several schedules in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schedtui.models.names import check_name
from schedtui.triggers.base import Trigger
from schedtui.triggers.combined import Combined, Work, check_parts, first_of, last_of, most_of


class AnyOf(Combined):
    """Due whenever one of its triggers is; an instant that several share is one due time.

    `names_at` says which of them are due then: by name where they have one, else in short. After
    a step back of the clock of up to three hours none of them repeats when one of them is fixed.

    Args:
        triggers: 1 to 50 triggers, or a mapping of names to triggers.

    Raises:
        InvalidTriggerError, InvalidNameError: one is no trigger, or never due, or a name is wrong.
    """

    __slots__ = ("_names",)

    def __init__(self, triggers: Iterable[Trigger] | Mapping[str, Trigger]) -> None:
        self._names: tuple[str, ...] = ()
        if isinstance(triggers, Mapping):
            self._names = tuple(check_name("triggers", name) for name in triggers)
            triggers = triggers.values()
        super().__init__(check_parts(triggers))

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """Its parts."""
        return self._parts

    def names_at(self, due_us: int) -> tuple[str, ...]:
        """The parts that are due at ``due_us``, in their order."""
        names: list[str] = []
        for at, part in enumerate(self._parts):
            if part.next_after_us(due_us - 1) == due_us:
                own = (self._names[at],) if self._names else part.names_at(due_us)
                names += own or (part.short(),)
        return tuple(dict.fromkeys(names))

    def first(self, after_us: int, until_us: int, work: Work) -> int | None:
        """The first due time in ``(after_us, until_us]``."""
        found = None
        for number, part in enumerate(self._cheap_first()):
            share = work.share(len(self._parts) - number)
            due = first_of(part, after_us, until_us, share)
            work.left -= share.taken
            if due is not None:
                found, until_us = due, due
        return found

    def last(self, after_us: int, until_us: int, work: Work) -> int | None:
        """The last due time in ``(after_us, until_us]``."""
        found = None
        for number, part in enumerate(self._cheap_first()):
            share = work.share(len(self._parts) - number)
            due = last_of(part, after_us, until_us, share)
            work.left -= share.taken
            if due is not None:
                found, after_us = due, due - 1
        return found

    def list_count(self, after_us: int, until_us: int, work: Work) -> int:
        """All of the part that has most, and of each other one what no part before it has."""
        counts = [self._count_of(part, after_us, until_us, work) for part in self._parts]
        order = sorted(range(len(counts)), key=counts.__getitem__, reverse=True)
        total = counts[order[0]]
        for number, at in enumerate(order[1:], 1):
            before = [self._parts[one] for one in order[:number]]
            low_us = after_us
            while (due := first_of(self._parts[at], low_us, until_us, work)) is not None:
                low_us = due
                total += all(first_of(part, due - 1, due, work) is None for part in before)
            if work.left < 0:
                return total + most_of(self._parts[at], low_us, until_us)
        return total

    def most(self, after_us: int, until_us: int) -> int:
        """All due times of all parts."""
        return sum(most_of(part, after_us, until_us) for part in self._parts)

    def describe(self) -> str:
        """``morning: At 09:00 (UTC); or evening: At 17:00 (UTC)``."""
        return "; or ".join(self._named([part.describe() for part in self._parts]))

    def short(self) -> str:
        """``0 9 * * * | 0 17 * * *``."""
        return " | ".join(self._names or [part.short() for part in self._parts])

    def to_json(self) -> dict[str, Any]:
        """``{"type": "any_of", "triggers": [...]}``, or with ``{name: trigger}``."""
        parts = [part.to_json() for part in self._parts]
        if self._names:
            return {"type": "any_of", "triggers": dict(zip(self._names, parts, strict=True))}
        return {"type": "any_of", "triggers": parts}

    def _cheap_first(self) -> list[Trigger]:
        """Plain parts before combined ones: what they find bounds the longer searches."""
        return sorted(self._parts, key=lambda part: isinstance(part, Combined))

    def _named(self, words: list[str]) -> list[str]:
        if not self._names:
            return words
        return [f"{name}: {word}" for name, word in zip(self._names, words, strict=True)]

    @staticmethod
    def _count_of(part: Trigger, after_us: int, until_us: int, work: Work) -> int:
        if isinstance(part, Combined):
            return part.list_count(after_us, until_us, work)
        return part.count(after_us, until_us)

    def _key(self) -> tuple[object, ...]:
        if self._names:  # the order of the keys of a JSON object means nothing
            return (frozenset(zip(self._names, self._parts, strict=True)),)
        return (self._parts,)

    def __repr__(self) -> str:
        if self._names:
            return f"AnyOf({dict(zip(self._names, self._parts, strict=True))!r})"
        return f"AnyOf({list(self._parts)!r})"
