"""Names of time zones: checked before they reach the file system, with a suggestion when wrong."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from schedtui.errors import InvalidTriggerError

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}", re.ASCII)
_LONGEST: Final = 64
# These are files of the tz database, and not zones: what they mean differs from machine to machine.
_NOT_ZONES: Final = frozenset({"localtime", "posixrules", "posix", "right", "Factory"})


def check_timezone(name: object, field: str = "timezone") -> str:
    """``name`` when it is an IANA time zone.

    Args:
        name: What was given as a time zone.
        field: The field to name in the error.

    Raises:
        InvalidTriggerError: it is not one; a name that is nearly the same is suggested.
    """
    if not isinstance(name, str):
        raise InvalidTriggerError.one(field, name, "the name of an IANA time zone, such as 'UTC'")
    if not _is_zone(name):
        expected = "an IANA time zone, such as 'UTC' or 'Europe/Berlin'"
        near = _near(name)
        raise InvalidTriggerError.one(
            field, name, f"{expected}; did you mean '{near}'?" if near else expected
        )
    return name


@lru_cache(maxsize=1024)
def load_zone(name: str) -> ZoneInfo:
    """The zone of a checked name."""
    return ZoneInfo(name)


def _is_zone(name: str) -> bool:
    if len(name) > _LONGEST or not _NAME.fullmatch(name) or name.split("/")[0] in _NOT_ZONES:
        return False
    try:
        load_zone(name)
    except (LookupError, ValueError, OSError):
        # A folder ("Europe") is an OSError, a file that holds no zone a ValueError.
        return False
    return True


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {zone.lower(): zone for zone in sorted(available_timezones() - _NOT_ZONES)}


def _near(name: str) -> str | None:
    wanted = name[:_LONGEST].strip().lower().replace(" ", "_")
    names = _names()
    cities = {zone.rpartition("/")[2]: full for zone, full in names.items()}
    if wanted in names:
        return names[wanted]
    if wanted in cities:
        return cities[wanted]
    close = difflib.get_close_matches(wanted, names, n=1, cutoff=0.75)
    if close:
        return names[close[0]]
    close = difflib.get_close_matches(wanted, cities, n=1, cutoff=0.8)
    return cities[close[0]] if close else None
