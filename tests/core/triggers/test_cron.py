"""What a cron expression means beyond the comparison with cron(8): extensions, words, refusals."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schedtui.clock import to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers import Cron

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def local(zone: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def following(cron: Cron, after: datetime, count: int) -> list[datetime]:
    times: list[datetime] = []
    at = cron.next_after(after)
    while at is not None and len(times) < count:
        times.append(at)
        at = cron.next_after(at)
    return times


def last_day(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def last_working_day(day: date) -> bool:
    rest = [day + timedelta(days=ahead) for ahead in range(1, 32)]
    later = [other for other in rest if other.month == day.month and other.weekday() < 5]
    return day.weekday() < 5 and not later


def nth(weekday: int, number: int) -> Callable[[date], bool]:
    return lambda day: day.isoweekday() % 7 == weekday and (day.day - 1) // 7 == number - 1


def last(weekday: int) -> Callable[[date], bool]:
    return lambda day: (
        day.isoweekday() % 7 == weekday and (day + timedelta(days=7)).month != day.month
    )


@pytest.mark.parametrize(
    ("expression", "is_due_on"),
    [
        ("0 0 L * *", last_day),
        ("0 0 l * *", last_day),
        ("0 0 L 2 *", lambda day: day.month == 2 and last_day(day)),
        ("0 0 LW * *", last_working_day),
        ("0 0 1,L * *", lambda day: day.day == 1 or last_day(day)),
        ("0 0 * * 5L", last(5)),
        ("0 0 * * friL", last(5)),
        ("0 0 * * 7L", last(0)),
        ("0 0 * * mon#1", nth(1, 1)),
        ("0 0 * * 1#5", nth(1, 5)),
        ("0 0 * * 7#2", nth(0, 2)),
        ("0 0 * * mon#1,thu", lambda day: nth(1, 1)(day) or day.weekday() == 3),
        ("0 0 13 * 5L", lambda day: day.day == 13 or last(5)(day)),
        ("0 0 */2 * 1#2", lambda day: day.day % 2 == 1 and nth(1, 2)(day)),
        ("0 0 3-3/2 * *", lambda day: day.day == 3),
        ("0 0 29 2 *", lambda day: (day.month, day.day) == (2, 29)),
    ],
)
def test_days(expression: str, is_due_on: Callable[[date], bool]) -> None:
    days = [date(2023, 1, 1) + timedelta(days=ahead) for ahead in range(6 * 365)]
    expected = [day for day in days if is_due_on(day)]
    start = datetime(2022, 12, 31, 23, 59, tzinfo=UTC)
    times = following(Cron(expression), start, len(expected))
    assert [at.date() for at in times] == expected


@pytest.mark.parametrize(
    ("macro", "expression"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        (" @Daily ", "0 0 * * *"),
    ],
)
def test_macros(macro: str, expression: str) -> None:
    named, spelled = Cron(macro, "Europe/Berlin"), Cron(expression, "Europe/Berlin")
    assert following(named, NEW_YEAR, 30) == following(spelled, NEW_YEAR, 30)
    assert named.describe() == spelled.describe()
    assert named.fixed == spelled.fixed
    assert named.short() == macro.strip()


def test_six_fields_begin_with_the_second() -> None:
    times = following(Cron("*/20 59 23 31 12 *"), NEW_YEAR, 4)
    assert [str(at)[:19] for at in times] == [
        "2026-12-31 23:59:00",
        "2026-12-31 23:59:20",
        "2026-12-31 23:59:40",
        "2027-12-31 23:59:00",
    ]


def test_a_fixed_time_with_seconds_is_treated_as_one_without() -> None:
    """In the gap once, right after it; in the overlap the first time only."""
    cron = Cron("15 30 2 * * *", "Europe/Berlin")
    spring = following(cron, local("Europe/Berlin", "2026-03-28 12:00"), 2)
    assert [str(at)[:19] for at in spring] == ["2026-03-29 01:00:00", "2026-03-30 00:30:15"]
    autumn = following(cron, local("Europe/Berlin", "2026-10-24 12:00"), 2)
    assert [str(at)[:19] for at in autumn] == ["2026-10-25 00:30:15", "2026-10-26 01:30:15"]


def test_several_times_in_one_gap_are_due_together_once() -> None:
    cron = Cron("0,20,40 2 * * *", "Europe/Berlin")
    before = local("Europe/Berlin", "2026-03-29 00:00")
    times = following(cron, before, 2)
    assert [str(at)[:16] for at in times] == ["2026-03-29 01:00", "2026-03-30 00:00"]
    us = to_us(before)
    assert cron.count(us, us + 12 * 3_600_000_000) == 1


def test_a_day_that_never_was_is_not_caught_up() -> None:
    cron = Cron("0 9 * * *", "Pacific/Apia")
    times = following(cron, datetime(2011, 12, 28, 20, tzinfo=UTC), 2)
    assert [at.astimezone(ZoneInfo("Pacific/Apia")).day for at in times] == [29, 31]


def test_leap_days_around_2100() -> None:
    cron = Cron("0 12 29 2 *", "Europe/Berlin")
    times = following(cron, datetime(2095, 1, 1, tzinfo=UTC), 2)
    assert [at.year for at in times] == [2096, 2104]


def test_the_fifth_monday_of_a_february_is_found() -> None:
    assert Cron("0 0 * 2 mon#5").next_after(NEW_YEAR) == datetime(2044, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize("expression", ["* * * * * *", "0 0 29 2 *", "30 2 * * sun"])
def test_the_calendar_ends_with_the_year_2199(expression: str) -> None:
    cron = Cron(expression, "America/New_York")
    assert cron.next_after(datetime(2200, 1, 1, tzinfo=UTC)) is None
    assert cron.next_after(datetime.max.replace(tzinfo=UTC)) is None
    end = to_us(datetime(2200, 1, 1, tzinfo=UTC))
    assert cron.count(end, end + 10**15) == 0
    assert cron.newest(end - 1, end + 10**15, 5) == []


def test_the_distant_past_is_no_trouble() -> None:
    at = Cron("0 0 1 1 *", "Europe/Berlin").next_after(datetime.min.replace(tzinfo=UTC))
    assert at is not None
    assert at.year <= 1900


def test_without_a_zone_it_means_utc_until_it_is_bound() -> None:
    cron = Cron("0 9 * * *")
    bound = cron.with_timezone("Europe/Berlin")
    assert (cron.timezone, cron.zone) == (None, "UTC")
    assert (bound.timezone, bound.zone) == (None, "Europe/Berlin")
    assert cron.next_after(NEW_YEAR) == datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert bound.next_after(NEW_YEAR) == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert "timezone" not in bound.to_json()


def test_a_zone_of_its_own_stays() -> None:
    cron = Cron("0 9 * * *", timezone="Asia/Tokyo")
    assert cron.with_timezone("Europe/Berlin") is cron
    assert cron.to_json()["timezone"] == "Asia/Tokyo"


def test_a_bound_copy_can_be_bound_anew() -> None:
    bound = Cron("0 9 * * *").with_timezone("Asia/Tokyo").with_timezone("Europe/Berlin")
    assert bound == Cron("0 9 * * *").with_timezone("Europe/Berlin")


@pytest.mark.parametrize(
    "cron",
    [
        Cron("0 9 * * mon"),
        Cron("0 9 * * mon", "Europe/Berlin"),
        Cron("0 9 * * mon").with_timezone("Europe/Berlin"),
    ],
)
def test_its_repr_makes_an_equal_one(cron: Cron) -> None:
    copy = eval(repr(cron), {"Cron": Cron})
    assert copy == cron
    assert hash(copy) == hash(cron)


def test_equality_is_of_expression_and_zone() -> None:
    assert Cron("0 9 * * *") == Cron(" 0  9 * * * ")
    assert Cron("0 9 * * *") != Cron("0 8 * * *")
    assert Cron("0 9 * * *") != Cron("0 9 * * *", "Europe/Berlin")
    assert Cron("0 9 * * *") != "0 9 * * *"


@pytest.mark.parametrize(
    ("expression", "fixed"),
    [
        ("0 9 * * *", True),
        ("@daily", True),
        ("0,30 0-23 * * *", True),
        ("0 9 * * * *", False),
        ("* 0 9 * * *", True),
        ("@hourly", False),
        ("*/5 9 * * *", False),
        ("0 */2 * * *", False),
    ],
)
def test_fixed_is_what_cron_calls_a_particular_time(expression: str, fixed: bool) -> None:
    assert Cron(expression).fixed is fixed


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 9 * * 1", "At 09:00 every Monday"),
        ("0 9 * * mon-fri", "At 09:00 every Monday through Friday"),
        ("0 9 * * *", "At 09:00 every day"),
        ("*/5 * * * *", "Every fifth minute of every hour"),
        ("0 0 21 * *", "At 00:00 on the 21st day of every month"),
        ("0 0 11,22,23 * *", "At 00:00 on the 11th, the 22nd, and the 23rd day of month"),
        ("0 0 * * 5L", "At 00:00 on the last Friday of the month"),
        ("0 0 L * *", "At 00:00 on the last day of every month"),
        ("0 0 13 * 5", "At 00:00 on the 13th day of month and on Friday"),
        ("@hourly", "At the start of every hour"),
        ("* * * * * *", "Every second"),
    ],
)
def test_words(expression: str, words: str) -> None:
    assert Cron(expression, "Europe/Berlin").describe() == f"{words} (Europe/Berlin)"


RANGES = "*, a list, a range or a step"
WEEKDAYS = f"0-7 (0 and 7 are Sunday), sun-sat, 5L, mon#1, {RANGES}"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("61 * * * *", f"minute: got '61'; expected 0-59, {RANGES}"),
        ("1,2,-5 * * * *", f"minute: got '-5'; expected 0-59, {RANGES}"),
        ("*/5/5 * * * *", f"minute: got '*/5/5'; expected 0-59, {RANGES}"),
        ("*/0 * * * *", "minute: got '*/0'; expected a step of at least 1"),
        (",1 * * * *", f"minute: got 'nothing'; expected 0-59, {RANGES}"),
        ("* 24 * * *", f"hour: got '24'; expected 0-23, {RANGES}"),
        ("* 9-24 * * *", f"hour: got '9-24'; expected 0-23, {RANGES}"),
        ("* * 0 * *", f"day of month: got '0'; expected 1-31, L, LW, {RANGES}"),
        ("* * 15W * *", f"day of month: got '15W'; expected 1-31, L, LW, {RANGES}"),
        ("* * ? * *", f"day of month: got '?'; expected 1-31, L, LW, {RANGES}"),
        ("* * * 13 *", f"month: got '13'; expected 1-12, jan-dec, {RANGES}"),
        ("* * * january *", f"month: got 'january'; expected 1-12, jan-dec, {RANGES}"),
        ("* * * * 8", f"day of week: got '8'; expected {WEEKDAYS}"),
        ("* * * * Mon#6", "day of week: got 'Mon#6'; expected #1 to #5 after the day"),
        ("* * * * mon#1foo", f"day of week: got 'mon#1foo'; expected {WEEKDAYS}"),
        ("* * * * L", f"day of week: got 'L'; expected {WEEKDAYS}"),
        ("60 * * * * *", f"second: got '60'; expected 0-59, {RANGES}"),
        (
            "* * * * fri-mon",
            (
                "day of week: got 'fri-mon'; expected a range that goes up; "
                "write fri-sat,sun-mon to go round the end"
            ),
        ),
        (
            "* 22-0 * * *",
            "hour: got '22-0'; expected a range that goes up; write 22-23,0 to go round the end",
        ),
        (
            "0 0 30 2 *",
            (
                "day of month: got '30' with month '2'; "
                "expected a day that some year has; this would never be due"
            ),
        ),
        (
            "0 0 */15 * mon#2",
            (
                "day of month: got '*/15' with month '*' and day of week 'mon#2'; "
                "expected a day that some year has; this would never be due"
            ),
        ),
        (
            "61 24 * * *",
            f"minute: got '61'; expected 0-59, {RANGES}; hour: got '24'; expected 0-23, {RANGES}",
        ),
        (
            "@reboot",
            (
                "expression: got '@reboot'; expected a time, which @reboot is not: "
                "call the function where the program starts"
            ),
        ),
    ],
)
def test_refusals_name_field_value_and_range(expression: str, message: str) -> None:
    with pytest.raises(InvalidTriggerError) as refused:
        Cron(expression)
    assert str(refused.value) == message
    assert {error.field for error in refused.value.errors} == {"expression"}


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("", "5 fields"),
        ("   ", "5 fields"),
        ("0 9 * *", "got 4 fields"),
        ("0", "got 1 field"),
        ("0 0 9 * * * 2026", "got 7 fields"),
        ("@never", "@daily"),
        ("@daily @daily", "@daily"),
        ("\u0663 * * * *", "plain ASCII"),
        ("* * * *\x1c*", "plain ASCII"),
        ("* * * *\n*", "plain ASCII"),
        ("* * * * *\0", "plain ASCII"),
        ("0 " * 100_000, "at most 1,000 characters"),
        ("9" * 990 + " * * * *", "0-59"),
        (None, "text"),
        (5, "text"),
    ],
)
def test_refusals_of_what_is_no_expression(expression: Any, part: str) -> None:
    with pytest.raises(InvalidTriggerError) as refused:
        Cron(expression)
    assert part in str(refused.value)
    assert len(str(refused.value)) < 500


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(InvalidTriggerError, match="naive"):
        Cron("* * * * *").next_after(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InvalidTriggerError, match="did you mean 'Europe/Berlin'"):
        Cron("* * * * *", "Europe/Brelin")


def test_seconds_of_a_century_are_counted_not_listed() -> None:
    cron = Cron("* * * * * *", "Europe/Berlin")
    start, end = (to_us(datetime(year, 1, 1, tzinfo=UTC)) for year in (2026, 2126))
    assert cron.count(start, end) == (end - start) // 1_000_000
    assert cron.newest(start, end, 3) == [end - 2_000_000, end - 1_000_000, end]


def test_the_newest_of_bursts_with_long_silences() -> None:
    cron = Cron("* * 0 1 1 *")  # every second of one hour a year
    start, end = (to_us(datetime(year, 6, 1, tzinfo=UTC)) for year in (2020, 2026))
    assert cron.count(start, end) == 6 * 3600
    newest = cron.newest(start, end, 3601)
    assert len(newest) == 3601
    assert newest[0] == to_us(datetime(2025, 1, 1, 0, 59, 59, tzinfo=UTC))
    assert newest[-1] == to_us(datetime(2026, 1, 1, 0, 59, 59, tzinfo=UTC))
