"""Times as people read them: countdowns, ages, durations, clocks with their zone."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import lru_cache

from schedtui.clock import from_us
from schedtui_tui.text import cells, clean

NONE = "—"
SECOND_US = 1_000_000
_MONTHS = {f"{month:02}": f"{datetime(2000, month, 1, tzinfo=UTC):%b}" for month in range(1, 13)}


class ZoneMode(StrEnum):
    """In whose zone clock times are shown."""

    JOB = "job's zone"
    UTC = "UTC"
    LOCAL = "local time"


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """The zone of this name; UTC where this machine does not know it."""
    from zoneinfo import ZoneInfo  # not needed for the first paint

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC


def moment(us: int, timezone: str, mode: ZoneMode = ZoneMode.JOB) -> datetime | None:
    """The wall clock at ``us`` (microseconds since 1970), or None outside the calendar."""
    try:
        utc = from_us(us)
        if mode is ZoneMode.LOCAL:
            return utc.astimezone()
        return utc if mode is ZoneMode.UTC else utc.astimezone(zone(timezone))
    except (OverflowError, ValueError, OSError):
        return None


def machine_now_us() -> int:
    """This machine's wall clock, microseconds since 1970."""
    return time.time_ns() // 1000


def short(seconds: float) -> str:
    """One number and one unit: ``4s``, ``3m``, ``5h``, ``12d``, ``3y``."""
    whole = max(int(seconds), 0)
    for size, unit in ((60, "s"), (60, "m"), (24, "h"), (365, "d")):
        if whole < size:
            return f"{whole}{unit}"
        whole //= size
    return f"{min(whole, 999)}y"


def ago(us: int | None, now_us: int) -> str:
    """How long ago: ``3m ago``, ``now``, or a dash."""
    if us is None:
        return NONE
    seconds = (now_us - us) / SECOND_US
    return "now" if seconds < 1 else f"{short(seconds)} ago"


def duration(us: int | None) -> str:
    """How long it took, in at most five characters: ``820ms``, ``1.1s``, ``1m23s``, ``2h05m``."""
    if us is None:
        return NONE
    if us < 1000:
        return "<1ms"
    if us < 999_500:
        return f"{us / 1000:.0f}ms"
    if us < 59_950_000:
        return f"{us / SECOND_US:.1f}s"
    seconds = us // SECOND_US
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if minutes < 60:
        return f"{minutes}m{second:02}s" if minutes < 10 else f"{minutes}m"
    if hours < 24:
        return f"{hours}h{minute:02}m" if hours < 10 else f"{hours}h"
    return f"{days}d{hour:02}h" if days < 10 else f"{min(days, 9999)}d"


def countdown(us: int) -> str:
    """Time to go, up to an hour: ``in 4s``, ``in 12m 08s``."""
    seconds = -(-us // SECOND_US)
    return f"in {seconds}s" if seconds < 60 else f"in {seconds // 60}m {seconds % 60:02}s"


def lateness(us: int) -> str:
    """A due time that has come: ``now``, ``late 12s``."""
    seconds = us // SECOND_US
    return "now" if seconds < 2 else f"late {short(seconds)}"


def next_due(
    us: int | None,
    now_us: int,
    timezone: str,
    *,
    width: int,
    mode: ZoneMode = ZoneMode.JOB,
    absolute: bool = False,
) -> str:
    """A due time for a table: a countdown below an hour, the clock and its zone above.

    Args:
        us: Microseconds since 1970, UTC; None for none.
        now_us: The engine's clock.
        timezone: The job's zone.
        width: Cells there are; within a week the zone gives way before the time does.
        mode: In whose zone to show the clock.
        absolute: The clock also below an hour.
    """
    if us is None:
        return NONE
    ahead = us - now_us
    if ahead <= 0:
        return lateness(-ahead)
    if ahead < 3600 * SECOND_US and not absolute:
        return countdown(ahead)
    at = moment(us, timezone, mode)
    now = moment(now_us, timezone, mode)
    if at is None or now is None:
        return "never"
    return next((form for form in _clock_forms(at, now) if len(form) <= width), f"{at:%H:%M}")


def _clock_forms(at: datetime, now: datetime) -> list[str]:
    """Ways to write a time to come, the fullest first."""
    name = zone_name(at)
    days = (at.date() - now.date()).days
    if days == 0 or (days == 1 and at.time() < now.time()):
        day = [] if days == 0 else [f"{at:%a %H:%M} {name}"]
        return [*day, f"{at:%H:%M} {name}"]
    if days < 7:
        return [f"{at:%a %H:%M} {name}", f"{at:%a %H:%M}"]
    if at.year == now.year or days < 180:
        date = f"{at.day} {at:%b}"
        return [f"{date} {at:%H:%M} {name}", f"{date} {name}", date]
    date = f"{at.year:04}-{at:%m-%d}"
    return [f"{date} {at:%H:%M} {name}", f"{date} {name}", date]


_ONCE = re.compile(
    r"once (?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) (?P<time>\d\d:\d\d)[:.\d]*(?: UTC)?"
)
_SHORTEST_ONCE = "24 Dec 18:00"


def schedule(text: str, now_us: int, timezone: str, *, width: int) -> str:
    """A trigger's short words for a table: moments without what goes without saying.

    Args:
        text: As the engine has it: ``*/5 * * * *``, ``once 2026-12-24 18:00``.
        now_us: The engine's clock; the present year is not named.
        timezone: The job's zone.
        width: Cells there are; another year is named instead of the time.
    """
    if "once " not in text:
        return text
    now = moment(now_us, timezone)

    def shorter(found: re.Match[str]) -> str:
        month = _MONTHS.get(found["month"], found["month"])
        day = f"{int(found['day'])} {month}"
        if now is not None and int(found["year"]) == now.year:
            return f"{day} {found['time']}"
        date = f"{day} {found['year']}"
        whole = f"{date} {found['time']}"
        return whole if len(whole) <= width else date

    return _ONCE.sub(shorter, text)


def schedule_cells(text: str) -> int:
    """Cells that `schedule` needs so that it is not cut."""
    return cells(_ONCE.sub(_SHORTEST_ONCE, text) if "once " in text else text)


def zone_name(at: datetime) -> str:
    """The short name of the zone at this moment: ``CEST``, ``+0330``."""
    return clean(at.tzname() or at.strftime("%z"))[:6]


def full(us: int | None, timezone: str, mode: ZoneMode = ZoneMode.JOB) -> str:
    """Date, time and zone: ``2026-12-24 18:00:00 CET``; a dash for None."""
    if us is None:
        return NONE
    at = moment(us, timezone, mode)
    if at is None:
        return "never"
    return f"{at.year:04}-{at:%m-%d %H:%M:%S} {zone_name(at)}"


def clock(us: int, timezone: str, mode: ZoneMode = ZoneMode.JOB) -> str:
    """The time of day alone: ``18:00:00``."""
    at = moment(us, timezone, mode)
    return f"{at:%H:%M:%S}" if at is not None else "--:--:--"


def short_span(us: int) -> str:
    """A span that still grows, in whole seconds: ``12s``, ``1m23s``."""
    return f"{max(us, 0) // SECOND_US}s" if us < 60 * SECOND_US else duration(us)


def in_zone(description: str, timezone: str) -> str:
    """What a trigger means, with the zone; some triggers name theirs already."""
    zone_named = f"({timezone})"
    return description if zone_named in description else f"{description} {zone_named}"
