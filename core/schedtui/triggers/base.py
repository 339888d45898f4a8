"""What every trigger can do: say when, in instants and in words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, Final, Self

from schedtui.clock import from_us, to_us
from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.triggers.answers import checked

SECOND_US: Final = 1_000_000
"""Microseconds in a second."""

DAY_US: Final = 86_400 * SECOND_US
"""Microseconds in 24 hours."""

FLOOR_US: Final = to_us(datetime(1900, 1, 1, tzinfo=UTC))
"""No calendar is searched before this moment."""

HORIZON_US: Final = to_us(datetime(2200, 1, 1, tzinfo=UTC))
"""Nothing that repeats is due at or after this moment: a search ends here."""


class Trigger(ABC):
    """When something is due. Immutable; compared by value.

    Instants are integer microseconds since 1970-01-01T00:00:00Z wherever a name ends in ``_us``,
    and aware datetimes elsewhere.
    """

    __slots__ = ()

    COST: ClassVar[int] = 1
    """What one question costs, in steps of a search."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """What a class of the user's own answers is checked, whoever asks it."""
        super().__init_subclass__(**kwargs)
        if _foreign(cls):
            checked(cls)

    @property
    def timezone(self) -> str | None:
        """The IANA zone this trigger was given itself, or None: it is bound to its job's."""
        return None

    @property
    def fixed(self) -> bool:
        """Whether it does not repeat after the clock was set back by up to three hours.

        True for what cron(8) calls a job "that runs at a particular time". A trigger that is not
        fixed follows the new time at once.
        """
        return False

    @property
    def dueless(self) -> bool:
        """Whether it is never due on purpose: its job runs by hand, or after another one."""
        return False

    @property
    def foreign(self) -> bool:
        """Whether its due times come from code that is not ours, which may take its time.

        The engine asks such a trigger off its loop.
        """
        return _foreign(type(self))

    def with_timezone(self, name: str) -> Self:  # noqa: ARG002 - durations have no zone
        """This trigger bound to the zone ``name``, unless it has a zone of its own.

        Raises:
            InvalidTriggerError: there is no such zone.
        """
        return self

    def next_after(self, moment: datetime) -> datetime | None:
        """The first due time strictly after ``moment``, in UTC; None when there is none.

        Raises:
            InvalidTriggerError: ``moment`` is naive.
        """
        due = self.next_after_us(aware_us(moment, "moment"))
        return None if due is None else from_us(due)

    @abstractmethod
    def next_after_us(self, us: int) -> int | None:
        """The first due time strictly after ``us``; None when there is none."""

    @abstractmethod
    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        """The newest ``limit`` due times in ``(after_us, until_us]``, oldest of them first.

        Costs what ``limit`` due times cost, however long the stretch is.
        """

    @abstractmethod
    def count(self, after_us: int, until_us: int) -> int:
        """How many due times lie in ``(after_us, until_us]``; by arithmetic, not by listing."""

    def names_at(self, due_us: int) -> tuple[str, ...]:  # noqa: ARG002 - a plain trigger has none
        """The names of the schedules that are due at ``due_us``, in their order; () without any."""
        return ()

    @property
    def named(self) -> bool:
        """Whether `names_at` has anything to say."""
        return type(self).names_at is not Trigger.names_at

    def refusal(self) -> InvalidError:
        """Why it is refused when it is never due from now on."""
        expected = "a trigger that is due at least once from now on"
        return InvalidTriggerError.one("trigger", self.short(), expected)

    def day_key(self, start_us: int) -> Hashable | None:  # noqa: ARG002 - a plain trigger has none
        """What decides the due times in ``[start_us, start_us + 24 h)``; None: only listing tells.

        Two days of equal keys have the same due times, seen from the start of each.
        """
        return None

    @abstractmethod
    def describe(self) -> str:
        """The schedule in words, with its zone where it has one."""

    @abstractmethod
    def short(self) -> str:
        """The schedule for a column of a table."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The JSON form, which `parse_trigger` reads.

        A zone that came from the job is not part of it, so that it follows the job's.
        """

    @abstractmethod
    def _key(self) -> tuple[object, ...]:
        """What makes two triggers of one class the same."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash((type(self), self._key()))


@cache
def _foreign(kind: type) -> bool:
    return not kind.__module__.startswith("schedtui.triggers.")


def aware_us(moment: object, field: str) -> int:
    """``moment`` in microseconds since 1970.

    Raises:
        InvalidTriggerError: it is not a datetime, or a naive one.
    """
    if not isinstance(moment, datetime):
        raise InvalidTriggerError.one(field, moment, "a datetime with a time zone")
    if moment.utcoffset() is None:
        raise InvalidTriggerError.one(
            field,
            moment.isoformat(),
            "a datetime with a time zone (this one is naive); add tzinfo=",
        )
    return to_us(moment)
