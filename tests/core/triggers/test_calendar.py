"""Every n days, weeks or months at a time of day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from schedtui.clock import to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers import Calendar, Trigger, parse_trigger


def due(trigger: Trigger, after: str, count: int) -> list[str]:
    """The next due times in UTC, without their year where it is the one asked about."""
    found: list[str] = []
    moment: datetime | None = datetime.fromisoformat(after).replace(tzinfo=UTC)
    for _ in range(count):
        moment = trigger.next_after(moment) if moment is not None else None
        found.append("never" if moment is None else moment.strftime("%Y-%m-%d %H:%M"))
    return found


def test_every_two_weeks_keeps_its_phase_wherever_it_is_asked() -> None:
    trigger = Calendar(weeks=2, at="9:00", on=["mon", "thu"], anchor=date(2026, 1, 5))
    expected = ["2026-03-30 09:00", "2026-04-02 09:00", "2026-04-13 09:00", "2026-04-16 09:00"]
    for start in ("2026-03-20", "2026-03-26", "2026-03-30T08:59"):
        assert due(trigger, start, 4) == expected
    later = Calendar(weeks=2, at="9:00", on=["mon", "thu"], anchor=date(2030, 1, 14))
    assert due(later, "2026-03-20", 4) == expected, "the anchor is a phase, and no start"


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        (
            Calendar(days=3, at="12:00", anchor=date(2026, 2, 27)),
            ["2026-02-27 12:00", "2026-03-02 12:00", "2026-03-05 12:00"],
        ),
        (
            Calendar(weeks=1, at=["17:00", "9:00"], anchor=date(2026, 3, 1)),
            ["2026-03-01 09:00", "2026-03-01 17:00", "2026-03-08 09:00"],
        ),
        (
            Calendar(months=1, at="9:00", on=[15, "last"]),
            ["2026-02-28 09:00", "2026-03-15 09:00", "2026-03-31 09:00"],
        ),
        (
            Calendar(months=1, at="9:00", on=31),
            ["2026-03-31 09:00", "2026-05-31 09:00", "2026-07-31 09:00"],
        ),
        (
            Calendar(months=3, at="9:00", on=1, anchor=date(2025, 12, 9)),
            ["2026-03-01 09:00", "2026-06-01 09:00", "2026-09-01 09:00"],
        ),
        (
            Calendar(months=12, at=time(9, 30, 15), on=29, anchor=date(2024, 2, 1)),
            ["2028-02-29 09:30", "2032-02-29 09:30", "2036-02-29 09:30"],
        ),
        (
            Calendar(months=12, at="00:00", on="last", anchor=date(2024, 2, 1)),
            ["2026-02-28 00:00", "2027-02-28 00:00", "2028-02-29 00:00"],
        ),
    ],
)
def test_which_days_are_due(trigger: Calendar, expected: list[str]) -> None:
    assert due(trigger, "2026-02-27T00:00", 3) == expected


def test_the_day_after_the_end_of_32_bit_time() -> None:
    trigger = Calendar(days=1, at="3:14:07", timezone="UTC")
    assert due(trigger, "2038-01-18T12:00", 2) == ["2038-01-19 03:14", "2038-01-20 03:14"]
    start, end = datetime(2038, 1, 1, tzinfo=UTC), datetime(2039, 1, 1, tzinfo=UTC)
    assert trigger.count(to_us(start), to_us(end)) == 365


@pytest.mark.parametrize(
    ("zone", "at", "after", "expected"),
    [
        # 2:30 is skipped on 29 March: due when the gap ends, at 3:00 (1:00 UTC).
        (
            "Europe/Berlin",
            "2:30",
            "2026-03-28T00:00",
            ["03-28 01:30", "03-29 01:00", "03-30 00:30"],
        ),
        # 2:30 comes twice on 25 October: due the first time.
        (
            "Europe/Berlin",
            "2:30",
            "2026-10-24T12:00",
            ["10-25 00:30", "10-26 01:30", "10-27 01:30"],
        ),
        ("America/New_York", "2:30", "2026-03-08T00:00", ["03-08 07:00", "03-09 06:30"]),
        ("America/New_York", "1:30", "2026-10-31T12:00", ["11-01 05:30", "11-02 06:30"]),
        # Lord Howe moves by half an hour: 2:15 is skipped on 4 October, 1:45 twice on 5 April.
        ("Australia/Lord_Howe", "2:15", "2026-10-03T12:00", ["10-03 15:30", "10-04 15:15"]),
        ("Australia/Lord_Howe", "1:45", "2026-04-04T12:00", ["04-04 14:45", "04-05 15:15"]),
        # Half and three quarters of an hour off.
        ("Asia/Kathmandu", "0:00", "2026-01-01T00:00", ["01-01 18:15", "01-02 18:15"]),
        # Samoa left out 30 December 2011.
        ("Pacific/Apia", "9:00", "2011-12-29T00:00", ["12-29 19:00", "12-30 19:00", "12-31 19:00"]),
    ],
)
def test_changes_of_the_clock(zone: str, at: str, after: str, expected: list[str]) -> None:
    trigger = Calendar(days=1, at=at, timezone=zone)
    assert [one[5:] for one in due(trigger, after, len(expected))] == expected


def test_an_unbound_calendar_follows_its_jobs_zone_and_a_bound_one_its_own() -> None:
    assert due(Calendar(days=1, at="9:00"), "2026-01-01", 1) == ["2026-01-01 09:00"]
    bound = Calendar(days=1, at="9:00").with_timezone("Asia/Tokyo")
    assert due(bound, "2026-01-01T01:00", 1) == ["2026-01-02 00:00"]
    own = Calendar(days=1, at="9:00", timezone="UTC")
    assert own.with_timezone("Asia/Tokyo") is own


@pytest.mark.parametrize(
    ("trigger", "words", "short"),
    [
        (
            Calendar(weeks=2, at="9:00", on=["thu", "mon"], anchor="2026-01-05"),
            "every 2 weeks on Monday and Thursday at 09:00 (UTC), counted from 2026-01-05",
            "every 2 weeks mon,thu 09:00",
        ),
        (
            Calendar(weeks=1, at=["9:00", "17:30:05"], on="fri"),
            "every Friday at 09:00 and 17:30:05 (UTC)",
            "every week fri 09:00,17:30:05",
        ),
        (Calendar(days=1, at="9:00"), "every day at 09:00 (UTC)", "every day 09:00"),
        (
            Calendar(months=1, at="9:00", on=["last", 1, 22, 3, 11]),
            "every month on the 1st, 3rd, 11th, 22nd and last day at 09:00 (UTC)",
            "every month 1,3,11,22,last 09:00",
        ),
        (
            Calendar(months=12, at="9:00", on=2, anchor="2026-05-01"),
            "every year on the 2nd of May at 09:00 (UTC), counted from 2026-05-01",
            "every year 2 09:00",
        ),
    ],
)
def test_words(trigger: Calendar, words: str, short: str) -> None:
    assert trigger.describe() == words
    assert trigger.short() == short
    assert eval(repr(trigger), {"Calendar": Calendar}) == trigger


@pytest.mark.parametrize(
    ("arguments", "field", "part"),
    [
        ({"at": "9:00"}, "days", "exactly one of"),
        ({"at": "9:00", "days": 1, "weeks": 1}, "days", "exactly one of"),
        ({"at": "9:00", "days": 0}, "days", "from 1 to 3,660"),
        ({"at": "9:00", "days": True}, "days", "whole number"),
        ({"at": "9:00", "weeks": 1.5}, "weeks", "whole number"),
        ({"at": "24:00", "days": 1}, "at", "a time of day"),
        ({"at": "9", "days": 1}, "at", "a time of day"),
        ({"at": [], "days": 1}, "at", "1 to 100"),
        ({"at": time(9, tzinfo=UTC), "days": 1}, "at", "a time of day"),
        ({"at": 9, "days": 1}, "at", "a time of day"),
        ({"at": "9:00", "days": 1, "on": "mon"}, "on", "weeks=1"),
        ({"at": "9:00", "weeks": 1, "on": 1}, "on", "a weekday"),
        ({"at": "9:00", "months": 1, "on": "mon"}, "on", "1 to 31, or last"),
        ({"at": "9:00", "months": 1, "on": 32}, "on", "1 to 31, or last"),
        ({"at": "9:00", "months": 1, "on": {"a": 1}}, "on", "a list of days"),
        ({"at": "9:00", "weeks": 1, "anchor": "tomorrow"}, "anchor", "a date"),
        (
            {"at": "9:00", "weeks": 1, "anchor": datetime(2026, 1, 1, tzinfo=UTC)},
            "anchor",
            "a date",
        ),
        ({"at": "9:00", "weeks": 1, "anchor": "1850-01-01"}, "anchor", "1900 to 2199"),
        ({"at": "9:00", "weeks": 1, "timezone": "Berlin"}, "timezone", "Europe/Berlin"),
        # 30 February, and 29 February of odd years.
        ({"at": "9:00", "months": 12, "on": 30, "anchor": "2026-02-01"}, "on", "never be due"),
        ({"at": "9:00", "months": 24, "on": 29, "anchor": "2027-02-01"}, "on", "never be due"),
    ],
)
def test_refusals(arguments: dict[str, Any], field: str, part: str) -> None:
    with pytest.raises(InvalidTriggerError, match=part) as refused:
        Calendar(**arguments)
    assert [error.field for error in refused.value.errors] == [field]


NOW = to_us(datetime(2026, 11, 22, 1, tzinfo=UTC))  # a Sunday; 2:00 in Berlin


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("every 2 weeks at 9:00", ["11-22 08:00", "12-06 08:00"]),
        ("every 2 weeks at 1:30", ["11-23 00:30", "12-07 00:30"]),
        ("Every other week on Fri at 9:00", ["11-27 08:00", "12-11 08:00"]),
        ("every mon, thu at 9:00 and 17:00", ["11-23 08:00", "11-23 16:00", "11-26 08:00"]),
        ("every month on the last day at 18:00", ["11-30 17:00", "12-31 17:00"]),
        ("every month on the 1st, 15th and last at 9:00", ["11-30 08:00", "12-01 08:00"]),
        ("every 3 months at 9:00", ["11-22 08:00", "02-22 08:00"]),
        ("3 days at 9:00", ["11-22 08:00", "11-25 08:00"]),
        ("every 3 days at 9:00 from 2026-11-21", ["11-24 08:00", "11-27 08:00"]),
        ("every day at 9:00", ["11-22 08:00", "11-23 08:00"]),
        ("every year on 24 at 9:00 from 2026-12-01", ["12-24 08:00", "12-24 08:00"]),
    ],
)
def test_what_people_type(typed: str, expected: list[str]) -> None:
    trigger = parse_trigger({"type": "calendar", "typed": typed}, "Europe/Berlin", NOW)
    assert [one[5:] for one in due(trigger, "2026-11-22T01:00", len(expected))] == expected
    assert "typed" not in trigger.to_json()
    assert parse_trigger(trigger.to_json(), "Europe/Berlin", NOW + 10**13) == trigger


@pytest.mark.parametrize(
    "typed",
    [
        "every fortnight at 9:00",
        "every 2 weeks",
        "every 2 weeks at noon",
        "every mon on tue at 9:00",
        "every day on mon at 9:00",
        "every 0 days at 9:00",
        "every month on 32 at 9:00",
        "every month on 30 at 9:00 from soon",
        "every year on 30 at 9:00 from 2026-02-01",
        "every day at 9:00 " * 20,
        "täglich at 9:00",
        7,
    ],
)
def test_what_nobody_can_mean_is_refused(typed: object) -> None:
    with pytest.raises(InvalidTriggerError, match="a schedule such as every 3 days") as refused:
        parse_trigger({"type": "calendar", "typed": typed}, "Europe/Berlin", NOW)
    assert [error.field for error in refused.value.errors] == ["typed"]


def test_the_json_form_names_the_field_that_is_wrong() -> None:
    for data, field in (
        ({"weeks": 2}, "at"),
        ({"weeks": "2", "at": "9:00"}, "weeks"),
        ({"weeks": 2, "at": "9:00", "every": 3}, "every"),
        ({"weeks": 2, "at": "9:00", "timezone": "Mars"}, "timezone"),
        ({"typed": "every day at 9:00", "weeks": 2}, "weeks"),
    ):
        with pytest.raises(InvalidTriggerError) as refused:
            parse_trigger({"type": "calendar", **data}, "UTC", NOW)
        assert [error.field for error in refused.value.errors] == [field]
