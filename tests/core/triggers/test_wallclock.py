"""Wall time to instants where the UTC offset changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from schedtui.clock import EPOCH
from schedtui.triggers.wallclock import WallClock


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("zone", "wall", "instants"),
    [
        ("UTC", "2026-07-01 12:00", ["2026-07-01 12:00"]),
        ("Europe/Berlin", "2026-07-01 12:00", ["2026-07-01 10:00"]),
        ("Europe/Berlin", "2026-03-29 02:00", ["2026-03-29 01:00"]),
        ("Europe/Berlin", "2026-03-29 02:59", ["2026-03-29 01:00"]),
        ("Europe/Berlin", "2026-03-29 03:00", ["2026-03-29 01:00"]),
        ("Europe/Berlin", "2026-10-25 01:59", ["2026-10-24 23:59"]),
        ("Europe/Berlin", "2026-10-25 02:00", ["2026-10-25 00:00", "2026-10-25 01:00"]),
        ("Europe/Berlin", "2026-10-25 03:00", ["2026-10-25 02:00"]),
        ("Australia/Lord_Howe", "2026-04-05 01:30", ["2026-04-04 14:30", "2026-04-04 15:00"]),
        ("Australia/Lord_Howe", "2026-04-05 02:00", ["2026-04-04 15:30"]),
        ("Pacific/Apia", "2011-12-30 12:00", ["2011-12-30 10:00"]),
        ("America/Santiago", "2026-09-06 00:00", ["2026-09-06 04:00"]),
    ],
)
def test_instants(zone: str, wall: str, instants: list[str]) -> None:
    expected = tuple(seconds(instant) for instant in instants)
    assert WallClock(zone).instants(seconds(wall)) == expected


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Antarctica/Casey",
        "Asia/Gaza",
        "Africa/Monrovia",
        "America/Recife",
        "Pacific/Apia",
    ],
)
def test_spans_have_the_offsets_of_the_zone(zone: str) -> None:
    """No change is missed: not the shortest stretch there is, nor one of odd seconds."""
    assert zone in available_timezones()
    clock, tz = WallClock(zone), ZoneInfo(zone)
    for hours in range(0, 70 * 366 * 24, 41):
        second = hours * 3600 + 17
        moment = EPOCH + timedelta(seconds=second)
        span = clock.span_at(second)
        assert span.start <= second < span.end
        assert timedelta(seconds=span.offset) == moment.astimezone(tz).utcoffset()
        if second - span.start < 41 * 3600:
            before = EPOCH + timedelta(seconds=span.start - 1)
            changed = before.astimezone(tz).utcoffset() != timedelta(seconds=span.offset)
            assert changed or clock.span_at(span.start - 1).offset == span.offset
