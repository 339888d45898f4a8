"""One moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from schedtui.clock import from_us
from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.triggers.base import DAY_US, Trigger, aware_us
from schedtui.triggers.timezones import check_timezone, load_zone
from schedtui.triggers.words import iso_utc, moment_words


class Once(Trigger):
    """Due once, at an instant.

    Args:
        at: An aware datetime.

    Raises:
        InvalidTriggerError: ``at`` is naive.
    """

    __slots__ = ("_at_us", "_zone")

    def __init__(self, at: datetime) -> None:
        self._at_us = aware_us(at, "at")
        self._zone = "UTC"

    @property
    def at(self) -> datetime:
        """When, in UTC."""
        return from_us(self._at_us)

    @property
    def fixed(self) -> bool:
        """A moment does not come twice."""
        return True

    @property
    def zone(self) -> str:
        """The zone in which it is described. It does not change when it is due."""
        return self._zone

    def with_timezone(self, name: str) -> Self:
        """The same moment, described in the zone ``name``.

        Raises:
            InvalidTriggerError: there is no such zone.
        """
        bound = type(self)(self.at)
        bound._zone = check_timezone(name)  # noqa: SLF001 - of this very class
        return bound

    def next_after_us(self, us: int) -> int | None:
        """The moment, when it is strictly after ``us``."""
        return self._at_us if self._at_us > us else None

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        """The moment, when it lies in ``(after_us, until_us]``."""
        return [self._at_us] if limit > 0 and self.count(after_us, until_us) else []

    def count(self, after_us: int, until_us: int) -> int:
        """1 when the moment lies in ``(after_us, until_us]``, else 0."""
        return int(after_us < self._at_us <= until_us)

    def refusal(self) -> InvalidError:
        """Its moment is over."""
        return InvalidTriggerError.one(
            "at", iso_utc(self.at), "a trigger that is due at least once from now on"
        )

    def day_key(self, start_us: int) -> int:
        """Where in the day it lies, if it does."""
        return self._at_us - start_us if start_us <= self._at_us < start_us + DAY_US else -1

    def describe(self) -> str:
        """``once on 2026-12-24 18:00 (Europe/Berlin)``."""
        return f"once on {self._words()} ({self._zone})"

    def short(self) -> str:
        """``once 2026-12-24 18:00``."""
        return f"once {self._words()}"

    def to_json(self) -> dict[str, Any]:
        """``{"type": "once", "at": "2026-12-24T17:00:00Z"}``."""
        return {"type": "once", "at": iso_utc(self.at)}

    def _words(self) -> str:
        try:
            return moment_words(self.at.astimezone(load_zone(self._zone)))
        except OverflowError:  # the first and the last day that a datetime can hold
            return f"{moment_words(self.at)} UTC"

    def _key(self) -> tuple[object, ...]:
        return (self._at_us,)

    def __repr__(self) -> str:
        return f"Once({self.at!r})"
