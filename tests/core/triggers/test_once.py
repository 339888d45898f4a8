"""Single moments."""

from __future__ import annotations

import datetime as dt
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedtui.clock import to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers import Once

EVE = datetime(2026, 12, 24, 17, tzinfo=UTC)
EVE_US = to_us(EVE)


def test_it_is_due_once() -> None:
    once = Once(EVE)
    assert once.next_after(EVE - timedelta(microseconds=1)) == EVE
    assert once.next_after(EVE) is None
    assert once.fixed


def test_it_is_counted_when_it_lies_between() -> None:
    once = Once(EVE)
    assert once.count(EVE_US - 1, EVE_US) == 1
    assert once.count(EVE_US, EVE_US + 1) == 0
    assert once.newest(EVE_US - 1, EVE_US, 5) == [EVE_US]
    assert once.newest(EVE_US - 1, EVE_US, 0) == []
    assert once.newest(EVE_US, EVE_US + 1, 5) == []


def test_words_are_in_the_zone_it_is_bound_to() -> None:
    once = Once(EVE)
    bound = once.with_timezone("Europe/Berlin")
    assert once.describe() == "once on 2026-12-24 17:00 (UTC)"
    assert bound.describe() == "once on 2026-12-24 18:00 (Europe/Berlin)"
    assert bound.short() == "once 2026-12-24 18:00"
    assert bound == once


def test_words_are_as_exact_as_the_moment() -> None:
    assert Once(EVE + timedelta(seconds=5)).short() == "once 2026-12-24 17:00:05"
    assert Once(EVE + timedelta(microseconds=5)).short() == "once 2026-12-24 17:00:00.000005"


@pytest.mark.parametrize(
    "at", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]
)
def test_the_first_and_the_last_moment_can_be_described(at: datetime) -> None:
    once = Once(at)
    for zone in ("Asia/Tokyo", "America/New_York"):
        assert str(at.year) in once.with_timezone(zone).describe()


def test_a_local_moment_is_kept_as_the_instant() -> None:
    once = Once(datetime(2026, 12, 24, 18, tzinfo=ZoneInfo("Europe/Berlin")))
    assert once.at == EVE
    assert once.to_json() == {"type": "once", "at": "2026-12-24T17:00:00Z"}


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(InvalidTriggerError, match="naive") as refused:
        Once(datetime(2026, 12, 24, 18))  # noqa: DTZ001 - the point of the test
    assert refused.value.errors[0].field == "at"


def test_its_repr_makes_an_equal_one() -> None:
    copy = eval(repr(Once(EVE)), {"Once": Once, "datetime": dt})
    assert copy == Once(EVE)
    assert hash(copy) == hash(Once(EVE))
    assert copy != Once(EVE + timedelta(microseconds=1))
