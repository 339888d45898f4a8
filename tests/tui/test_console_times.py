"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schedtui.clock import to_us
from schedtui_tui import times
from schedtui_tui.times import ZoneMode

NOW = to_us(datetime(2026, 8, 3, 12, 0, tzinfo=UTC))
SECOND = 1_000_000


def due(seconds: float, width: int = 18, **more: object) -> str:
    us = NOW + int(seconds * SECOND)
    return times.next_due(us, NOW, "Europe/Berlin", width=width, **more)  # type: ignore[arg-type] # forwarded


def test_next_counts_down_below_an_hour() -> None:
    assert due(4) == "in 4s"
    assert due(3.2) == "in 4s"
    assert due(728) == "in 12m 08s"
    assert due(0) == "now"
    assert due(-12) == "late 12s"
    assert times.next_due(None, NOW, "UTC", width=18) == "—"


def test_next_is_a_clock_with_its_zone_above_an_hour() -> None:
    assert due(3600) == "15:00 CEST"
    assert due(20 * 3600) == "Tue 10:00 CEST"
    assert due(20 * 3600, width=11) == "10:00 CEST"
    assert due(3 * 86_400, width=11) == "6 Aug CEST"
    assert due(300 * 86_400) == "2027-05-30 CEST"
    assert due(40 * 86_400) == "12 Sep 14:00 CEST"


def test_next_in_other_zones() -> None:
    assert due(3600, mode=ZoneMode.UTC) == "13:00 UTC"
    assert due(60, absolute=True) == "14:01 CEST"


@pytest.mark.parametrize("us", [10**30, -(10**30), 2**63])
@pytest.mark.parametrize("width", [11, 18])
def test_times_beyond_the_calendar_do_no_harm(us: int, width: int) -> None:
    assert len(times.next_due(us, NOW, "UTC", width=width)) <= width
    assert times.full(us, "UTC") == "never"
    assert times.clock(us, "UTC") == "--:--:--"
    assert len(times.ago(us, NOW)) < 12
    assert len(times.duration(us)) <= 5


@pytest.mark.parametrize("name", ["", "Mars/Base", "../../etc/passwd", "\x1b[2J", "x" * 5000])
def test_an_unknown_zone_is_utc(name: str) -> None:
    assert times.full(NOW, name) == "2026-08-03 12:00:00 UTC"


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (None, "—"),
        (10, "<1ms"),
        (820_000, "820ms"),
        (999_900, "1.0s"),
        (1_100_000, "1.1s"),
        (83_000_000, "1m23s"),
        (728_000_000, "12m"),
        (7_500_000_000, "2h05m"),
        (90_000_000_000, "1d01h"),
    ],
)
def test_durations(us: int | None, text: str) -> None:
    assert times.duration(us) == text


def test_ages() -> None:
    assert times.ago(NOW - 205 * SECOND, NOW) == "3m ago"
    assert times.ago(NOW, NOW) == "now"
    assert times.short(86_400 * 800) == "2y"


def test_a_description_says_its_zone_once() -> None:
    assert times.in_zone("every 5 min", "Asia/Tokyo") == "every 5 min (Asia/Tokyo)"
    assert times.in_zone("At 09:00 (Asia/Tokyo)", "Asia/Tokyo") == "At 09:00 (Asia/Tokyo)"
