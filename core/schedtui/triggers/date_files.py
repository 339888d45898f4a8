"""Files of dates: TOML, JSON, iCalendar, or one date per line.

====== =====================================================================================
TOML   ``dates = [2026-12-25, "2026-12-27..2027-01-02"]``, or ``2026-12-25 = "Christmas"``
JSON   ``["2026-12-25", "2026-12-27..2027-01-02"]``, or an object like the TOML ones
.ics   ``DTSTART`` and ``DTEND`` of each event; of rules for repeating only ``FREQ=YEARLY``
else   ``2026-12-25 Christmas``, one a line; ``2026-12-27..2027-01-02``; ``#`` begins a comment
====== =====================================================================================
"""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.triggers.timetable import EPOCH_ORDINAL, LAST_YEAR

MOST_BYTES: Final = 4 * 1024 * 1024
"""A larger file is refused."""

_RANGE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.\.([0-9]{4}-[0-9]{2}-[0-9]{2}))?")
_ICS_DATE: Final = re.compile(r"[^:]*:([0-9]{8})(T[0-9]{6}Z?)?")
_MOST_DAYS: Final = 100_000


def read_date_file(path: Path, name: str) -> frozenset[int]:
    """The days in a file, as numbers from 1970-01-01.

    Args:
        path: The file.
        name: What the calendar is called, for messages: they do not show the path.

    Raises:
        InvalidTriggerError: the file cannot be read; says which line or value.
    """
    try:
        state = path.stat()
        if state.st_size > MOST_BYTES:
            raise _wrong(name, f"a file of at most {MOST_BYTES // 1024**2} MiB")
        return _read(path, name, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise _wrong(name, f"a file that can be read ({error.strerror})") from None


def day_range(text: object) -> range | None:
    """``2026-12-25`` or ``2026-12-27..2027-01-02`` as numbers of days; None when it is neither."""
    found = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    try:
        first = date.fromisoformat(found[1])
        last = date.fromisoformat(found[2] or found[1])
    except ValueError:
        return None
    if last < first or last.year > LAST_YEAR:
        return None
    return range(first.toordinal() - EPOCH_ORDINAL, last.toordinal() - EPOCH_ORDINAL + 1)


@lru_cache(maxsize=64)
def _read(path: Path, name: str, _changed_ns: int, _size: int) -> frozenset[int]:
    """The same; many jobs share a file, which is read again once it has changed."""
    try:
        text = path.read_text("utf-8-sig")
        kind = path.suffix.lower()
        if kind == ".ics":
            return _of_ics(text, name)
        if kind == ".toml":
            return _of_data(tomllib.loads(text), name)
        if kind == ".json":
            return _of_data(json.loads(text), name)
    except UnicodeDecodeError:
        raise _wrong(name, "a file of UTF-8 text") from None
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _wrong(name, f"a file of correct {path.suffix[1:].upper()} ({error})") from None
    return _of_lines(text, name)


def _of_data(data: Any, name: str) -> frozenset[int]:
    if isinstance(data, dict) and isinstance(data.get("dates"), list | dict):
        data = data["dates"]
    days: set[int] = set()
    if not isinstance(data, list | dict):
        raise _wrong(name, "a list of dates, or an object whose keys are dates")
    for one in data:
        text = one.date().isoformat() if isinstance(one, datetime) else one
        text = text.isoformat() if isinstance(text, date) else text
        _add(days, text, name, f"got {str(text)[:80]!r}")
    return frozenset(days)


def _of_lines(text: str, name: str) -> frozenset[int]:
    days: set[int] = set()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split(maxsplit=1)
        if words:
            _add(days, words[0].rstrip(",;"), name, f"line {number}: got {words[0][:80]!r}")
    return frozenset(days)


def _add(days: set[int], text: object, name: str, where: str) -> None:
    found = day_range(text)
    if found is None or len(days) + len(found) > _MOST_DAYS:
        raise _wrong(name, f"dates such as 2026-12-25 or 2026-12-27..2027-01-02 ({where})")
    days.update(found)


def _of_ics(text: str, name: str) -> frozenset[int]:
    days: set[int] = set()
    event: dict[str, str] = {}
    # RFC 5545: a line that begins with a space goes on with the one before.
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        field = re.split("[;:]", line, maxsplit=1)[0].upper()
        if line.upper() == "BEGIN:VEVENT":
            event = {}
        elif line.upper() == "END:VEVENT":
            days.update(_of_event(event, name))
        elif field in ("DTSTART", "DTEND", "RRULE", "RDATE", "DURATION"):
            event[field] = line
    if not days:
        raise _wrong(name, "a calendar with at least one event")
    return frozenset(days)


def _of_event(event: dict[str, str], name: str) -> set[int]:
    start = _ics_day(event.get("DTSTART", ""), name)
    end = _ics_day(event["DTEND"], name) if "DTEND" in event else start
    # The end of whole days is the day after the last; an event with hours ends on its last day.
    whole = "T" not in event.get("DTEND", "").rpartition(":")[2]
    last = end - timedelta(days=1) if whole and end > start else end
    if "RDATE" in event or "DURATION" in event or not 0 <= (last - start).days < 3_660:
        raise _wrong(name, "events with DTSTART and DTEND, without RDATE and DURATION")
    lengths = range((last - start).days + 1)
    years = [start.year]
    if "RRULE" in event:
        if event["RRULE"].partition(":")[2].strip().upper() != "FREQ=YEARLY":
            raise _wrong(name, f"no rule but FREQ=YEARLY (got {event['RRULE'][:80]!r})")
        years = list(range(start.year, LAST_YEAR))
    days: set[int] = set()
    for year in years:
        try:
            first = start.replace(year=year).toordinal() - EPOCH_ORDINAL
        except ValueError:  # 29 February
            continue
        days.update(first + more for more in lengths)
    return days


def _ics_day(line: str, name: str) -> date:
    found = _ICS_DATE.fullmatch(line.strip())
    try:
        return date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise _wrong(name, f"dates such as 20261225 (got {line[:80]!r})") from None


def _wrong(name: str, expected: str) -> InvalidError:
    return InvalidTriggerError.one("calendars", name, expected)
