"""What every store can tell of the past of one job: its due times, its changes, its engines."""

from __future__ import annotations

import pytest
from store_rows import SECOND, T0, add, boot, claim, due_run, job, new_run

from schedtui.models import RunState, Source
from schedtui.protocols import ENGINE, Boot, PastBoot, Store


def due(store: Store, job_id: int, first: int, last: int, limit: int = 100) -> list[int]:
    """The ids of the rows of the due times between two moments, in seconds after `T0`."""
    found = store.due_runs(job_id, T0 + first * SECOND, T0 + last * SECOND, limit=limit)
    return [run.id for run in found]


@pytest.fixture
def history(store: Store) -> tuple[Store, int]:
    """Three due times, a stretch of ninety before them, one that came again, and other rows."""
    mine, other = add(store, "mine", "other")
    rows = [due_run(number, mine, T0 + (number + 98) * SECOND) for number in (2, 3, 4)]
    stretch = due_run(
        1,
        mine,
        T0 + 99 * SECOND,
        state=RunState.MISSED,
        range_from_us=T0 + 10 * SECOND,
        range_count=90,
    )
    with store.transaction() as tx:
        tx.insert_runs([stretch, *rows, due_run(5, other, T0 + 100 * SECOND)])
        tx.insert_runs([due_run(6, mine, T0 + 101 * SECOND, clock_epoch=7), new_run(7, mine)])
        tx.insert_runs([due_run(8, mine, T0 + 500 * SECOND, source=Source.CATCHUP)])
    return store, mine


def test_rows_are_found_by_their_due_time(history: tuple[Store, int]) -> None:
    store, mine = history

    assert due(store, mine, 100, 100) == [2]
    assert due(store, mine, 100, 102) == [2, 3, 6, 4]
    assert due(store, mine, 100, 102, limit=2) == [2, 3]
    assert due(store, mine, 103, 499) == []
    assert due(store, mine, 500, 900) == [8]
    assert due(store, mine + 5, 0, 900) == []
    (run,) = store.due_runs(mine, T0 + 100 * SECOND, T0 + 100 * SECOND, limit=1)
    assert (run.job, run.state) == ("Reports/mine", RunState.RUNNING)


def test_a_stretch_is_found_by_every_moment_in_it(history: tuple[Store, int]) -> None:
    store, mine = history

    for moment in (10, 11, 50, 99):
        assert due(store, mine, moment, moment) == [1]
    assert due(store, mine, 0, 9) == []
    assert due(store, mine, 0, 10) == [1]
    assert due(store, mine, 50, 100) == [1, 2]


def test_far_bounds_do_no_harm(history: tuple[Store, int]) -> None:
    store, mine = history
    far = 10**30

    assert [run.id for run in store.due_runs(mine, -far, far, limit=far)] == [1, 2, 3, 6, 4, 8]
    assert store.due_runs(far, -far, far, limit=-1) == []
    assert store.changes_of(far, limit=far, before=far) == []
    assert store.boots_around(far)[1] is None
    assert store.boots_around(-far)[0] is None


def test_jobs_of_a_name_are_known_after_their_end(store: Store) -> None:
    (first,) = add(store, "clean")
    with store.transaction() as tx:
        assert tx.delete_job(first, version=1, now_us=T0)
    (second, other) = add(store, "clean", "other")

    assert store.job_ids("Reports", "clean") == [second, first]
    assert store.job_ids("Reports", "other") == [other]
    assert store.job_ids("Reports", "none") == store.job_ids("None", "clean") == []


def test_a_job_is_known_by_its_last_name(store: Store) -> None:
    (renamed,) = add(store, "clean")
    with store.transaction() as tx:
        assert tx.update_job(job("tidy", id=renamed, version=2), version=1)

    assert store.job_ids("Reports", "tidy") == [renamed]
    assert store.job_ids("Reports", "clean") == []


def test_the_changes_of_a_job_are_told_apart(store: Store) -> None:
    with store.transaction() as tx:
        for number, subject in enumerate((1, 2, None, 1)):
            tx.audit(T0 + number, "ada", "job.edit", "g/a", f'{{"n": {number}}}', subject=subject)
        tx.audit(T0 + 9, "engine", "engine.clock", "boot", "{}")
        tx.audit(T0 + 9, "engine", "engine.start", "boot", "{}")

    newest, oldest = store.changes_of(1, limit=10, before=None)
    assert (newest.detail, oldest.detail) == ({"n": 3}, {"n": 0})
    assert store.changes_of(1, limit=10, before=newest.id) == [oldest]
    assert store.changes_of(1, limit=1, before=None) == [newest]
    assert [line.action for line in store.changes_of(ENGINE, limit=10, before=None)] == [
        "engine.clock"
    ]
    assert len(store.audit_trail(limit=10, before=None)) == 6


def test_what_was_undone_changed_nothing(store: Store) -> None:
    def undone() -> None:
        with store.transaction() as tx:
            tx.audit(T0, "ada", "job.edit", "g/a", "{}", subject=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()

    assert store.changes_of(1, limit=10, before=None) == []


def test_the_engines_around_a_moment(closed_store: Store) -> None:
    for name, started, seen, stopped in (("a", 10, 20, False), ("b", 30, 40, True)):
        at_us = T0 + started * SECOND
        closed_store.open(Boot(boot=name, pid=1, started_at_us=at_us, address=""))
        with closed_store.transaction() as tx:
            tx.beat(name, T0 + seen * SECOND, stopped=stopped)
        closed_store.close()
    closed_store.open(boot("c"))
    first = PastBoot(T0 + 10 * SECOND, T0 + 20 * SECOND, clean=False)
    second = PastBoot(T0 + 30 * SECOND, T0 + 40 * SECOND, clean=True)
    third = PastBoot(T0, T0, clean=False)  # whose clock was set back before it started

    assert closed_store.boots_around(T0 - 1) == (None, third)
    assert closed_store.boots_around(T0 + 5 * SECOND) == (third, first)
    assert closed_store.boots_around(T0 + 25 * SECOND) == (first, second)
    assert closed_store.boots_around(T0 + 30 * SECOND) == (second, None)
    assert closed_store.boots(10) == [third, second, first]
    assert closed_store.boots(2) == [third, second]


def test_a_claim_is_found(store: Store) -> None:
    (mine,) = add(store, "mine")
    with store.transaction() as tx:
        tx.claim([claim(mine, due_run(1, mine))])

    assert due(store, mine, 0, 0) == [1]
