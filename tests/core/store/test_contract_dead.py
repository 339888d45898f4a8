"""What every store promises of runs that failed."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from store_rows import add, due_run, finish, ids, new_run

from schedtui.models import RunFilter, RunState, Source
from schedtui.protocols import KEPT_ANYWAY, Keep, Removal, Store

FAILED, LOST, TIMED_OUT = RunState.FAILED, RunState.LOST, RunState.TIMED_OUT


@pytest.fixture
def history(store: Store) -> tuple[Store, int]:
    """Three that failed, among others; the first one with its error."""
    mine, other = add(store, "mine", "other")
    first = due_run(1, mine)
    with store.transaction() as tx:
        tx.insert_runs([first, new_run(2, mine), new_run(3, mine, state=RunState.SUCCEEDED)])
        tx.finish([finish(first, state=FAILED, error_type="ValueError", error="bad")])
        tx.insert_runs([new_run(4, other, state=LOST, function="Reports/other")])
        tx.insert_runs([new_run(5, mine, state=TIMED_OUT), new_run(6, mine, state=RunState.MISSED)])
    return store, mine


def letters(
    store: Store,
    limit: int = 10,
    *,
    after: int = 0,
    among: Collection[int] | None = None,
    **where: object,
) -> tuple[int, list[int]]:
    fits = RunFilter(**where)  # type: ignore[arg-type]  # names of fields
    found, runs = store.dead_letters(fits, limit=limit, after=after, among=among)
    return found, [run.id for run in runs]


def test_what_failed_is_counted_and_found_oldest_first(history: tuple[Store, int]) -> None:
    store, mine = history

    assert letters(store) == (3, [1, 4, 5])
    assert letters(store, 2) == (3, [1, 4])
    assert letters(store, 1, after=1) == (2, [4])
    assert letters(store, after=4, job_id=mine) == (1, [5])
    assert letters(store, after=10**30) == (0, [])
    assert letters(store, 1, among=[mine]) == (2, [1])
    assert letters(store, among=[10**6, *range(10**4, 10**4 + 100)]) == (0, [])
    assert letters(store, among=[]) == (0, [])
    assert letters(store, job_id=mine) == (2, [1, 5])
    assert letters(store, function="Reports/other") == (1, [4])
    assert letters(store, error_type="ValueError") == (1, [1])
    assert letters(store, error_type="KeyError", group="Reports") == (0, [])
    assert letters(store, state=LOST, source=Source.MANUAL) == (1, [4])
    assert ids(store, dead=True) == [5, 4, 1]
    assert ids(store, dead=True, limit=1, before=5) == [4]
    assert ids(store, error_type="ValueError") == [1]
    assert ids(store, function="Reports/other") == [4]


def test_what_ran_without_a_job_is_of_the_group_of_its_function(store: Store) -> None:
    add(store, "mine")
    with store.transaction() as tx:
        tx.insert_runs([new_run(1, 0, state=FAILED), new_run(2, 0, state=FAILED, function="R/f")])

    assert letters(store, group="Reports") == (1, [1])
    assert ids(store, dead=True, group="R") == [2]
    assert ids(store, dead=True, group="%") == []


def test_what_was_handled_is_none_any_more_and_says_why(history: tuple[Store, int]) -> None:
    store, _ = history

    with store.transaction() as tx:
        assert tx.handle([(1, "dismissed by ann: \ud800"), (2, "x"), (3, "x"), (99, "x")]) == {
            2,
            3,
            99,
        }
        assert tx.handle([(1, "again")]) == {1}

    assert letters(store) == (2, [4, 5])
    handled = store.run(1)
    assert handled is not None
    assert (handled.handled, handled.is_dead) == ("dismissed by ann: \\ud800", False)
    other = store.run(4)
    assert other is not None
    assert (other.handled, other.is_dead) == ("", True)


def test_what_is_rolled_back_was_not_handled(history: tuple[Store, int]) -> None:
    store, _ = history

    def fails() -> None:
        with store.transaction() as tx:
            tx.handle([(1, "x")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()

    assert letters(store)[0] == 3


def test_what_is_forgotten_is_no_dead_letter(store: Store) -> None:
    (mine,) = add(store, "mine")
    with store.transaction() as tx:
        tx.insert_runs(
            [new_run(i, mine, state=FAILED, finished_at_us=i) for i in range(1, KEPT_ANYWAY + 3)]
        )
        tx.handle([(1, "x")])
    keep = Keep(runs=500, ended_before_us=0, failed_before_us=1_000, logs_before_us=0)

    gone = store.expired(mine, keep)
    assert gone == Removal(mine, runs=(1, 2))
    with store.transaction() as tx:
        tx.remove(gone)

    assert letters(store, 1) == (KEPT_ANYWAY, [3])
