"""What every store counts of the runs of a while."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store_rows import AT, SECOND, T0, add, new_run

from schedtui.clock import from_us
from schedtui.models import RunFilter, RunState, StatsBy
from schedtui.models import stats as models
from schedtui.models.stats import Figures
from schedtui.protocols import NewRun, Store

OK, FAILED, LOST = RunState.SUCCEEDED, RunState.FAILED, RunState.LOST
DAY = 86_400


def took(run_id: int, job_id: int, second: int, seconds: int, state: RunState = OK) -> NewRun:
    """A run that was claimed and started so many seconds after ``T0``, and how long it took."""
    at_us = T0 + second * SECOND
    end_us = at_us + seconds * SECOND
    return new_run(
        run_id, job_id, state=state, claimed_at_us=at_us, started_at_us=at_us, finished_at_us=end_us
    )


@pytest.fixture
def history(store: Store) -> Store:
    """Twenty that took 1 to 20 s, some that failed, one that waits, one without a job."""
    mine, other = add(store, "mine", "other")
    with store.transaction() as tx:
        tx.insert_runs([took(i, mine, i, i) for i in range(1, 21)])
        tx.insert_runs([took(21, mine, 30, 100, FAILED), took(22, mine, 31, 100, LOST)])
        tx.insert_runs([new_run(23, mine, claimed_at_us=T0 + 40 * SECOND)])
        tx.insert_runs([took(24, other, 3 * DAY, 5)])
        tx.insert_runs([took(25, 0, 3 * DAY, 7)._replace(function="Mail/send")])
    return store


def test_the_runs_of_each_job_are_counted_and_timed(history: Store) -> None:
    whole, (mail, mine, other) = history.run_figures(RunFilter(), StatsBy.JOB)

    assert whole
    assert (mail.name, mail.runs, mail.p95_s) == ("Mail/send", 1, 7.0)
    assert (other.name, other.average_s, other.last_failure) == ("Reports/other", 5.0, None)
    assert mine == Figures(
        name="Reports/mine",
        runs=23,
        states={"failed": 1, "lost": 1, "queued": 1, "succeeded": 20},
        success_rate=20 / 22,
        average_s=10.5,
        shortest_s=1.0,
        longest_s=20.0,
        p95_s=19.0,
        last_success=from_us(T0 + 40 * SECOND),
        last_failure=from_us(T0 + 131 * SECOND),
    )


def test_the_runs_of_some_jobs_are_counted_alone(history: Store) -> None:
    other = history.job_ids("Reports", "other")

    for among in (other, [*other, *range(10**4, 10**4 + 100)]):
        found = history.run_figures(RunFilter(), StatsBy.JOB, among=among)[1]
        assert [(one.name, one.runs) for one in found] == [("Reports/other", 1)]
    assert history.run_figures(RunFilter(), StatsBy.JOB, among=[]) == (True, [])


def test_functions_are_counted_by_themselves(history: Store) -> None:
    found = history.run_figures(RunFilter(), StatsBy.FUNCTION)[1]
    assert [(one.name, one.runs) for one in found] == [("Mail/send", 1), ("Reports/clean", 24)]


def test_a_while_and_a_filter_leave_out_the_others(history: Store) -> None:
    def names(**where: object) -> list[tuple[str, int]]:
        found = history.run_figures(RunFilter(**where), StatsBy.JOB)[1]  # type: ignore[arg-type]  # names of fields
        return [(one.name, one.runs) for one in found]

    late = AT + timedelta(days=3)
    assert names(since=late) == [("Mail/send", 1), ("Reports/other", 1)]
    assert names(since=AT + timedelta(seconds=30), until=late) == [("Reports/mine", 3)]
    assert names(group="Mail") == [("Mail/send", 1)]
    assert names(group="Reports", since=late) == [("Reports/other", 1)]
    assert names(function="Mail/send") == [("Mail/send", 1)]
    assert names(job_id=2) == [("Reports/other", 1)]
    assert names(since=late + timedelta(days=30)) == []


def test_a_store_without_runs_has_none(store: Store) -> None:
    assert store.run_figures(RunFilter(since=AT), StatsBy.JOB) == (True, [])


def test_of_too_many_the_newest_are_counted(
    history: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedtui.store.sql.stats.MAX_SEEN", 3)
    monkeypatch.setattr("schedtui.store.memory_stats.MAX_SEEN", 3)

    whole, found = history.run_figures(RunFilter(), StatsBy.JOB)

    assert not whole
    assert [one.name for one in found] == ["Mail/send", "Reports/mine", "Reports/other"]
    assert models.MAX_SEEN == 100_000
