"""Forgetting old runs, and holding messages: what both stores promise."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random

from store_rows import SECOND, T0, add, boot, due_run, finish, ids, line, new_run

from schedtui.models import RunState, Source
from schedtui.protocols import CallKey, Keep, NewRun, Notice, Store
from schedtui.store import chunks, open_store

NEVER = -(10**15)
ALL = Keep(runs=10_000, ended_before_us=NEVER, failed_before_us=NEVER, logs_before_us=NEVER)
OLD = T0 + 10_000 * SECOND
OK, FAILED = RunState.SUCCEEDED, RunState.FAILED


def ended(run_id: int, job_id: int, state: RunState = OK, **changes: object) -> NewRun:
    """A run that ended as many seconds after `T0` as its id says."""
    at_us = T0 + run_id * SECOND
    values = {"state": state, "claimed_at_us": at_us, "finished_at_us": at_us, **changes}
    return new_run(run_id, job_id, **values)


def insert(store: Store, *runs: NewRun) -> None:
    with store.transaction() as tx:
        tx.insert_runs(runs)


def swept(store: Store, job_id: int, keep: Keep) -> list[int]:
    """Remove all that is due to go. Returns what is left of the job, oldest first."""
    while (found := store.expired(job_id, keep)) is not None:
        assert len(found.runs) <= 100
        with store.transaction() as tx:
            tx.remove(found)
    return ids(store, 1_000, job_id=job_id)[::-1]


def test_the_newest_hundred_stay_however_old_they_are(store: Store) -> None:
    (job_id,) = add(store, "clean")
    insert(store, *(ended(n, job_id) for n in range(1, 251)))

    left = swept(store, job_id, ALL._replace(ended_before_us=OLD))

    assert left == list(range(151, 251))


def test_what_is_younger_than_it_must_be_stays(store: Store) -> None:
    (job_id,) = add(store, "clean")
    insert(store, *(ended(n, job_id) for n in range(1, 251)))

    left = swept(store, job_id, ALL._replace(ended_before_us=T0 + 40 * SECOND))

    assert left == list(range(40, 251))
    assert swept(store, job_id, ALL) == left


def test_failures_stay_longer_and_are_counted_apart(store: Store) -> None:
    (job_id,) = add(store, "clean")
    bad = {5: FAILED, 6: RunState.TIMED_OUT, 7: RunState.LOST, 8: RunState.MISSED}
    insert(store, *(ended(n, job_id, bad.get(n, OK)) for n in range(1, 251)))

    young = ALL._replace(ended_before_us=OLD, failed_before_us=T0 + 6 * SECOND)
    assert swept(store, job_id, young)[:3] == [6, 7, 151]
    assert swept(store, job_id, ALL._replace(failed_before_us=OLD))[:1] == [151]


def test_only_so_many_of_each_kind_stay(store: Store) -> None:
    (job_id, other) = add(store, "clean", "other")
    insert(store, *(ended(n, job_id, FAILED if n % 2 else OK) for n in range(1, 401)))
    insert(store, *(ended(n, other) for n in range(401, 500)))

    left = swept(store, job_id, ALL._replace(runs=120))

    assert left == list(range(161, 401))
    assert len(ids(store, 1_000, job_id=other)) == 99


def test_what_is_needed_stays(store: Store) -> None:
    (job_id,) = add(store, "clean")
    insert(
        store,
        new_run(1, job_id),
        due_run(2, job_id),
        ended(3, job_id),
        ended(4, job_id),
        ended(5, job_id, FAILED),
        ended(6, job_id, source=Source.RERUN, parent_id=5),
        ended(7, job_id, source=Source.CHAIN, parent_id=5),
        *(ended(n, job_id) for n in range(10, 150)),
        new_run(150, job_id, source=Source.RERUN, parent_id=3),
    )
    with store.transaction() as tx:
        tx.keep_key(CallKey("job 1", "order-17", "{}", 4, T0), since_us=0)

    left = swept(store, job_id, ALL._replace(ended_before_us=OLD))

    assert left[:7] == [1, 2, 3, 4, 5, 6, 51]
    assert len(left) == 106


def test_lines_go_before_their_runs_and_with_them(store: Store) -> None:
    (job_id,) = add(store, "clean")
    insert(store, *(due_run(n, job_id, T0 + n) for n in range(1, 121)))
    with store.transaction() as tx:
        for n in (1, 2, 110):
            tx.append_logs([chunks.encode(n, [line(1, f"word{n}")])])
        tx.finish([finish(due_run(n, job_id), finished_at_us=T0 + n) for n in range(1, 121)])

    left = swept(store, job_id, ALL._replace(logs_before_us=T0 + 2))
    assert (len(left), store.log_tail(1, 5)) == (120, [])
    assert [hit.run_id for hit in store.search_logs("word2", limit=5)] == [2]
    assert len(store.attempts(2)) == 1

    left = swept(store, job_id, ALL._replace(ended_before_us=OLD))
    assert left[0] == 21
    assert (store.log_tail(2, 5), store.attempts(2)) == ([], [])
    assert [one.text for one in store.log_tail(110, 5)] == ["word110"]


def test_lines_of_a_run_that_runs_stay(store: Store) -> None:
    (job_id,) = add(store, "clean")
    insert(store, due_run(1, job_id))
    with store.transaction() as tx:
        tx.append_logs([chunks.encode(1, [line(1, "hello")])])
    assert store.expired(job_id, ALL._replace(logs_before_us=OLD)) is None


def test_a_run_that_is_active_again_is_not_removed(store: Store) -> None:
    (job_id,) = add(store, "clean")
    insert(store, *(ended(n, job_id) for n in range(1, 102)), new_run(200, job_id))
    found = store.expired(job_id, ALL._replace(ended_before_us=OLD))
    assert found is not None
    with store.transaction() as tx:
        tx.remove(found._replace(runs=(*found.runs, 200)))
    assert ids(store, 1)[0] == 200


def test_it_is_known_between_which_due_times_rows_are_gone(store: Store) -> None:
    (job_id,) = add(store, "clean")
    stretch = {"range_from_us": T0 - 50, "range_count": 3, "source": Source.SCHEDULE}
    insert(
        store,
        ended(1, job_id, RunState.MISSED, scheduled_for_us=T0 - 10, **stretch),
        ended(2, job_id, source=Source.SCHEDULE, scheduled_for_us=T0 + 7),
        *(ended(n, job_id) for n in range(3, 103)),
    )
    assert store.due_rows(job_id, [T0]).forgotten is None

    swept(store, job_id, ALL._replace(ended_before_us=OLD))

    assert store.due_rows(job_id, [T0]).forgotten == (T0 - 50, T0 + 7)
    assert store.due_rows(job_id + 1, [T0]).forgotten is None


def test_all_jobs_with_runs_are_known_deleted_ones_too(store: Store) -> None:
    first, second, _idle = add(store, "clean", "other", "idle")
    assert store.stored_jobs() == []
    insert(store, ended(1, 0), ended(2, second), ended(3, first), ended(4, second))
    with store.transaction() as tx:
        tx.delete_job(second, version=1, now_us=T0)
    assert store.stored_jobs() == [0, first, second]


def test_ids_are_never_used_again(closed_store: Store) -> None:
    store = closed_store
    store.open(boot())
    insert(store, *(ended(n, 0) for n in range(1, 103)))
    while (found := store.expired(0, ALL._replace(ended_before_us=OLD))) is not None:
        with store.transaction() as tx:
            tx.remove(found)
    store.close()
    assert store.open(boot("boot-2")).last_run_id == 102


def test_a_notice_is_held_until_it_is_delivered(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.post([Notice("ops", T0, '{"n": 1}'), Notice("ops", T0, "{}")], most=2) == 0
        assert tx.post([Notice("ops", T0, "{}"), Notice("chat", T0 + 1, "{}")], most=2) == 1
    first, second = store.outbox("ops", 10)
    assert (first.target, first.body, first.at_us, first.next_us, first.tries) == (
        "ops",
        '{"n": 1}',
        T0,
        T0,
        0,
    )
    assert [one.id for one in store.outbox("ops", 1)] == [first.id]
    (third,) = store.outbox("chat", 10)
    with store.transaction() as tx:
        tx.delivered([first.id])
        tx.postpone([second.id], T0 + 9)
    assert [(one.id, one.tries, one.next_us) for one in store.outbox("ops", 10)] == [
        (second.id, 1, T0 + 9)
    ]
    with store.transaction() as tx:
        tx.delivered([second.id, third.id])
        tx.post([Notice("ops", T0, "{}")], most=2)
    assert store.outbox("ops", 10)[0].id > third.id


def test_notices_that_have_nowhere_to_go_are_removed(store: Store) -> None:
    with store.transaction() as tx:
        tx.post([Notice(name, T0, "{}") for name in ("ops", "chat", "ops", "mail")], most=9)
        assert tx.undeliverable(["chat"]) == 3
    assert (len(store.outbox("chat", 9)), store.outbox("ops", 9)) == (1, [])
    with store.transaction() as tx:
        assert tx.undeliverable([]) == 1


def test_the_file_gives_back_its_room_and_the_words_of_a_month(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/state.db")
    store.open(boot())
    noise = Random(7)
    month_us = 31 * 86_400 * SECOND
    insert(store, *(due_run(n, 1, T0 + n) for n in range(1, 202)))
    with store.transaction() as tx:
        for n in range(1, 202):
            at_us = T0 + month_us * (n > 100)
            text = [line(i, noise.randbytes(2_000).hex(), at_us=at_us) for i in range(1, 12)]
            text.append(line(12, f"number{n}", at_us=at_us))
            tx.append_logs([chunks.encode(n, text)])
        tx.finish([finish(due_run(n, 1), finished_at_us=T0 + n) for n in range(1, 202)])
    swept(store, 1, ALL._replace(ended_before_us=OLD))

    steps = 0
    more = True
    while more:
        with store.transaction() as tx:
            more = tx.shrink(50)
        steps += 1

    with sqlite3.connect(tmp_path / "state.db") as other:
        tables = {name for (name,) in other.execute("SELECT name FROM sqlite_master")}
        (free,) = other.execute("PRAGMA freelist_count").fetchone()
    assert steps > 2
    assert free <= 256
    assert "log_fts_202510" not in tables
    assert "log_fts_202511" in tables
    assert store.search_logs("number150", limit=1)
    store.close()
