"""Durations, moments and cron expressions as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from cronsim import CronSim

WEEKDAYS: Final = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)
"""From Monday on, as `datetime.date.weekday` counts."""

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
"""In their order."""

_MICROSECOND: Final = timedelta(microseconds=1)
_UNITS: Final = (("day", 86_400), ("h", 3_600), ("min", 60))
_ANY_DATE: Final = datetime(2000, 1, 1, tzinfo=UTC)
_PLAIN_WEEKDAYS: Final = re.compile(r"([0-7]|[A-Z]{3})([,-]([0-7]|[A-Z]{3}))*")
_WRONG_ORDINAL: Final = re.compile(r"\b(\d*[02-9])([123])th\b")
_ORDINAL_ENDINGS: Final = {"1": "st", "2": "nd", "3": "rd"}


def duration_words(duration: timedelta) -> str:
    """A duration in words that `parse_duration` reads: ``5 min``, ``1 h 30 min``, ``2 days``."""
    us = abs(duration) // _MICROSECOND
    seconds, rest = divmod(us, 1_000_000)
    if not seconds and rest and rest % 1_000 == 0:
        return f"{rest // 1_000} ms"
    parts: list[str] = []
    for unit, size in _UNITS:
        amount, seconds = divmod(seconds, size)
        if amount:
            plural = "s" if unit == "day" and amount != 1 else ""
            parts.append(f"{amount} {unit}{plural}")
    if rest:
        parts.append(f"{seconds}.{rest:06d}".rstrip("0") + " s")
    elif seconds or not parts:
        parts.append(f"{seconds} s")
    return " ".join(parts)


def moment_words(moment: datetime) -> str:
    """The wall-clock time of a datetime as short as it can be: ``2026-12-24 18:00``."""
    wall = moment.replace(tzinfo=None)
    exact = wall.second or wall.microsecond
    return wall.isoformat(" ", "auto" if exact else "minutes")


def iso_utc(moment: datetime) -> str:
    """ISO 8601 in UTC with a ``Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def clock_text(second: int) -> str:
    """A second of the day as ``09:00`` or ``09:00:30``."""
    minutes, rest = divmod(second, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{rest:02d}" if rest else text


def joined(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def cron_words(fields: tuple[str, ...]) -> str:
    """The six fields of a cron expression in words: ``At 09:00 every Monday``.

    cronsim's, but for ``21th``, and for ``on Monday`` where it is every one of them.
    """
    words: str = CronSim(" ".join(fields), _ANY_DATE).explain()
    if fields[3] == "*" and words.startswith("At ") and _PLAIN_WEEKDAYS.fullmatch(fields[5]):
        words = words.replace(" on ", " every ", 1)
    return _WRONG_ORDINAL.sub(_right_ordinal, words)


def _right_ordinal(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{_ORDINAL_ENDINGS[found[2]]}"
