"""A schedule with exceptions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date
from typing import Any, Self

from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.triggers.base import Trigger
from schedtui.triggers.blackout import Blackout
from schedtui.triggers.combined import Combined, Work, check_part, first_of, last_of, most_of
from schedtui.triggers.timezones import check_timezone
from schedtui.triggers.wallclock import WallClock, wall_clock


class Except(Combined):
    """A trigger that is not due in a blackout; what falls into one is left out, and not made up.

    The blackout follows the wall clock of its zone.

    Args:
        trigger: Any trigger.
        dates: Whole days: ``"2026-12-25"``, ``"2026-12-27..2027-01-02"``, `datetime.date` objects.
        windows: Hours: ``"22:00-06:00"``, ``"sat,sun"``, ``"mon-fri 12:00-13:00"``. A window
            begins on the days it names and may go on after midnight; at its end it is due again.
        calendars: Names that `register_calendar` was given.
        holidays: Public holidays of the `holidays` library (``schedtui[holidays]``): ``"DE"``,
            ``"US-NY"``.
        timezone: The IANA zone of the blackout; None: the job's.

    Raises:
        InvalidTriggerError: an argument is wrong, or a calendar cannot be read; says which.
    """

    __slots__ = ("_blackout", "_clock", "_timezone")

    def __init__(
        self,
        trigger: Trigger,
        *,
        dates: Sequence[str | date] = (),
        windows: Sequence[str] = (),
        calendars: Sequence[str] = (),
        holidays: Sequence[str] = (),
        timezone: str | None = None,
    ) -> None:
        super().__init__((check_part(trigger, "trigger"),))
        self._timezone = None if timezone is None else check_timezone(timezone)
        self._blackout = Blackout(dates, windows, calendars, holidays)
        self._clock: WallClock = wall_clock(self._timezone or "UTC")

    @property
    def trigger(self) -> Trigger:
        """What it makes exceptions from."""
        return self._parts[0]

    def with_timezone(self, name: str) -> Self:
        """The same by the clock of the zone ``name``, where there is no other.

        Raises:
            InvalidTriggerError: there is no such zone.
        """
        bound = super().with_timezone(name)
        if self._timezone is None:
            bound._clock = wall_clock(check_timezone(name))  # noqa: SLF001 - of this very class
        return bound

    def blacked_out(self, us: int) -> bool:
        """Whether a moment lies in the blackout, were it due or not."""
        return self._blackout.end_after(us, self._clock) is not None

    def left_out_by(self, us: int) -> tuple[str, ...]:
        """What of the blackout covers a moment, in its own words; () for none of it."""
        return self._blackout.covering(us, self._clock)

    def names_at(self, due_us: int) -> tuple[str, ...]:
        """The names that its trigger has for ``due_us``."""
        return self.trigger.names_at(due_us)

    def refusal(self) -> InvalidError:
        """The blackout leaves nothing."""
        expected = (
            "a schedule that has due times left from now on; all that could be found are blacked "
            f"out ({self._blackout.words()})"
        )
        return InvalidTriggerError.one("trigger", self.trigger.short(), expected)

    def first(self, after_us: int, until_us: int, work: Work) -> int | None:
        """The first due time in ``(after_us, until_us]``."""
        while (due := first_of(self.trigger, after_us, until_us, work)) is not None:
            end_us = self._blackout.end_after(due, self._clock)
            if end_us is None:
                return due
            after_us = end_us - 1
        return None

    def last(self, after_us: int, until_us: int, work: Work) -> int | None:
        """The last due time in ``(after_us, until_us]``."""
        while (due := last_of(self.trigger, after_us, until_us, work)) is not None:
            if not self.blacked_out(due):
                return due
            until_us = self._blackout.start_before(due, self._clock) - 1
        return None

    def most(self, after_us: int, until_us: int) -> int:
        """All due times of its trigger."""
        return most_of(self.trigger, after_us, until_us)

    def day_key(self, start_us: int) -> Hashable | None:
        """The keys of its trigger and of the blackout."""
        blackout = self._blackout.day_key(start_us, self._clock)
        key = None if blackout is None else self.trigger.day_key(start_us)
        return None if key is None else (key, blackout)

    def describe(self) -> str:
        """``At 09:00 (Europe/Berlin), except sat,sun, holidays of DE (Europe/Berlin)``."""
        return f"{self.trigger.describe()}, except {self._blackout.words()} ({self._clock.name})"

    def short(self) -> str:
        """``0 9 * * * except sat,sun``."""
        return f"{self.trigger.short()} except {self._blackout.words()}"

    def to_json(self) -> dict[str, Any]:
        """``{"type": "except", "trigger": {...}, "windows": ["sat,sun"]}`` and so on."""
        data: dict[str, Any] = {"type": "except", "trigger": self.trigger.to_json()}
        for field in ("dates", "windows", "calendars", "holidays"):
            values = getattr(self._blackout, field)
            if values:
                data[field] = list(values)
        if self._timezone is not None:
            data["timezone"] = self._timezone
        return data

    def _key(self) -> tuple[object, ...]:
        return (self.trigger, self._blackout.key(), self._timezone, self._clock.name)

    def __repr__(self) -> str:
        data = self.to_json()
        given = "".join(f", {field}={data[field]!r}" for field in list(data)[2:])
        return f"Except({self.trigger!r}{given})"
