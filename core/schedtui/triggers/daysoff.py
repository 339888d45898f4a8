"""Days on which nothing is due: calendars registered by the program, and public holidays.

A trigger names a calendar; what the name stands for is registered by code. So a trigger that comes
over HTTP can neither read a file of the engine's machine nor tell whether there is one.
"""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Final

from schedtui.errors import InvalidTriggerError
from schedtui.models.names import check_name
from schedtui.triggers.date_files import read_date_file
from schedtui.triggers.timetable import EPOCH_ORDINAL

_LOCK: Final = threading.Lock()
_CALENDARS: Final[dict[str, Path | frozenset[int]]] = {}
_REGION: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,4})?")


def register_calendar(name: str, source: str | Path | Iterable[date]) -> None:
    """Give a set of days a name, which `Except(calendars=[name])` and its JSON form use.

    A file is read when a trigger that names the calendar is built: at the start of the engine, and
    when a job is created or its trigger edited; then, too, what is wrong with it is said.

    Args:
        name: 1 to 128 characters. A name that is registered again is replaced.
        source: A file of dates (``.toml``, ``.json``, ``.ics``, else one date per line), or dates.

    Raises:
        InvalidNameError: the name is wrong.
        InvalidTriggerError: ``source`` is neither a path nor dates.
    """
    check_name("name", name)
    if isinstance(source, str | Path):
        known: Path | frozenset[int] = Path(source).absolute()
    else:
        known = frozenset(_day(one) for one in source)
    with _LOCK:
        _CALENDARS[name] = known


def calendar_days(name: object) -> frozenset[int]:
    """The days of a registered calendar, as numbers from 1970-01-01.

    Raises:
        InvalidTriggerError: none has this name, or its file cannot be read.
    """
    with _LOCK:
        source = _CALENDARS.get(name) if isinstance(name, str) else None
        known = sorted(_CALENDARS)
    if source is None:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        listed = f"known: {', '.join(known[:5])}" if known else "none is"
        expected = (
            f"the name of a calendar that the engine's code has registered ({hint}{listed}); "
            "register_calendar(name, file) does that"
        )
        raise InvalidTriggerError.one("calendars", name, expected)
    return read_date_file(source, str(name)) if isinstance(source, Path) else source


def check_region(region: object) -> str:
    """``region`` when the `holidays` library knows it: ``DE``, ``DE-BY``, ``US-NY``.

    Raises:
        InvalidTriggerError: it does not, or the library is not installed.
    """
    expected = "a country, or a country and one of its parts, such as DE, DE-BY or US-NY"
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        raise InvalidTriggerError.one("holidays", region, expected)
    country, _, part = region.partition("-")
    known = _library(region).list_supported_countries(include_aliases=True)
    if country not in known or (part and part not in known[country]):
        parts = known.get(country)
        more = f" ({country} has {', '.join(parts[:8]) or 'no parts'})" if parts is not None else ""
        raise InvalidTriggerError.one("holidays", region, expected + more)
    return region


@lru_cache(maxsize=4096)
def holidays_of(region: str, year: int) -> frozenset[int]:
    """The public holidays of a checked region in a year, as numbers from 1970-01-01."""
    country, _, part = region.partition("-")
    found = _library(region).country_holidays(country, subdiv=part or None, years=year)
    return frozenset(day.toordinal() - EPOCH_ORDINAL for day in found)


def _library(region: str) -> ModuleType:
    try:
        import holidays  # an optional extra, and slow to load
    except ImportError:
        expected = (
            "the holidays library, which is not installed where the engine runs: "
            "pip install 'schedtui[holidays]'; or register a file with register_calendar()"
        )
        raise InvalidTriggerError.one("holidays", region, expected) from None
    return holidays


def _day(given: object) -> int:
    if not isinstance(given, date):
        raise InvalidTriggerError.one("source", given, "a file, or dates (datetime.date)")
    moment = given.date() if isinstance(given, datetime) else given
    return moment.toordinal() - EPOCH_ORDINAL
