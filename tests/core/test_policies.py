"""Policies: defaults, how the levels add up, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schedtui.errors import InvalidError
from schedtui.models import CatchUp, Overlap, Policies
from schedtui.policies import MAX_GRACE_S, check, make, resolve


def test_the_nearest_level_rules_each_policy_by_itself() -> None:
    job = Policies(grace_s=0)
    group = Policies(grace_s=5, catch_up=CatchUp.LATEST)
    engine = Policies(grace_s=7, catch_up=CatchUp.SKIP)
    found = resolve(job, group, engine)
    assert (found.grace_us, found.catch_up) == (0, CatchUp.LATEST)
    assert resolve(Policies(), Policies(), engine).grace_us == 7_000_000


def test_a_fraction_of_a_second_is_kept_to_the_microsecond() -> None:
    assert resolve(Policies(grace_s=0.0000015)).grace_us == 2
    assert resolve(Policies(grace_s=1.1)).grace_us == 1_100_000


@pytest.mark.parametrize("grace_s", [0, 0.5, 60, MAX_GRACE_S])
def test_what_is_possible_is_taken(grace_s: float) -> None:
    check(Policies(grace_s=grace_s))


@pytest.mark.parametrize("grace_s", [-0.001, float("nan"), float("inf"), MAX_GRACE_S + 1])
def test_a_grace_that_no_engine_could_follow_is_refused(grace_s: float) -> None:
    with pytest.raises(InvalidError, match="grace_s") as caught:
        check(Policies(grace_s=grace_s))
    assert caught.value.errors[0].field == "grace_s"


def test_what_people_write_is_read() -> None:
    assert make() == Policies()
    assert make(overlap="skip", grace_s=timedelta(minutes=2), catch_up="latest") == Policies(
        overlap=Overlap.SKIP, grace_s=120.0, catch_up=CatchUp.LATEST
    )
    assert make(catch_up=CatchUp.SKIP, grace_s=3) == Policies(catch_up=CatchUp.SKIP, grace_s=3.0)


@pytest.mark.parametrize(
    ("settings", "field", "expected"),
    [
        ({"overlap": "queue"}, "overlap", "one of 'skip'"),
        ({"overlap": 3}, "overlap", "one of 'skip'"),
        ({"catch_up": "some"}, "catch_up", "one of 'skip', 'latest', 'all'"),
        ({"grace_s": "soon"}, "grace_s", "seconds, as a number"),
        ({"grace_s": True}, "grace_s", "seconds, as a number"),
        ({"grace_s": []}, "grace_s", "seconds, as a number"),
        ({"grace_s": timedelta(seconds=-1)}, "grace_s", "seconds from 0 to"),
        ({"grace_s": 10**400}, "grace_s", "seconds from 0 to"),
    ],
)
def test_what_is_no_policy_is_refused_and_says_what_is(
    settings: dict[str, Any], field: str, expected: str
) -> None:
    with pytest.raises(InvalidError, match=f"{field}: got") as caught:
        make(**settings)
    (error,) = caught.value.errors
    assert error.field == field
    assert error.expected.startswith(expected)


@pytest.mark.parametrize(
    "template", ["%Y-%m-%d", "%G-W%V", "%Y-%m", "%Y-%m-%dT%H", "%%%y", "week %U", "%j" + "x" * 98]
)
def test_a_period_is_named_by_numbers(template: str) -> None:
    assert make(run_once_key=template).run_once_key == template
    assert resolve(Policies(), make(run_once_key=template)).run_once_key == template
    assert resolve(make(run_once_key=""), make(run_once_key=template)).run_once_key == ""


@pytest.mark.parametrize(
    "template",
    ["today", "%c", "%x", "%X %Y", "%p%H", "%a", "%-d %Y", "%Y %", "%%Y", "%Y\x1b", "%Yé", 7],
)
def test_a_period_that_is_another_one_elsewhere_is_refused(template: Any) -> None:
    with pytest.raises(InvalidError, match=r"run_once_key: .* such as %Y-%m-%d"):
        make(run_once_key=template)
