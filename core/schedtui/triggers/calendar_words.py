"""Calendar schedules as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from schedtui.triggers.words import MONTHS, WEEKDAYS, clock_text, joined

_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def calendar_words(
    unit: str, every: int, on: Sequence[int], times: Sequence[int], month: int
) -> str:
    """``every 2 weeks on Monday and Thursday at 09:00``.

    Args:
        unit: ``days``, ``weeks`` or ``months``.
        every: How many of them.
        on: Weekdays (0 is Monday), or days of the month (0 is the last one).
        times: Seconds of the day.
        month: The month of the year, from 1, where whole years lie between.
    """
    at = joined([clock_text(second) for second in times])
    if unit == "weeks":
        names = [WEEKDAYS[day] for day in on]
        if every == 1:
            return f"every {joined(names)} at {at}"
        return f"{_every(unit, every)} on {joined(names)} at {at}"
    days = f" on the {day_words(on)}{' day' if 0 in on else ''}" if on else ""
    if unit == "months" and every % 12 == 0:
        days += f" of {MONTHS[month - 1]}"
    return f"{_every(unit, every)}{days} at {at}"


def short_calendar_words(unit: str, every: int, on: Sequence[int], times: Sequence[int]) -> str:
    """``every 2 weeks mon,thu 09:00``, for a column of a table."""
    if unit == "weeks":
        days = [WEEKDAYS[day][:3].lower() for day in on]
    else:
        days = [str(day or "last") for day in on]
    parts = [_every(unit, every), ",".join(days), ",".join(clock_text(one) for one in times)]
    return " ".join(part for part in parts if part)


def day_words(on: Sequence[int]) -> str:
    """``1st, 15th and last``."""
    return joined([_ordinal(day) if day else "last" for day in on])


def _ordinal(day: int) -> str:
    ending = "th" if 10 < day < 14 else _ENDINGS.get(day % 10, "th")
    return f"{day}{ending}"


def _every(unit: str, every: int) -> str:
    if unit == "months" and every % 12 == 0:
        unit, every = "years", every // 12
    return f"every {unit[:-1]}" if every == 1 else f"every {every} {unit}"
