"""What holds for every trigger, whatever it is."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schedtui.clock import to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers import Cron, Every, Once, Trigger, parse_trigger

SETTINGS = settings(deadline=None, database=None, derandomize=True, max_examples=200)

YEAR = 365 * 86_400 * 1_000_000
# Within a few days of a change of the offset in one of the zones below, or anywhere.
CHANGES = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(1994, 1, 31, 17, tzinfo=UTC),
)
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Antarctica/Vostok")

moments = st.one_of(
    st.integers(-YEAR, 200 * YEAR),
    st.builds(
        lambda change, seconds: to_us(change) + seconds * 1_000_000,
        st.sampled_from(CHANGES),
        st.integers(-3 * 86_400, 3 * 86_400),
    ),
)


def field(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high)
    step = st.integers(1, high)
    spans = st.tuples(one, one).map(lambda pair: f"{min(pair)}-{max(pair)}")
    term = st.one_of(
        one.map(str), spans, st.builds("{}/{}".format, spans, step), st.builds("*/{}".format, step)
    )
    return st.one_of(st.just("*"), st.lists(term, min_size=1, max_size=3).map(",".join))


expressions = st.one_of(
    st.sampled_from(("@hourly", "@daily", "@weekly", "@monthly", "@yearly")),
    st.tuples(
        st.sampled_from(("", "0 ", "*/20 ", "* ", "7,8,59 ")),
        field(0, 59),
        field(0, 23),
        st.one_of(field(1, 28), st.sampled_from(("*", "L", "LW", "29,L"))),
        field(1, 12),
        st.one_of(field(0, 7), st.sampled_from(("*", "5L", "mon#1", "sun#5"))),
    ).map(lambda parts: parts[0] + " ".join(parts[1:])),
)


@st.composite
def crons(draw: st.DrawFn) -> Cron:
    try:
        return Cron(draw(expressions), draw(st.sampled_from(ZONES)))
    except InvalidTriggerError:  # a date that no year has
        return Cron("30 2 * * *", "Europe/Berlin")


everies = st.builds(
    lambda us, anchor: Every(timedelta(microseconds=us), anchor=anchor),
    st.one_of(st.integers(1_000, 10**7), st.integers(1_000, 36_500 * 86_400 * 10**6)),
    st.none() | st.datetimes(timezones=st.just(UTC)),
)
onces = st.builds(Once, st.datetimes(timezones=st.just(UTC)))
triggers: st.SearchStrategy[Trigger] = st.one_of(crons(), everies, onces)


@SETTINGS
@given(triggers, moments)
def test_due_times_strictly_increase(trigger: Trigger, moment: int) -> None:
    for _ in range(20):
        due = trigger.next_after_us(moment)
        if due is None:
            return
        assert due > moment
        moment = due


@SETTINGS
@given(crons(), moments, st.integers(0, 10**6))
def test_the_next_due_time_does_not_depend_on_where_the_search_begins(
    cron: Cron, moment: int, back_s: int
) -> None:
    """From any moment before a due time, the first one that is found is not a later one."""
    due = cron.next_after_us(moment)
    if due is None:
        return
    between = max(moment, due - 1 - back_s * 1_000)
    assert cron.next_after_us(between) == due


@SETTINGS
@given(triggers, moments, st.integers(0, 60), st.integers(0, 40))
def test_count_and_newest_agree_with_listing(
    trigger: Trigger, after: int, listed: int, limit: int
) -> None:
    times: list[int] = []
    due = trigger.next_after_us(after)
    while due is not None and len(times) < listed:
        times.append(due)
        due = trigger.next_after_us(due)
    until = times[-1] if times else after
    assert trigger.count(after, until) == len(times)
    assert trigger.newest(after, until, limit) == times[len(times) - min(limit, len(times)) :]
    assert trigger.count(until, after) == 0
    assert trigger.newest(until, after, 5) == []
    if due is not None:
        assert trigger.count(after, due - 1) == len(times)
        assert trigger.count(after, due) == len(times) + 1


@SETTINGS
@given(crons(), moments, moments, moments)
def test_counts_add_up(cron: Cron, first: int, second: int, third: int) -> None:
    low, middle, high = sorted((first, second, third))
    assert cron.count(low, middle) + cron.count(middle, high) == cron.count(low, high)


@SETTINGS
@given(triggers, st.sampled_from(ZONES))
def test_the_json_form_makes_an_equal_trigger(trigger: Trigger, zone: str) -> None:
    copy = parse_trigger(trigger.to_json(), zone, 0)
    assert copy == trigger.with_timezone(zone)
    assert hash(copy) == hash(trigger.with_timezone(zone))
    assert copy.to_json() == trigger.to_json()


@SETTINGS
@given(triggers)
def test_every_trigger_has_words(trigger: Trigger) -> None:
    assert trigger.describe().isprintable()
    assert trigger.short().isprintable()


@SETTINGS
@given(st.text(alphabet="0123456789*/-,#@LWlwmonfrija ?\t", max_size=30))
def test_text_is_an_expression_or_refused(text: str) -> None:
    cron: Cron | None = None
    with contextlib.suppress(InvalidTriggerError):
        cron = Cron(text)
    if cron is not None:
        assert cron.next_after(datetime(2026, 1, 1, tzinfo=UTC)) is not None
        assert cron.describe()
