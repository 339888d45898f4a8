"""Keys of calls, and successes by their period: what both stores promise."""

from __future__ import annotations

import pytest
from store_rows import SECOND, T0, add, boot, due_run, ids

from schedtui.protocols import KEPT_SUCCESSES, CallKey, Store, Success
from schedtui.store import open_store

DAY = 86_400 * SECOND


def key(run_id: int, at_us: int = T0, *, scope: str = "job 1", name: str = "order-17") -> CallKey:
    return CallKey(scope, name, f"arguments of {run_id}", run_id, at_us)


def test_a_key_is_kept_once_in_its_scope(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.keep_key(key(1), since_us=T0 - DAY) is None
        assert tx.keep_key(key(2, T0 + 1), since_us=T0 - DAY) == key(1)
        assert tx.keep_key(key(3, scope="job 2"), since_us=T0 - DAY) is None
    with store.transaction() as tx:
        assert tx.keep_key(key(4), since_us=T0 - DAY) == key(1)
    assert store.call_key("job 1", "order-17", since_us=T0) == key(1)
    assert store.call_key("job 2", "order-17", since_us=T0) == key(3, scope="job 2")
    assert store.call_key("job 1", "order-18", since_us=T0) is None
    assert store.call_key("job 1", "order-17", since_us=T0 + 1) is None


def test_an_old_key_may_be_had_again_and_others_of_its_age_are_dropped(store: Store) -> None:
    with store.transaction() as tx:
        tx.keep_key(key(1), since_us=0)
        tx.keep_key(key(2, name="other"), since_us=0)
        tx.keep_key(key(3, T0 + 5, name="young"), since_us=0)
    with store.transaction() as tx:
        assert tx.keep_key(key(4, T0 + DAY + 1), since_us=T0 + 1) is None
    assert store.call_key("job 1", "order-17", since_us=0) == key(4, T0 + DAY + 1)
    assert store.call_key("job 1", "other", since_us=0) is None
    assert store.call_key("job 1", "young", since_us=0) == key(3, T0 + 5, name="young")


def test_a_key_goes_with_its_transaction(store: Store) -> None:
    (job_id,) = add(store, "clean")

    def broken() -> None:
        with store.transaction() as tx:
            tx.keep_key(key(1), since_us=0)
            tx.insert_runs([due_run(1, job_id)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert store.call_key("job 1", "order-17", since_us=0) is None
    assert ids(store) == []


def test_the_newest_successes_of_a_job_are_kept_until_it_is_deleted(store: Store) -> None:
    first, second = add(store, "clean", "other")
    with store.transaction() as tx:
        tx.keep_successes(
            [Success(first, 7, T0), Success(second, 8, T0), Success(first, 5, T0 + 9)]
        )
        tx.keep_successes([Success(first, 7, T0 + 1)])
    both = {
        first: [Success(first, 5, T0 + 9), Success(first, 7, T0 + 1)],
        second: [Success(second, 8, T0)],
    }
    assert store.successes() == both
    with store.transaction() as tx:  # a backfill: the higher the id, the older the moment
        made = [Success(first, 100 + n, T0 - n) for n in range(KEPT_SUCCESSES)]
        tx.keep_successes(made)
    kept = [success.run_id for success in store.successes()[first]]
    assert kept == [5, 7, *range(100, 98 + KEPT_SUCCESSES)]
    with store.transaction() as tx:
        tx.delete_job(first, version=1, now_us=T0)
    assert list(store.successes()) == [second]


def test_both_outlive_the_connection(closed_store: Store) -> None:
    store = closed_store
    store.open(boot())
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.keep_key(key(1), since_us=0)
        tx.keep_successes([Success(job_id, 1, T0)])
    store.close()
    again = store if store.url == "memory://" else open_store(store.url)
    again.open(boot("boot-2"))
    try:
        assert again.call_key("job 1", "order-17", since_us=0) == key(1)
        assert again.successes() == {job_id: [Success(job_id, 1, T0)]}
    finally:
        again.close()
