"""Jobs that would run after themselves, found among all that the code declares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedtui import Group, Never
from schedtui.engine.code import circles
from schedtui.engine.code.circles import uncircled
from schedtui.engine.live.followers import circle
from schedtui.engine.live.jobs import LiveJobs
from schedtui.models import After


def declared(after: dict[int, set[int]]) -> Group:
    group = Group("g")
    group.function("work")(work)
    for number, others in after.items():
        follows = [f"g/j{other}" for other in others]
        trigger = None if follows else Never()
        group.job(trigger=trigger, after=follows, name=f"j{number}")(work)
    return group


def work() -> None: ...


@given(st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7), max_size=3), max_size=8))
def test_just_those_in_a_circle_are_refused(after: dict[int, set[int]]) -> None:
    declarations = declared(after).declarations
    ways = {one.full_name: one.after for one in declarations}

    def follows(name: str) -> tuple[After, ...]:
        return ways.get(name, ())

    found, refused = uncircled(LiveJobs(), {}, declarations)
    assert set(refused) == {name for name in ways if circle(name, follows)}
    for one in found:
        assert one.after == (() if one.full_name in refused else ways[one.full_name])


def test_a_long_row_is_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def seen(name: str, *_: object) -> list[str]:
        searched.append(name)
        return []

    monkeypatch.setattr(circles, "circle", seen)
    row = {number: {number - 1} for number in range(1, 200)}
    before_it = {number: {number - 1} for number in range(301, 320)} | {300: set[int]()}
    uncircled(LiveJobs(), {}, declared({**row, 0: {1}, **before_it}).declarations)
    assert searched == ["g/j1", "g/j0"]
