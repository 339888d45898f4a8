"""Exceptions: dates, hours, calendars, public holidays."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from schedtui.clock import to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers import Cron, Every, Except, Trigger, parse_trigger, register_calendar
from schedtui.triggers.daysoff import calendar_days

NOW = to_us(datetime(2026, 12, 22, 12, tzinfo=UTC))  # a Tuesday
DAILY = {"type": "cron", "expression": "0 9 * * *"}


def due(trigger: Trigger, count: int, after: int = NOW) -> list[str]:
    found: list[str] = []
    moment: datetime | None = datetime.fromtimestamp(after // 1_000_000, UTC)
    for _ in range(count):
        moment = trigger.next_after(moment) if moment is not None else None
        found.append("never" if moment is None else moment.strftime("%m-%d %H:%M"))
    return found


def test_dates_and_ranges_of_dates() -> None:
    trigger = Except(Cron("0 9 * * *"), dates=["2026-12-24..2027-01-02", date(2027, 1, 4)])
    assert due(trigger, 3) == ["12-23 09:00", "01-03 09:00", "01-05 09:00"]
    assert trigger.newest(NOW, NOW + 13 * 86_400_000_000, 2) == [
        to_us(datetime(2026, 12, 23, 9, tzinfo=UTC)),
        to_us(datetime(2027, 1, 3, 9, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    ("windows", "after", "expected"),
    [
        (["22:00-06:00"], (22, 20), ["12-22 21:00", "12-23 06:00", "12-23 09:00"]),
        (["sat,sun"], (25, 20), ["12-25 21:00", "12-28 00:00", "12-28 03:00"]),
        (["fri-mon"], (24, 20), ["12-24 21:00", "12-29 00:00", "12-29 03:00"]),
        (["tue 20:00-24:00", "wed 0-8:00"], (22, 17), []),
        (["tue 20:00-24:00", "wed 0:00-8:00"], (22, 17), ["12-22 18:00", "12-23 09:00"]),
        (["Tue-Thu 13:00-12:00"], (22, 11), ["12-22 12:00", "12-23 12:00", "12-24 12:00"]),
        (["sun 22:00-03:00"], (27, 20), ["12-27 21:00", "12-28 03:00"]),
    ],
)
def test_windows_of_hours(windows: list[str], after: tuple[int, int], expected: list[str]) -> None:
    if not expected:
        with pytest.raises(InvalidTriggerError, match="a window such as"):
            Except(Every(10_800), windows=windows)
        return
    since = to_us(datetime(2026, 12, *after, tzinfo=UTC))
    assert due(Except(Every(10_800), windows=windows), len(expected), since) == expected


def test_windows_that_fill_the_week_are_refused() -> None:
    with pytest.raises(InvalidTriggerError, match="some time left over"):
        Except(Every(10_800), windows=["fri-mon", "tue-thu"])


def test_a_window_ends_right_before_its_end_and_follows_the_clock_of_its_zone() -> None:
    trigger = Except(Every(3_600), windows=["2:00-4:00"], timezone="Europe/Berlin")
    spring = to_us(datetime(2026, 3, 28, 23, 30, tzinfo=UTC))
    # 2:00 is skipped; 3:00 is 1:00 UTC, and 4:00 is 2:00.
    assert due(trigger, 2, spring) == ["03-29 00:00", "03-29 02:00"]
    autumn = to_us(datetime(2026, 10, 24, 23, 30, tzinfo=UTC))
    # 2:00 to 3:00 comes twice, from 0:00 UTC to 2:00, and both are blacked out.
    assert due(trigger, 2, autumn) == ["10-25 03:00", "10-25 04:00"]
    assert (
        Except(Every(60), windows=["sat"])
        .with_timezone("Asia/Tokyo")
        .describe()
        .endswith("except sat (Asia/Tokyo)")
    )


def test_a_year_of_seconds_that_is_blacked_out_costs_one_step() -> None:
    trigger = Except(Cron("* * * * * *"), dates=["2026-12-01..2027-11-30"])
    assert due(trigger, 1) == ["12-01 00:00"]
    assert trigger.newest(NOW, to_us(datetime(2027, 11, 1, tzinfo=UTC)), 5) == []


def test_an_exception_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(InvalidTriggerError, match="all that could be found are blacked out"):
        parse_trigger({"type": "except", "trigger": DAILY, "windows": ["8:00-10:00"]}, "UTC", NOW)


@pytest.mark.parametrize(
    ("given", "fields", "part"),
    [
        ({}, ["dates"], "dates, windows, calendars or holidays"),
        ({"dates": ["2026-02-30"]}, ["dates"], "2026-12-25"),
        ({"dates": ["2026-12-25..2026-12-24"]}, ["dates"], "2026-12-25"),
        ({"dates": [5]}, ["dates"], "text"),
        ({"dates": {"a": 1}}, ["dates"], "a list"),
        ({"windows": ["noon"]}, ["windows"], "a window such as"),
        ({"windows": ["9:00-9:00"]}, ["windows"], "a window such as"),
        ({"windows": ["mon-xyz 9:00-10:00"]}, ["windows"], "a window such as"),
        ({"windows": ["25:00-26:00"]}, ["windows"], "a window such as"),
        ({"calendars": ["/etc/passwd"]}, ["calendars"], "that the engine's code has registered"),
        ({"calendars": [["a"]]}, ["calendars"], "text"),
        ({"holidays": ["Germany"]}, ["holidays"], "DE, DE-BY or US-NY"),
        ({"holidays": ["XX"]}, ["holidays"], "DE, DE-BY or US-NY"),
        ({"holidays": ["DE-XX"]}, ["holidays"], "DE has BB"),
        ({"windows": ["sat"], "timezone": "Mars"}, ["timezone"], "IANA"),
        ({"windows": ["sat"], "path": "x"}, ["path"], "only type"),
    ],
)  # fmt: skip
def test_refusals_name_the_field(given: dict[str, Any], fields: list[str], part: str) -> None:
    with pytest.raises(InvalidTriggerError, match=part) as refused:
        parse_trigger({"type": "except", "trigger": DAILY, **given}, "UTC", NOW)
    assert [error.field for error in refused.value.errors] == fields


def test_public_holidays() -> None:
    data = {"type": "except", "trigger": DAILY, "holidays": ["DE-BY", "US"]}
    trigger = parse_trigger(data, "UTC", NOW)
    # Christmas in both, its second day and Epiphany in Bavaria, New Year in both.
    assert due(trigger, 3) == ["12-23 09:00", "12-24 09:00", "12-27 09:00"]
    assert trigger.count(NOW, NOW + 16 * 86_400_000_000) == 12
    assert trigger.to_json()["holidays"] == ["DE-BY", "US"]


def test_without_the_library_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(InvalidTriggerError, match=r"pip install 'schedtui\[holidays\]'"):
        Except(Cron("0 9 * * *"), holidays=["DE"])


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.toml", 'dates = [2026-12-24, "2026-12-25", "2026-12-31..2027-01-01"]'),
        ("b.toml", '[dates]\n2026-12-24 = "Eve"\n2026-12-25 = "X"\n"2026-12-31..2027-01-01" = ""'),
        ("c.json", '["2026-12-24", "2026-12-25", "2026-12-31..2027-01-01"]'),
        ("d.json", '{"2026-12-24": "Eve", "2026-12-25": "X", "2026-12-31..2027-01-01": ""}'),
        ("e.txt", "# days\n2026-12-24 Eve\n\n2026-12-25, X # first\n2026-12-31..2027-01-01\n"),
        ("f.ics",
         ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\n"
         "DTEND;VALUE=DATE:20261\r\n 226\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\n"
         "DTSTART:20261231T000000Z\r\nDTEND:20270101T235900Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")),
    ],
)  # fmt: skip
def test_files_of_dates(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    register_calendar("bank", tmp_path / file)
    trigger = Except(Cron("0 9 * * *"), calendars=["bank"])
    assert due(trigger, 3, NOW + 86_400_000_000) == ["12-26 09:00", "12-27 09:00", "12-28 09:00"]
    assert due(trigger, 2, NOW + 7 * 86_400_000_000) == ["12-30 09:00", "01-02 09:00"]
    assert trigger.to_json()["calendars"] == ["bank"], "a name, and never a path"


def test_an_event_of_every_year(tmp_path: Path) -> None:
    event = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20201225\nRRULE:FREQ=YEARLY\nEND:VEVENT\n"
    (tmp_path / "a.ics").write_text(event)
    register_calendar("xmas", tmp_path / "a.ics")
    assert due(Except(Cron("0 9 25 12 *"), calendars=["xmas"]), 1) == ["never"]
    (tmp_path / "b.ics").write_text(event.replace("YEARLY", "MONTHLY"))
    register_calendar("odd", tmp_path / "b.ics")
    with pytest.raises(InvalidTriggerError, match="no rule but FREQ=YEARLY"):
        calendar_days("odd")


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "days.txt"
    file.write_text("2026-12-25\n")
    register_calendar("changing", str(file))
    assert len(calendar_days("changing")) == 1
    file.write_text("2026-12-25\n2026-12-26\n")
    assert len(calendar_days("changing")) == 2
    register_calendar("changing", [date(2026, 1, 1)])
    assert len(calendar_days("changing")) == 1


@pytest.mark.parametrize(
    ("file", "content", "part"),
    [
        ("missing.txt", None, "can be read"),
        ("a.txt", b"2026-12-25\nsoon\n", "line 2: got 'soon'"),
        ("a.txt", b"2026-12-25..2026-12-24\n", "line 1"),
        ("a.txt", b"\xff\xfe2", "UTF-8"),
        ("a.toml", b"dates = [", "correct TOML"),
        ("a.json", b"[" * 100_000, "correct JSON"),
        ("a.json", b"5", "a list of dates"),
        ("a.json", b"[5]", "got '5'"),
        ("a.ics", b"BEGIN:VCALENDAR\n", "at least one event"),
        ("a.ics", b"BEGIN:VEVENT\nDTSTART:soon\nEND:VEVENT\n", "20261225"),
        ("a.ics", b"BEGIN:VEVENT\nEND:VEVENT\n", "20261225"),
        ("a.txt", b"1000-01-01..2199-01-01\n", "line 1"),
        ("a.txt", b" " * (4 * 1024 * 1024 + 1), "at most 4 MiB"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_without_its_path(
    tmp_path: Path, file: str, content: bytes | None, part: str
) -> None:
    if content is not None:
        (tmp_path / file).write_bytes(content)
    register_calendar("broken", tmp_path / file)
    with pytest.raises(InvalidTriggerError, match=part) as refused:
        Except(Cron("0 9 * * *"), calendars=["broken"])
    assert [error.field for error in refused.value.errors] == ["calendars"]
    assert str(tmp_path) not in str(refused.value)


def test_a_name_that_is_nearly_right_is_suggested() -> None:
    register_calendar("bank holidays", [date(2026, 12, 25)])
    with pytest.raises(InvalidTriggerError, match="did you mean 'bank holidays'"):
        calendar_days("bank holiday")
