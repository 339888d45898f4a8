"""Triggers from JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedtui.clock import to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers import Cron, Every, Once, Trigger, parse_trigger

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
ZONE = "Europe/Berlin"


def parse(data: Any) -> Trigger:
    return parse_trigger(data, ZONE, to_us(NOW))


@pytest.mark.parametrize(
    ("data", "trigger"),
    [
        (
            {"type": "cron", "expression": "0 9 * * 1"},
            Cron("0 9 * * 1").with_timezone(ZONE),
        ),
        (
            {"type": "cron", "expression": "0 9 * * 1", "timezone": "Asia/Tokyo"},
            Cron("0 9 * * 1", "Asia/Tokyo"),
        ),
        (
            {"type": "cron", "expression": "0 9 * * 1", "timezone": None},
            Cron("0 9 * * 1").with_timezone(ZONE),
        ),
        ({"type": "every", "seconds": 300}, Every(300)),
        ({"type": "every", "seconds": 0.5}, Every(0.5)),
        (
            {"type": "every", "seconds": 300, "anchor": "2026-01-01T01:00:00+01:00"},
            Every(300, anchor=datetime(2026, 1, 1, tzinfo=UTC)),
        ),
        ({"type": "every", "typed": "1h30m"}, Every(5400)),
        (
            {"type": "once", "at": "2026-12-24T18:00:00Z"},
            Once(datetime(2026, 12, 24, 18, tzinfo=UTC)),
        ),
        (
            {"type": "once", "typed": "tomorrow 7:30"},
            Once(datetime(2026, 11, 19, 6, 30, tzinfo=UTC)),
        ),
        ({"type": "once", "typed": "in 10m"}, Once(NOW + timedelta(minutes=10))),
    ],
)
def test_every_form_is_read(data: dict[str, Any], trigger: Trigger) -> None:
    assert parse(data) == trigger


def test_a_stored_moment_in_the_past_is_read() -> None:
    """A job that has run is still a job."""
    assert parse({"type": "once", "at": "2020-01-01T00:00:00Z"}).next_after(NOW) is None


def test_what_was_typed_is_resolved_once() -> None:
    stored = parse({"type": "once", "typed": "in 10m"}).to_json()
    assert stored == {"type": "once", "at": "2026-11-18T09:40:00Z"}
    assert parse({"type": "every", "typed": "5m"}).to_json() == {"type": "every", "seconds": 300}


def test_a_moment_is_described_in_the_zone_of_the_job() -> None:
    once = parse({"type": "once", "at": "2026-12-24T17:00:00Z"})
    assert once.describe() == "once on 2026-12-24 18:00 (Europe/Berlin)"


@pytest.mark.parametrize(
    ("data", "fields", "part"),
    [
        ({}, ["type"], "between or never"),
        ({"type": "interval"}, ["type"], "between or never"),
        ({"type": ["cron"]}, ["type"], "between or never"),
        ({"type": "cron"}, ["expression"], "5 fields"),
        ({"type": "cron", "expression": "61 * * * *"}, ["expression"], "minute: got '61'"),
        ({"type": "cron", "expression": "* * * * *", "tz": "UTC"}, ["tz"], "only type, expression"),
        (
            {"type": "cron", "expression": "61 * * * *", "timezone": "Berlin"},
            ["timezone", "expression"],
            "did you mean 'Europe/Berlin'",
        ),
        ({"type": "cron", "expression": "* * * * *", "timezone": ""}, ["timezone"], "IANA"),
        ({"type": "every"}, ["seconds"], "either seconds or typed"),
        ({"type": "every", "seconds": 5, "typed": "5s"}, ["typed"], "not both"),
        ({"type": "every", "seconds": "5m"}, ["seconds"], "seconds, from 0.001"),
        ({"type": "every", "seconds": True}, ["seconds"], "seconds, from 0.001"),
        ({"type": "every", "seconds": float("nan")}, ["seconds"], "got 'nan'"),
        ({"type": "every", "typed": "soon"}, ["typed"], "a duration such as 90s"),
        ({"type": "every", "typed": "0s"}, ["typed"], "from 1 ms"),
        (
            {"type": "every", "seconds": 5, "anchor": "2026-01-01T00:00:00"},
            ["anchor"],
            "has no offset",
        ),
        ({"type": "once"}, ["at"], "either at or typed"),
        ({"type": "once", "at": "2026-12-24 18:00"}, ["at"], "has no offset"),
        ({"type": "once", "at": "2026-12-24"}, ["at"], "has no offset"),
        ({"type": "once", "at": "tomorrow"}, ["at"], "ISO 8601"),
        ({"type": "once", "at": 1_800_000_000}, ["at"], "ISO 8601"),
        ({"type": "once", "at": "0001-01-01T00:00:00+14:00"}, ["at"], "the years 1 to 9999"),
        ({"type": "once", "typed": "today 09:00"}, ["typed"], "in the future"),
        ({"type": "once", "typed": "soon"}, ["typed"], "a time such as 09:00"),
        ("0 9 * * *", [""], "an object"),
        (None, [""], "an object"),
        ([], [""], "an object"),
    ],
)
def test_refusals_name_the_field(data: Any, fields: list[str], part: str) -> None:
    with pytest.raises(InvalidTriggerError) as refused:
        parse(data)
    assert [error.field for error in refused.value.errors] == fields
    assert part in str(refused.value)


def test_an_unknown_zone_of_the_job_is_refused() -> None:
    with pytest.raises(InvalidTriggerError, match="did you mean 'Europe/Berlin'"):
        parse_trigger({"type": "every", "seconds": 5}, "Berlin", 0)
