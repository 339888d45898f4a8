"""What holds for every combination of triggers, whatever it is made of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from schedtui.clock import to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers import (
    AllOf,
    AnyOf,
    Between,
    Calendar,
    Cron,
    Every,
    Except,
    Once,
    Trigger,
    parse_trigger,
)

SETTINGS = settings(
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
SECOND = 1_000_000
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/New_York")
# Near a change of the clock in one of them, a leap day, the end of 32-bit time, or a year's end.
NEAR = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2028, 2, 29, 12, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
)

moments = st.builds(
    lambda near, seconds: to_us(near) + seconds * SECOND,
    st.sampled_from(NEAR),
    st.integers(-4 * 86_400, 4 * 86_400),
)
clock_times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from((0, 15, 30)))
times = st.lists(clock_times, min_size=1, max_size=3)
anchors = st.dates(date(2020, 1, 1), date(2030, 12, 31))
zones = st.none() | st.sampled_from(ZONES)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    common: dict[str, Any] = {"at": draw(times), "anchor": draw(anchors), "timezone": draw(zones)}
    unit = draw(st.sampled_from(("days", "weeks", "months")))
    every = draw(st.integers(1, 14))
    on: list[str | int] = []
    if unit == "weeks":
        on = draw(st.lists(st.sampled_from(["mon", "wed", "sat", "sun"]), max_size=3))
    elif unit == "months":
        on = draw(st.lists(st.sampled_from([1, 15, 28, 29, 31, "last"]), max_size=3))
    try:
        return Calendar(on=on, **common | {unit: every})
    except InvalidTriggerError:  # a date that these months do not have
        return Calendar(**common | {"days": every})


crons = st.builds(
    Cron,
    st.sampled_from(("0 9 * * *", "30 2 * * *", "*/20 * * * *", "0 */6 * * *", "15 1 * * mon")),
    zones,
)
everies = st.builds(
    lambda minutes, offset: Every(
        minutes * 60, anchor=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=offset)
    ),
    st.sampled_from((15, 60, 90, 360, 1440)),
    st.sampled_from((0, 15, 30)),
)
plain: st.SearchStrategy[Trigger] = st.one_of(calendars(), crons, everies)
dates = st.builds(
    lambda near, ahead, length: (
        f"{(near + timedelta(days=ahead)).date()}..{(near + timedelta(days=ahead + length)).date()}"
    ),
    st.sampled_from(NEAR),
    st.integers(-5, 5),
    st.integers(0, 9),
)
windows = st.sampled_from(
    ("22:00-06:00", "sat,sun", "mon-fri 12:00-13:00", "sun 23:30-02:15", "fri")
)


def combinations(parts: st.SearchStrategy[Trigger]) -> st.SearchStrategy[Trigger]:
    several = st.lists(parts, min_size=1, max_size=3)
    bounds = st.tuples(moments, moments).map(sorted)
    return st.one_of(
        several.map(AnyOf),
        several.map(lambda given: AnyOf({f"part {at}": one for at, one in enumerate(given)})),
        several.filter(meeting).map(AllOf),
        st.builds(
            lambda one, days, hours, zone: Except(one, dates=days, windows=hours, timezone=zone),
            parts,
            st.lists(dates, min_size=1, max_size=2),
            st.lists(windows, max_size=2),
            zones,
        ),
        st.builds(
            lambda one, pair: Between(
                one,
                start=datetime.fromtimestamp(pair[0] // SECOND, UTC),
                end=datetime.fromtimestamp(pair[1] // SECOND, UTC),
            ),
            parts,
            bounds,
        ),
    )


def meeting(parts: list[Trigger]) -> bool:
    try:
        AllOf(parts)
    except InvalidTriggerError:
        return False
    return True


combined = combinations(st.one_of(plain, combinations(plain)))


def listed(trigger: Trigger, after: int, most: int) -> tuple[list[int], int | None]:
    """Up to ``most`` due times, and the one that follows them."""
    found: list[int] = []
    due = trigger.next_after_us(after)
    while due is not None and len(found) < most:
        assert due > (found[-1] if found else after)
        found.append(due)
        due = trigger.next_after_us(due)
    return found, due


@SETTINGS
@given(st.one_of(calendars(), combined), moments, st.integers(0, 60), st.integers(0, 40))
def test_count_and_newest_agree_with_stepping(
    trigger: Trigger, after: int, most: int, limit: int
) -> None:
    found, following = listed(trigger, after, most)
    until = found[-1] if found else after
    assert trigger.count(after, until) == len(found)
    assert trigger.newest(after, until, limit) == found[len(found) - min(limit, len(found)) :]
    assert trigger.count(until, after) == 0
    assert trigger.newest(until, after, 5) == []
    if following is not None:
        assert trigger.count(after, following - 1) == len(found)
        assert trigger.count(after, following) == len(found) + 1


@SETTINGS
@given(st.one_of(calendars(), combined), moments, st.integers(1, 10**6))
def test_a_due_time_is_found_from_just_before_it(trigger: Trigger, after: int, back: int) -> None:
    due = trigger.next_after_us(after)
    assume(due is not None)
    assert due is not None
    assert trigger.next_after_us(due - 1) == due
    assert trigger.next_after_us(max(after, due - 1 - back * 1_000)) == due


@SETTINGS
@given(combined, moments, st.integers(2, 30))
def test_a_long_stretch_is_counted_as_its_days_are(trigger: Trigger, after: int, days: int) -> None:
    day = 86_400 * SECOND
    single = sum(trigger.count(after + n * day, after + (n + 1) * day) for n in range(days))
    assert trigger.count(after, after + days * day) == single


@SETTINGS
@given(st.one_of(calendars(), combined), st.sampled_from(ZONES), moments)
def test_the_json_form_makes_an_equal_trigger(trigger: Trigger, zone: str, now: int) -> None:
    bound = trigger.with_timezone(zone)
    try:
        copy = parse_trigger(trigger.to_json(), zone, now)
    except InvalidTriggerError:
        assert bound.next_after_us(now) is None
        return
    assert copy == bound
    assert hash(copy) == hash(bound)
    assert copy.to_json() == trigger.to_json()
    assert copy.next_after_us(now) == bound.next_after_us(now)
    assert copy.describe().isprintable()
    assert copy.short().isprintable()


@SETTINGS
@given(st.lists(plain, min_size=1, max_size=3), moments)
def test_a_union_is_due_when_a_part_is(parts: list[Trigger], after: int) -> None:
    union = AnyOf(parts)
    expected = sorted({due for part in parts for due in listed(part, after, 20)[0]})
    assert listed(union, after, 20)[0] == expected[:20]
    for due in expected[:20]:
        named = union.names_at(due)
        at = [part.short() for part in parts if part.next_after_us(due - 1) == due]
        assert list(named) == list(dict.fromkeys(at))
        assert union.names_at(due + 1) == ()


@SETTINGS
@given(st.lists(plain, min_size=2, max_size=3).filter(meeting), moments)
def test_an_intersection_is_due_when_all_parts_are(parts: list[Trigger], after: int) -> None:
    until = after + 40 * 86_400 * SECOND
    each = [set(part.newest(after, until, 10_000)) for part in parts]
    shared = sorted(set.intersection(*each))
    assert [due for due in listed(AllOf(parts), after, len(shared))[0] if due <= until] == shared


@SETTINGS
@given(plain, st.lists(dates, min_size=1), st.lists(windows), moments)
def test_an_exception_leaves_out_what_it_blacks_out_and_nothing_else(
    inner: Trigger, days: list[str], hours: list[str], after: int
) -> None:
    trigger = Except(inner, dates=days, windows=hours, timezone="Europe/Berlin")
    until = after + 20 * 86_400 * SECOND
    expected = [due for due in inner.newest(after, until, 10_000) if not trigger.blacked_out(due)]
    assert trigger.newest(after, until, 10_000) == expected
    assert listed(trigger, after, len(expected))[0] == expected


@SETTINGS
@given(moments, moments)
def test_a_single_moment_in_a_union_is_counted_once(one: int, other: int) -> None:
    low, high = sorted((one, other))
    once = Once(datetime.fromtimestamp(low // SECOND, UTC))
    union = AnyOf([once, Every(1, anchor=once.at)])
    assert union.count(low - SECOND, high) == Every(1).count(low - SECOND, high)
