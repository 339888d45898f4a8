"""What every store promises whoever runs due times of the past."""

from __future__ import annotations

from typing import Any

import pytest
from store_rows import SECOND, T0, add, due_run, new_run

from schedtui.errors import ConflictError, StoreDataError
from schedtui.models import RunState, Source
from schedtui.protocols import DueRow, NewRun, Store

MISSED, QUEUED = RunState.MISSED, RunState.QUEUED


def backfill(run_id: int, job_id: int, second: int, **changes: Any) -> NewRun:
    due_us = T0 + second * SECOND
    return new_run(run_id, job_id, source=Source.BACKFILL, scheduled_for_us=due_us, **changes)


def states(store: Store, job_id: int, *seconds: int) -> list[tuple[int, int]]:
    """The second of the due time and the id of each run that is found for these."""
    rows = store.due_rows(job_id, [T0 + one * SECOND for one in seconds]).rows
    return sorted(((row.due_us - T0) // SECOND, row.run_id) for row in rows)


@pytest.fixture
def history(store: Store) -> tuple[Store, int]:
    """Single due times, a stretch from 10 to 99, one that came twice, and rows of no due time."""
    mine, other = add(store, "mine", "other")
    stretch = due_run(
        1, mine, T0 + 99 * SECOND, state=MISSED, range_from_us=T0 + 10 * SECOND, range_count=90
    )
    with store.transaction() as tx:
        tx.insert_runs([stretch, due_run(2, mine, T0 + 100 * SECOND), new_run(3, mine)])
        tx.insert_runs([due_run(4, other, T0 + 100 * SECOND), backfill(5, other, 50)])
        tx.insert_runs([due_run(6, mine, T0 + 100 * SECOND, clock_epoch=3)])
        tx.insert_runs([due_run(7, mine, T0 + 300 * SECOND, source=Source.CATCHUP)])
        tx.insert_backfill(
            mine, [backfill(8, mine, 50), backfill(9, mine, 60)], seen_id=7, notes=[]
        )
    return store, mine


def test_due_times_have_all_their_runs(history: tuple[Store, int]) -> None:
    store, mine = history

    assert states(store, mine, 5, 9, 101, 299, 301) == []
    assert states(store, mine, 10, 50, 99) == [(10, 1), (50, 1), (50, 8), (99, 1)]
    assert states(store, mine, 100, 300) == [(100, 2), (100, 6), (300, 7)]
    assert states(store, mine) == []
    found = store.due_rows(mine, [T0 + 60 * SECOND])
    assert sorted(found.rows) == [
        DueRow(T0 + 60 * SECOND, 1, Source.SCHEDULE, MISSED),
        DueRow(T0 + 60 * SECOND, 9, Source.BACKFILL, QUEUED),
    ]
    assert found.newest_id == 9
    assert store.due_rows(mine + 9, [T0]).newest_id == 0


def test_backfills_are_found_by_their_due_time(history: tuple[Store, int]) -> None:
    store, mine = history

    def found(first: int, last: int, limit: int = 9) -> list[int]:
        runs = store.backfills(mine, T0 + first * SECOND, T0 + last * SECOND, limit=limit)
        return [run.id for run in runs]

    assert found(0, 900) == [9, 8]
    assert found(50, 50) == [8]
    assert found(51, 59) == []
    assert found(0, 900, limit=1) == [9]
    assert [run.id for run in store.due_runs(mine, T0, T0 + 99 * SECOND, limit=9)] == [1]


def test_a_backfill_that_was_not_known_refuses_another_one(history: tuple[Store, int]) -> None:
    store, mine = history

    with pytest.raises(ConflictError, match="try again"), store.transaction() as tx:
        tx.insert_backfill(mine, [backfill(10, mine, 70)], seen_id=8, notes=[(1, "x")])
    assert store.run(10) is None
    with store.transaction() as tx:  # a run by hand that was not known does no harm
        tx.insert_runs([new_run(10, mine)])
        tx.insert_backfill(mine, [backfill(11, mine, 70)], seen_id=9, notes=[])
    assert states(store, mine, 70) == [(70, 1), (70, 11)]


def test_rows_that_are_made_good_say_so(history: tuple[Store, int]) -> None:
    store, mine = history

    for number, seen in ((20, 9), (21, 20)):
        with store.transaction() as tx:
            run = backfill(number, mine, 70)
            tx.insert_backfill(mine, [run], seen_id=seen, notes=[(1, f"run {number}\udc80")])
    found = store.run(1)
    assert found is not None
    assert (found.state, found.reason) == (MISSED, "run 20\\udc80; run 21\\udc80")


def test_all_of_it_is_written_or_nothing(history: tuple[Store, int]) -> None:
    store, mine = history

    rows = [backfill(30, mine, 71), backfill(9, mine, 72)]

    with pytest.raises(StoreDataError), store.transaction() as tx:
        tx.insert_backfill(mine, rows, seen_id=9, notes=[(1, "no")])
    assert store.run(30) is None
    first = store.run(1)
    assert first is not None
    assert first.reason == ""


def test_some_of_the_queued_runs_are_cancelled(history: tuple[Store, int]) -> None:
    store, mine = history

    with store.transaction() as tx:
        among = [9, 8, *range(1_000, 3_000), 5]
        assert tx.cancel_queued(mine, "why", T0, among=among) == [8, 9]
        assert tx.cancel_queued(mine, "why", T0, among=among) == []
        assert tx.cancel_queued(mine, "why", T0, among=[]) == []
    by_hand, of_other = store.run(3), store.run(5)
    assert by_hand is not None
    assert of_other is not None
    assert (by_hand.state, of_other.state) == (QUEUED, QUEUED)
