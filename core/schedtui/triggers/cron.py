"""Debian's cron(8), in any time zone."""

from __future__ import annotations

from typing import Any

from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.triggers.fields import read_fields
from schedtui.triggers.timetable import timetable
from schedtui.triggers.wall_trigger import WallTrigger
from schedtui.triggers.words import cron_words


class Cron(WallTrigger):
    """A crontab line's schedule, with the meaning it has for Debian's cron(8).

    - Five fields: minute, hour, day of month, month, day of week; six have a second before them.
    - 0 and 7 are Sunday; names (``mon``, ``jan``), lists, ranges and steps as in crontab(5).
    - Day of month and day of week: either, when both are restricted; both, when one of them
      begins with ``*``.
    - When the clock is set forward by less than three hours, a time in the gap is due once, right
      after it. When it is set back by up to three hours, a time in the overlap is due once, the
      first time. This is for fixed times; where minute or hour begin with ``*``, the schedule
      follows the clock and is due in each pass of the overlap.
    - Beyond crontab(5): ``L`` and ``LW`` (last day, last weekday of the month), ``5L`` (last
      Friday), ``mon#1`` (first Monday). ``@hourly``, ``@daily``, ``@midnight``, ``@weekly``,
      ``@monthly``, ``@yearly`` and ``@annually`` are understood, ``@reboot`` is not a time.

    Args:
        expression: Such as ``0 9 * * mon-fri`` or ``@daily``.
        timezone: An IANA zone of its own. Without one it is bound to its job's, and means UTC
            until then.

    Raises:
        InvalidTriggerError: naming the field of the expression, the value and the allowed range.
    """

    __slots__ = ("_expression", "_fields")

    def __init__(self, expression: str, timezone: str | None = None) -> None:
        self._fields = read_fields(expression)
        self._expression = " ".join(expression.split())
        fixed = not (self._fields[1].startswith("*") or self._fields[2].startswith("*"))
        super().__init__(timetable(self._fields), fixed=fixed, timezone=timezone)

    @property
    def expression(self) -> str:
        """As it was given."""
        return self._expression

    def refusal(self) -> InvalidError:
        """It is not due any more before the year 2200."""
        return InvalidTriggerError.one(
            "expression", self._expression, "a trigger that is due at least once from now on"
        )

    def describe(self) -> str:
        """``At 09:00 every Monday (Europe/Berlin)``."""
        return f"{cron_words(self._fields)} ({self.zone})"

    def short(self) -> str:
        """The expression."""
        return self._expression

    def to_json(self) -> dict[str, Any]:
        """``{"type": "cron", "expression": "0 9 * * 1"}``, with its own ``timezone``."""
        data: dict[str, Any] = {"type": "cron", "expression": self._expression}
        if self._timezone is not None:
            data["timezone"] = self._timezone
        return data

    def _key(self) -> tuple[object, ...]:
        return (self._expression, self._timezone, self.zone)

    def __repr__(self) -> str:
        if self._timezone is not None:
            return f"Cron({self._expression!r}, timezone={self._timezone!r})"
        if self.zone != "UTC":
            return f"Cron({self._expression!r}).with_timezone({self.zone!r})"
        return f"Cron({self._expression!r})"
