"""Every due time that passed comes out in exactly one verdict."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedtui import Cron, Every, Once
from schedtui.clock import from_us, to_us
from schedtui.engine.tick.decide import (
    NOBODY,
    SINGLE_ROWS,
    Active,
    Decision,
    Verdict,
    account,
    decide,
)
from schedtui.models import CatchUp, Overlap, Policies, RunState, Source
from schedtui.policies import Effective, resolve
from schedtui.triggers import Trigger

SECOND = 1_000_000
BASE_US = 1_772_452_800 * SECOND  # 2026-03-02T12:00:00Z


def rules(grace_s: float = 60, catch_up: CatchUp = CatchUp.SKIP) -> Effective:
    return resolve(Policies(overlap=Overlap.SKIP, grace_s=grace_s, catch_up=catch_up))


def accounted(trigger: Trigger, verdicts: tuple[Verdict, ...]) -> list[tuple[int, int, int]]:
    """Oldest, newest and number of due times of each verdict; in order, and disjoint."""
    found: list[tuple[int, int, int]] = []
    for verdict in verdicts:
        newest_us = verdict.scheduled_for_us
        oldest_us = newest_us if verdict.range_from_us is None else verdict.range_from_us
        number = 1 if verdict.range_count is None else verdict.range_count
        assert trigger.count(oldest_us - 1, newest_us) == number
        assert oldest_us <= newest_us
        assert not found or found[-1][1] < oldest_us
        found.append((oldest_us, newest_us, number))
    return found


TRIGGERS = st.one_of(
    st.integers(1_000, 90_000 * SECOND).map(lambda us: Every(us / SECOND)),
    st.sampled_from(
        [
            Cron("* * * * *"),
            Cron("*/7 3-5 * * *"),
            Cron("30 2 * * *", "Europe/Berlin"),
            Cron("*/10 * * * * *"),
            Cron("0 0 1 1 *"),
            Cron("15 * * * *", "America/New_York"),
        ]
    ),
    st.integers(-5, 5).map(lambda s: Once(from_us(BASE_US + s * SECOND))),
)


@settings(deadline=None, max_examples=60)
@given(
    trigger=TRIGGERS,
    since_s=st.integers(0, 400_000_000),
    late_us=st.integers(0, 3 * 86_400 * SECOND),
    grace_s=st.sampled_from([0, 0.001, 1, 60, 3_600, 400_000]),
    catch_up=st.sampled_from([CatchUp.SKIP, CatchUp.LATEST]),
    active=st.sampled_from([NOBODY, Active(1, "run 7")]),
)
def test_every_due_time_is_in_one_verdict(
    trigger: Trigger,
    since_s: int,
    late_us: int,
    grace_s: float,
    catch_up: CatchUp,
    active: Active,
) -> None:
    due_us = trigger.next_after_us(BASE_US - 10 * SECOND + since_s * SECOND % (86_400 * SECOND))
    if due_us is None:
        return
    now_us = due_us + late_us
    decision = decide(trigger, due_us, now_us, rules(grace_s, catch_up), active=active)
    found = accounted(trigger, decision.verdicts)
    assert sum(number for _, _, number in found) == trigger.count(due_us - 1, now_us)
    assert found[0][0] == due_us
    assert decision.last_due_us == found[-1][1] <= now_us
    assert decision.next_due_us is None or decision.next_due_us > now_us
    assert decision.next_due_us == trigger.next_after_us(now_us)
    singles = [one for one in decision.verdicts if one.range_from_us is None]
    assert len(singles) <= SINGLE_ROWS
    assert len(decision.verdicts) <= SINGLE_ROWS + 1
    check_states(decision, now_us, grace_s, catch_up, active)


def check_states(
    decision: Decision, now_us: int, grace_s: float, catch_up: CatchUp, active: Active
) -> None:
    running = [one for one in decision.verdicts if one.state is None]
    assert len(running) <= 1
    newest = decision.verdicts[-1]
    if running:
        assert running == [newest]
        assert not active.runs
    late = now_us - newest.scheduled_for_us > grace_s * SECOND
    if late and catch_up is CatchUp.SKIP:
        assert newest.state is RunState.MISSED
    elif active.runs:
        assert newest.state is RunState.SKIPPED
        assert "run 7" in (newest.reason or "")
    else:
        assert newest.state is None
    assert newest.source is (
        Source.CATCHUP if late and catch_up is CatchUp.LATEST else Source.SCHEDULE
    )
    for verdict in decision.verdicts:
        assert (verdict.reason is None) is (verdict.state is None)
        if verdict is not newest:
            assert verdict.source is Source.SCHEDULE
            was_late = now_us - verdict.scheduled_for_us > grace_s * SECOND
            assert verdict.state is (RunState.MISSED if was_late else RunState.SKIPPED)


@settings(deadline=None, max_examples=60)
@given(trigger=TRIGGERS, late_us=st.integers(-SECOND, 3 * 86_400 * SECOND))
def test_an_idle_stretch_is_accounted_for_all_alike(trigger: Trigger, late_us: int) -> None:
    due_us = trigger.next_after_us(BASE_US - 10 * SECOND)
    if due_us is None:
        return
    rows = account(trigger, due_us, due_us + late_us, RunState.SKIPPED, "paused")
    found = accounted(trigger, rows)
    assert sum(number for _, _, number in found) == trigger.count(due_us - 1, due_us + late_us)
    assert {(row.state, row.source, row.reason) for row in rows} <= {
        (RunState.SKIPPED, Source.SCHEDULE, "paused")
    }


def due(seconds: float) -> int:
    return BASE_US + round(seconds * SECOND)


@pytest.mark.parametrize(
    ("late_s", "state"),
    [(0, None), (59.999999, None), (60, None), (60.000001, RunState.MISSED), (69, RunState.MISSED)],
)
def test_the_grace_is_inclusive(late_s: float, state: RunState | None) -> None:
    decision = decide(Every(600), BASE_US, due(late_s), rules(60), active=NOBODY)
    assert [verdict.state for verdict in decision.verdicts] == [state]


def test_a_missed_one_says_how_late_and_why() -> None:
    absence = {(BASE_US, BASE_US): "nobody was here"}
    (verdict,) = decide(
        Every(600),
        BASE_US,
        due(90),
        rules(60),
        active=NOBODY,
        absence=lambda *moments: absence[moments],
    ).verdicts
    assert verdict.reason == "found 90.0 s late, past its grace of 60 s: nobody was here"


def test_each_is_asked_about_and_a_stretch_as_a_whole() -> None:
    asked: list[tuple[int, int]] = []
    decide(Every(10), BASE_US, due(1_200), rules(60), absence=lambda *one: asked.append(one))
    singles = [due(10 * n) for n in range(21, 114)]  # the newest 100, but for those in time
    assert sorted(asked) == [(BASE_US, due(200)), *((one, one) for one in singles)]


def test_latest_runs_the_newest_and_misses_the_older_ones() -> None:
    verdicts = decide(
        Every(100), BASE_US, due(450), rules(10, CatchUp.LATEST), active=NOBODY
    ).verdicts
    assert [(v.state, v.source) for v in verdicts] == [
        (RunState.MISSED, Source.SCHEDULE),
    ] * 4 + [(None, Source.CATCHUP)]


def test_two_within_the_grace_run_once() -> None:
    older, newest = decide(Every(10), BASE_US, due(15), rules(60), active=NOBODY).verdicts
    assert newest.state is None
    assert older.state is RunState.SKIPPED
    assert older.reason == "overlap: found together with 12:00:10Z, which runs"


def test_a_million_missed_are_a_hundred_rows_and_one() -> None:
    decision = decide(Every(1), BASE_US, due(999_999.5), rules(), active=Active(1, "run 1"))
    assert len(decision.verdicts) == 101
    shared = decision.verdicts[0]
    assert (shared.range_from_us, shared.range_count) == (BASE_US, 999_900)
    assert shared.scheduled_for_us == due(999_899)


def test_exactly_a_hundred_need_no_range() -> None:
    decision = decide(Every(1), BASE_US, due(99), rules(0), active=NOBODY)
    assert len(decision.verdicts) == 100
    assert all(verdict.range_from_us is None for verdict in decision.verdicts)
    shared = decide(Every(1), BASE_US, due(100), rules(0), active=NOBODY).verdicts[0]
    assert (shared.range_from_us, shared.scheduled_for_us, shared.range_count) == (
        BASE_US,
        BASE_US,
        1,
    )


def test_the_last_due_time_leaves_none() -> None:
    once = Once(from_us(BASE_US))
    decision = decide(once, BASE_US, due(1), rules(), active=NOBODY)
    assert (decision.next_due_us, decision.last_due_us) == (None, BASE_US)


def test_nothing_is_accounted_for_before_it_is_due() -> None:
    assert account(Every(10), due(10), due(9.999), RunState.SKIPPED, "paused") == ()


def test_a_due_time_the_trigger_does_not_know_any_more_still_has_a_verdict() -> None:
    """A job whose zone data changed below it: its stored due time is none of its trigger's."""
    odd_us = due(3)
    decision = decide(Every(10), odd_us, due(4), rules(), active=NOBODY)
    assert [verdict.scheduled_for_us for verdict in decision.verdicts] == [odd_us]
    decision = decide(Every(10), odd_us, due(25), rules(), active=NOBODY)
    assert decision.verdicts[0].scheduled_for_us == odd_us
    assert decision.next_due_us == due(30)
    rows = account(Every(10), odd_us, due(25), RunState.SKIPPED, "paused")
    assert rows[0].scheduled_for_us == odd_us


def test_the_clock_helpers_are_exact() -> None:
    assert to_us(from_us(BASE_US + 1)) == BASE_US + 1
