"""Unions, intersections, bounds, and no due times at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedtui.clock import from_us, to_us
from schedtui.errors import InvalidNameError, InvalidTriggerError
from schedtui.triggers import (
    AllOf,
    AnyOf,
    Between,
    Cron,
    Every,
    Never,
    Once,
    Trigger,
    parse_trigger,
)
from schedtui.triggers.combined import COUNT_STEPS

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOW = to_us(NOON)
DAY = 86_400 * 1_000_000
YEAR = 365 * DAY


def due(trigger: Trigger, count: int) -> list[str]:
    found: list[str] = []
    moment: datetime | None = NOON
    for _ in range(count):
        moment = trigger.next_after(moment) if moment is not None else None
        found.append("never" if moment is None else moment.strftime("%m-%d %H:%M"))
    return found


def test_an_instant_that_two_schedules_share_is_one_due_time_that_names_both() -> None:
    trigger = AnyOf({"hourly": Cron("0 * * * *"), "daily": Cron("0 14 * * *")})
    assert due(trigger, 3) == ["11-22 13:00", "11-22 14:00", "11-22 15:00"]
    at = [to_us(NOON + timedelta(hours=hours)) for hours in (1, 2, 0.5)]
    assert [trigger.names_at(one) for one in at] == [("hourly",), ("hourly", "daily"), ()]
    assert trigger.count(NOW, NOW + YEAR) == 365 * 24


def test_schedules_without_a_name_are_named_by_what_they_are() -> None:
    inner = AnyOf({"five": Every(300)})
    trigger = Between(AnyOf([Cron("0 14 * * *"), inner]), end=NOON + timedelta(days=1))
    at = to_us(NOON + timedelta(hours=2))
    assert trigger.names_at(at) == ("0 14 * * *", "five")
    assert AllOf([trigger, Every(60)]).names_at(at) == ("0 14 * * *", "five")
    assert Cron("0 14 * * *").names_at(at) == ()


def test_all_of_leaves_what_is_shared() -> None:
    trigger = AllOf([Cron("0 9 * * *", "Europe/Berlin"), Every(2 * 86_400)])
    assert due(trigger, 1) == ["never"], "at 8:00 UTC or 7:00, and at midnight UTC"
    anchor = datetime(2026, 11, 22, 8, tzinfo=UTC)
    trigger = AllOf([Cron("0 9 * * *", "Europe/Berlin"), Every(2 * 86_400, anchor=anchor)])
    assert due(trigger, 3) == ["11-24 08:00", "11-26 08:00", "11-28 08:00"]
    assert trigger.count(NOW, NOW + 130 * DAY) == 62, "until summer time, when 9:00 is 7:00 UTC"
    leap = AllOf([Cron("0 9 29 2 *"), Cron("0 9 * * sun")])
    moment = leap.next_after(NOON)
    assert moment is not None
    assert moment.isoformat() == "2032-02-29T09:00:00+00:00"


def test_intervals_meet_by_arithmetic_however_rarely() -> None:
    trigger = AllOf([Every(0.007), Every(1.001), Every(86_399)])
    moment = trigger.next_after(datetime(1970, 1, 1, tzinfo=UTC))
    assert moment is not None
    assert to_us(moment) == 86_399 * 1_001_000_000 // 1
    with pytest.raises(InvalidTriggerError, match="these never are"):
        AllOf([Every(2), Every(2, anchor=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC))])


@pytest.mark.parametrize(
    "expressions",
    [
        ("0 9 * * *", "30 9 * * *"),
        ("0 * * * * *", "30 * * * * *"),
        ("* * 29 2 *", "* * 1 * *"),
    ],
)
def test_all_of_what_never_meets_ends_and_is_refused(expressions: tuple[str, str]) -> None:
    triggers = [{"type": "cron", "expression": one} for one in expressions]
    with pytest.raises(InvalidTriggerError, match="due at one same instant") as refused:
        parse_trigger({"type": "all_of", "triggers": triggers}, "UTC", NOW)
    assert [error.field for error in refused.value.errors] == ["triggers"]
    # Nor does it starve what stands beside it.
    beside = {"type": "cron", "expression": "15 10 * * *"}
    data = {"type": "any_of", "triggers": [{"type": "all_of", "triggers": triggers}, beside]}
    assert due(parse_trigger(data, "UTC", NOW), 2) == ["11-23 10:15", "11-24 10:15"]
    nested = {"type": "between", "trigger": beside, "start": "2026-01-01T00:00:00Z"}
    data["triggers"] = [{"type": "all_of", "triggers": triggers}, nested]
    assert due(parse_trigger(data, "UTC", NOW), 2) == ["11-23 10:15", "11-24 10:15"]


def test_counting_a_long_stretch_takes_a_bounded_number_of_steps() -> None:
    """A year of a millisecond schedule has 31 billion due times, which nobody lists."""

    class Counted(Every):
        asked = 0

        def next_after_us(self, us: int) -> int | None:
            Counted.asked += 1
            return super().next_after_us(us)

    trigger = AnyOf([Every(0.001), Counted(0.0011)])
    count = trigger.count(NOW, NOW + YEAR)
    assert Counted.asked <= COUNT_STEPS
    least, most = YEAR // 1_000, YEAR // 1_000 + YEAR // 1_100 + 1
    assert least <= count <= most
    assert len(trigger.newest(NOW, NOW + YEAR, 100)) == 100


def test_years_of_daily_schedules_are_counted_exactly() -> None:
    zone = "Europe/Berlin"
    trigger = AnyOf([Cron("0 9 * * *", zone), Cron("0 9,17 * * mon-fri", zone), Every(3_600)])
    days = 3_652
    # 9:00 and 17:00 in Berlin are whole hours of UTC: all of them are hours that `Every` has.
    assert trigger.count(NOW, NOW + days * DAY) == days * 24
    trigger = AnyOf([Cron("30 9 * * *", zone), Cron("30 9,17 * * *", zone), Every(3_600)])
    assert trigger.count(NOW, NOW + days * DAY) == days * 26


def test_both_bounds_are_included() -> None:
    trigger = Between(Every(3_600), start=NOON + timedelta(hours=2), end=NOON + timedelta(hours=4))
    assert due(trigger, 4) == ["11-22 14:00", "11-22 15:00", "11-22 16:00", "never"]
    assert trigger.count(NOW, NOW + YEAR) == 3
    assert trigger.newest(NOW, NOW + YEAR, 2) == [NOW + 3 * DAY // 24, NOW + 4 * DAY // 24]
    words = trigger.with_timezone("Asia/Tokyo").describe()
    assert words == "every 1 h, from 2026-11-22 23:00 until 2026-11-23 01:00 (Asia/Tokyo)"


def test_bounds_that_leave_nothing_are_refused() -> None:
    with pytest.raises(InvalidTriggerError, match="from the start on"):
        Between(Every(60), start=NOON, end=NOON - timedelta(seconds=1))
    with pytest.raises(InvalidTriggerError, match="a start, an end, or both"):
        Between(Every(60))
    with pytest.raises(InvalidTriggerError, match="naive"):
        Between(Every(60), start=NOON.replace(tzinfo=None))
    monthly = {"type": "cron", "expression": "0 9 1 * *"}
    data = {"type": "between", "trigger": monthly, "start": "2026-12-02T00:00:00Z"}
    with pytest.raises(InvalidTriggerError, match="between its start and its end"):
        parse_trigger(data | {"end": "2026-12-31T00:00:00Z"}, "UTC", NOW)
    over = data | {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}
    assert parse_trigger(over, "UTC", NOW).next_after(NOON) is None, "a job that has ended is read"


def test_never_is_meant() -> None:
    trigger = parse_trigger({"type": "never"}, "UTC", NOW)
    assert trigger == Never()
    assert trigger.dueless
    assert not Every(60).dueless
    assert trigger.next_after(NOON) is None
    assert (trigger.newest(0, NOW, 5), trigger.count(0, NOW)) == ([], 0)
    with pytest.raises(InvalidTriggerError, match="due at some time"):
        AnyOf([Never()])


def test_a_union_with_a_fixed_time_does_not_repeat_when_the_clock_is_set_back() -> None:
    assert AnyOf([Every(60), Cron("0 9 * * *")]).fixed
    assert not AnyOf([Every(60), Cron("* * * * *")]).fixed
    assert Between(Cron("0 9 * * *"), start=NOON).fixed


def test_zones_are_bound_part_by_part() -> None:
    trigger = AnyOf([Cron("0 9 * * *"), Cron("0 9 * * *", "UTC")]).with_timezone("Asia/Tokyo")
    assert due(trigger, 2) == ["11-23 00:00", "11-23 09:00"]
    assert trigger.timezone is None
    assert Between(Cron("0 9 * * *", "Asia/Tokyo"), start=NOON).timezone == "Asia/Tokyo"


CRON = {"type": "cron", "expression": "0 9 * * *"}


@pytest.mark.parametrize(
    ("data", "fields", "part"),
    [
        ({"type": "any_of"}, ["triggers"], "a list of triggers"),
        ({"type": "any_of", "triggers": []}, ["triggers"], "1 to 50"),
        ({"type": "any_of", "triggers": {}}, ["triggers"], "1 to 50"),
        ({"type": "any_of", "triggers": "abc"}, ["triggers"], "a list"),
        ({"type": "any_of", "triggers": ["0 9 * * *"]}, ["triggers.0"], "an object"),
        ({"type": "any_of", "triggers": [CRON] * 51}, ["triggers.50"], "50 in all"),
        ({"type": "any_of", "triggers": {"a": {"type": "cron", "expression": "x"}}},
         ["triggers.a.expression"], "5 fields"),
        ({"type": "all_of", "triggers": {"a": CRON}}, ["triggers"], "a list"),
        ({"type": "all_of", "triggers": [CRON, {"type": "never"}]}, ["triggers.1"], "due at some"),
        ({"type": "between", "trigger": CRON, "start": "tomorrow"}, ["start"], "ISO 8601"),
        ({"type": "between", "start": "2026-01-01T00:00:00Z"}, ["trigger"], "an object"),
        ({"type": "between", "trigger": CRON}, ["start"], "a start, an end"),
        ({"type": "never", "at": "9:00"}, ["at"], "only type"),
        ({"type": "foreign", "class": "os.system"}, ["type"], "declared in code alone"),
    ],
)  # fmt: skip
def test_refusals_name_the_field(data: Any, fields: list[str], part: str) -> None:
    with pytest.raises(InvalidTriggerError, match=part) as refused:
        parse_trigger(data, "UTC", NOW)
    assert [error.field for error in refused.value.errors] == fields


def test_a_name_that_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InvalidNameError):
        AnyOf({"a\x1b[2J": Every(60)})


def test_nesting_has_a_floor() -> None:
    data: dict[str, Any] = CRON
    for _ in range(200):
        data = {"type": "any_of", "triggers": [data]}
    with pytest.raises(InvalidTriggerError, match="at most 4 triggers within each other"):
        parse_trigger(data, "UTC", NOW)


def test_words() -> None:
    any_of = AnyOf({"morning": Cron("0 9 * * *"), "often": Every(300)})
    assert any_of.describe() == "morning: At 09:00 every day (UTC); or often: every 5 min"
    assert any_of.short() == "morning | often"
    assert AnyOf([Every(60), Once(from_us(NOW))]).short() == "every 1 min | once 2026-11-22 12:00"
    assert (
        AllOf([Every(60), Every(90)]).describe()
        == "every 1 min, and at the same time every 1 min 30 s"
    )
