"""What every store promises: claims."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store_rows import AT, SECOND, T0, add, claim, due_run, ids, job, new_run

from schedtui.clock import from_us
from schedtui.errors import StoreDataError
from schedtui.models import RunState, Source
from schedtui.protocols import Claim, Store


def next_due_us(store: Store, job_id: int) -> int:
    found = store.job(job_id)
    assert found is not None
    assert found.next_due is not None
    return (found.next_due - AT) // timedelta(microseconds=1) + T0


def test_a_claim_moves_the_job_and_leaves_the_run(store: Store) -> None:
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        assert tx.claim([claim(job_id, due_run(1, job_id))]) == set()

    moved = store.job(job_id)
    assert moved is not None
    assert (moved.next_due, moved.last_due) == (from_us(T0 + SECOND), from_us(T0))
    assert moved.version == 1
    run = store.run(1)
    assert run is not None
    assert (run.state, run.source, run.scheduled_for) == (RunState.RUNNING, Source.SCHEDULE, AT)
    assert (run.job, run.job_id, run.attempt) == ("Reports/clean", job_id, 1)
    assert (run.claimed_at, run.started_at) == (from_us(T0 + 1), from_us(T0 + 1))
    assert run.finished_at is None


def test_the_last_due_time_of_a_job_is_claimed_too(store: Store) -> None:
    (job_id,) = add(store, "once")
    with store.transaction() as tx:
        assert tx.claim([Claim(None, T0, job_id, 1, T0, (due_run(1, job_id),), 1)]) == set()
        assert tx.claim([Claim(None, T0, job_id, 1, T0, (due_run(2, job_id),), 1)]) == {job_id}

    done = store.job(job_id)
    assert done is not None
    assert (done.next_due, done.last_due) == (None, from_us(T0))
    assert ids(store) == [1]


def test_a_claim_may_leave_many_rows_or_none(store: Store) -> None:
    many, none = add(store, "many", "none")
    rows = [
        due_run(i, many, T0 + i, state=RunState.MISSED, started_at_us=None) for i in range(1, 4)
    ]
    with store.transaction() as tx:
        assert tx.claim([claim(many, *rows), claim(none)]) == set()

    assert ids(store) == [3, 2, 1]
    assert next_due_us(store, none) == T0 + SECOND


@pytest.mark.parametrize("change", ["version", "due", "deleted", "paused_without_due"])
def test_a_lost_claim_writes_nothing_and_the_others_are_won(store: Store, change: str) -> None:
    first, lost, last = add(store, "first", "lost", "last")
    with store.transaction() as tx:
        if change == "version":
            tx.update_job(job("lost", id=lost, version=2), version=1)
        elif change == "due":
            tx.update_job(job("lost", id=lost, next_due=from_us(T0 + 5)), version=1)
        elif change == "deleted":
            tx.delete_job(lost, version=1, now_us=T0)
        else:
            tx.update_job(job("lost", id=lost, next_due=None), version=1)
    with store.transaction() as tx:
        claims = [claim(job_id, due_run(job_id * 10, job_id)) for job_id in (first, lost, last)]
        assert tx.claim(claims) == {lost}

    assert ids(store) == [last * 10, first * 10]
    assert next_due_us(store, first) == next_due_us(store, last) == T0 + SECOND


def test_a_due_time_is_claimed_once(store: Store) -> None:
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.claim([claim(job_id, due_run(1, job_id))])
    with store.transaction() as tx:
        assert tx.claim([claim(job_id, due_run(2, job_id))]) == {job_id}

    assert ids(store) == [1]


def test_two_due_times_of_a_job_go_in_one_batch(store: Store) -> None:
    (job_id,) = add(store, "clean")
    later = T0 + SECOND
    with store.transaction() as tx:
        claims = [
            claim(job_id, due_run(1, job_id)),
            claim(job_id, due_run(2, job_id, later), due_us=later),
        ]
        assert tx.claim(claims) == set()

    assert next_due_us(store, job_id) == T0 + 2 * SECOND


def test_the_backstop_refuses_a_second_row_for_a_due_time(store: Store) -> None:
    first, second = add(store, "first", "second")
    with store.transaction() as tx:
        tx.insert_runs([due_run(1, second)])

    with pytest.raises(StoreDataError), store.transaction() as tx:
        tx.claim([claim(first, due_run(10, first)), claim(second, due_run(20, second))])
    assert ids(store) == [1]
    assert next_due_us(store, first) == next_due_us(store, second) == T0


def test_what_was_refused_leaves_nothing_in_a_transaction_that_goes_on(store: Store) -> None:
    first, second = add(store, "first", "second")
    with store.transaction() as tx:
        tx.insert_runs([due_run(1, second)])
    with store.transaction() as tx:
        with pytest.raises(StoreDataError):
            tx.claim([claim(first, due_run(10, first)), claim(second, due_run(20, second))])
        with pytest.raises(StoreDataError):
            tx.insert_runs([new_run(30, first), new_run(1, first)])
        assert tx.claim([claim(first, due_run(40, first))]) == set()

    assert ids(store) == [40, 1]
    assert next_due_us(store, second) == T0


def test_the_backstop_is_for_planned_runs_of_one_clock_epoch(store: Store) -> None:
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.insert_runs([due_run(1, job_id), due_run(2, job_id, clock_epoch=1)])
        tx.insert_runs([new_run(3, job_id), new_run(4, job_id)])
    with pytest.raises(StoreDataError), store.transaction() as tx:
        tx.insert_runs([due_run(5, job_id, source=Source.CATCHUP)])

    assert ids(store) == [4, 3, 2, 1]
