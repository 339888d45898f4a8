"""What is different between two runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schedtui.models import Difference, Run, RunState, Source, compare_runs

AT = datetime(2026, 1, 1, tzinfo=UTC)


def run(**settings: Any) -> Run:
    return Run(
        **{
            "id": 1,
            "job_id": 1,
            "job": "g/j",
            "function": "g/f",
            "source": Source.MANUAL,
            "state": RunState.SUCCEEDED,
            "claimed_at": AT,
            **settings,
        }
    )


def test_runs_of_the_same_thing_have_no_difference() -> None:
    late = {"limits": "ab12"}
    one = run(kwargs={"n": [1, {"a": 2}]}, code="12ab", late=late)
    other = run(id=2, kwargs={"n": [1, {"a": 2}]}, code="12ab", late=late, error="x", attempt=3)
    assert compare_runs(one, other) == ()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"code": "a"}, {"code": "b"}, ("code", "a", "b")),
        ({}, {"code": "b"}, ("code", None, "b")),
        ({"job_version": 1}, {"job_version": 2}, ("job_version", 1, 2)),
        ({"function": "g/f"}, {"function": "g/h"}, ("function", "g/f", "g/h")),
        ({"job": "g/j"}, {"job": "g/k"}, ("job", "g/j", "g/k")),
        ({"kwargs": {"n": 1}}, {"kwargs": {"n": True}}, ("kwargs.n", 1, True)),
        ({"kwargs": {"n": 1}}, {}, ("kwargs.n", 1, None)),
        ({"late": {"x": "a"}}, {"late": {"x": "b"}}, ("late.x", "a", "b")),
    ],
)
def test_each_thing_is_named(
    first: dict[str, Any], second: dict[str, Any], expected: tuple[str, Any, Any]
) -> None:
    what, one, other = expected
    (found,) = compare_runs(run(**first), run(**second))
    assert found == Difference(what=what, first=one, second=other)
