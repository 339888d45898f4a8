from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from store_rows import AT, SECOND, T0, add, boot, job, new_run

from schedtui.clock import from_us
from schedtui.errors import ConflictError, StoreDataError, StoreLockedError, StoreUnavailableError
from schedtui.models import After, CatchUp, Overlap, Policies
from schedtui.protocols import EnginePause, Failing, Store, Token
from schedtui.store.rows import pause_of


def test_a_new_store_is_empty_and_knows_it(closed_store: Store) -> None:
    opened = closed_store.open(boot())

    assert (opened.last_run_id, opened.clock_epoch) == (0, 0)
    assert opened.last_seen_us is None
    assert opened.clean
    assert list(closed_store.jobs()) == []
    assert closed_store.open_runs() == []
    assert closed_store.recent_runs(10) == {}
    assert closed_store.tokens() == []


def test_a_job_comes_back_as_it_was(store: Store) -> None:
    full = job(
        kwargs={"recipient": "Jürgen", "limits": [1, 2.5, None, {"deep": True}]},
        trigger={"kind": "any", "of": [{"kind": "cron", "expression": "0 9 * * *"}]},
        policies=Policies(overlap=Overlap.SKIP, grace_s=2.5, catch_up=CatchUp.LATEST),
        after=(After(job="g/a"), After(job="über/b", on="end")),
        tags=("nightly", "Über"),
        description='a "quoted" description\nof two lines',
        static=True,
        declared={"cron": "0 9 * * *"},
        overridden=True,
        orphaned=True,
        paused=True,
        pause_reason="release",
        paused_by="ada",
        version=7,
        last_due=from_us(T0 - SECOND),
    )
    with store.transaction() as tx:
        kept = tx.insert_job(full)

    assert kept == replace(full, id=kept.id)
    assert store.job(kept.id) == kept
    assert list(store.jobs()) == [kept]


def test_a_job_with_nothing_due_comes_back(store: Store) -> None:
    (job_id,) = add(store, "once", next_due=None)

    found = store.job(job_id)
    assert found is not None
    assert (found.next_due, found.last_due, found.declared) == (None, None, None)


def test_jobs_come_in_the_order_of_their_ids_over_pages(store: Store) -> None:
    ids = add(store, *(f"job-{i}" for i in range(1001)))

    assert [found.id for found in store.jobs()] == ids == sorted(ids)


def test_unknown_jobs_are_none(store: Store) -> None:
    add(store, "clean")

    assert store.job(999) is None


def test_a_name_is_taken_only_within_its_group(store: Store) -> None:
    add(store, "clean")
    add(store, "clean", group="Other")

    with pytest.raises(ConflictError, match="Reports/clean"), store.transaction() as tx:
        tx.insert_job(job("clean"))
    assert len(list(store.jobs())) == 2


def test_the_transaction_goes_on_after_a_conflict(store: Store) -> None:
    add(store, "clean")

    with store.transaction() as tx:
        with pytest.raises(ConflictError):
            tx.insert_job(job("clean"))
        tx.insert_job(job("other"))
    assert [found.name for found in store.jobs()] == ["clean", "other"]


def test_an_edit_holds_only_for_the_version_it_saw(store: Store) -> None:
    (job_id,) = add(store, "clean")
    edited = job("tidy", id=job_id, version=2, kwargs={"a": 1}, next_due=from_us(T0 + 9 * SECOND))

    with store.transaction() as tx:
        assert tx.update_job(edited, version=1)
        assert not tx.update_job(replace(edited, version=3), version=1)
        assert not tx.update_job(replace(edited, id=999), version=1)
    assert store.job(job_id) == edited
    assert list(store.jobs()) == [edited]


def test_a_rename_to_a_taken_name_is_a_conflict(store: Store) -> None:
    first, second = add(store, "clean", "tidy")

    with pytest.raises(ConflictError, match="Reports/clean"), store.transaction() as tx:
        tx.update_job(job("clean", id=second, version=2), version=1)
    assert [(j.id, j.name, j.version) for j in store.jobs()] == [
        (first, "clean", 1),
        (second, "tidy", 1),
    ]


def test_a_refused_rename_leaves_nothing_in_a_transaction_that_goes_on(store: Store) -> None:
    _, second = add(store, "clean", "tidy")
    before = store.job(second)

    with store.transaction() as tx:
        with pytest.raises(ConflictError):
            tx.update_job(job("clean", id=second, version=2, next_due=None), version=1)
        tx.set_clock_epoch(1)
    assert store.job(second) == before


def test_a_deleted_job_is_gone_and_its_history_stays(store: Store) -> None:
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.insert_runs([new_run(1, job_id)])
        assert not tx.delete_job(job_id, version=2, now_us=T0)
        assert tx.delete_job(job_id, version=1, now_us=T0)
        assert not tx.delete_job(job_id, version=1, now_us=T0)
        assert not tx.update_job(job("clean", id=job_id, version=2), version=1)

    assert store.job(job_id) is None
    assert list(store.jobs()) == []
    run = store.run(1)
    assert run is not None
    assert run.job == "Reports/clean"


def test_a_name_is_free_after_deletion_and_the_id_is_not(store: Store) -> None:
    (old,) = add(store, "clean")
    with store.transaction() as tx:
        tx.insert_runs([new_run(1, old)])
        tx.delete_job(old, version=1, now_us=T0)
    (new,) = add(store, "clean")

    assert new > old
    assert [found.id for found in store.jobs()] == [new]
    assert store.recent_runs(10) == {}


def test_of_the_deleted_jobs_of_a_name_the_last_one_is_found(store: Store) -> None:
    assert store.deleted_job("Reports", "clean") is None
    first, second = add(store, "first", "clean")
    assert store.deleted_job("Reports", "clean") is None
    with store.transaction() as tx:
        tx.delete_job(second, version=1, now_us=T0)
    tombstone = store.deleted_job("Reports", "clean")
    assert tombstone is not None
    old = job("clean")
    assert tombstone == (second, old.function, old.kwargs)
    with store.transaction() as tx:
        tx.update_job(job("clean", id=first, version=2), version=1)
        tx.delete_job(first, version=2, now_us=T0 + 1)
    add(store, "clean")

    tombstone = store.deleted_job("Reports", "clean")
    assert tombstone is not None
    assert tombstone.id == first
    assert store.deleted_job("Reports", "first") is None
    assert store.deleted_job("Other", "clean") is None


def test_the_id_of_a_deleted_newest_job_is_not_used_again_after_reopening(store: Store) -> None:
    (old,) = add(store, "clean")
    with store.transaction() as tx:
        tx.delete_job(old, version=1, now_us=T0)
    store.close()
    store.open(boot("boot-2"))

    assert add(store, "clean")[0] > old


@pytest.mark.parametrize(
    "changes",
    [{"kwargs": {"a": object()}}, {"kwargs": {"a": float("nan")}}, {"trigger": {"at": AT}}],
)
def test_what_has_no_json_form_is_refused(store: Store, changes: dict[str, Any]) -> None:
    with pytest.raises(StoreDataError, match="Reports/clean"):
        add(store, "clean", **changes)
    assert list(store.jobs()) == []


def test_broken_characters_in_a_description_do_no_harm(store: Store) -> None:
    (job_id,) = add(store, "clean", description="a\udc80b")

    found = store.job(job_id)
    assert found is not None
    assert found.description == "a\\udc80b"


def test_failures_in_a_row_are_counted_on_what_the_store_has(store: Store) -> None:
    first, second = add(store, "clean", "other")

    def count(*changes: Failing) -> list[int]:
        with store.transaction() as tx:
            tx.count_failures(changes)
        return [one.failures for one in store.jobs()]

    assert count() == [0, 0]
    assert count(Failing(first, 2, False), Failing(second, 1, True)) == [2, 1]
    assert count(Failing(first, 1, False), Failing(99, 1, False)) == [3, 1]
    assert count(Failing(second, 0, True), Failing(first, 1, True)) == [1, 0]


def test_an_exception_undoes_the_whole_transaction(store: Store) -> None:
    (job_id,) = add(store, "clean")
    before = list(store.jobs())
    with store.transaction() as tx:
        tx.insert_token(token("kept"))

    def change() -> None:
        with store.transaction() as tx:
            tx.insert_job(job("second"))
            tx.insert_runs([new_run(1, job_id)])
            tx.start([])
            tx.cancel_queued(job_id, "why", T0)
            tx.update_job(job("renamed", id=job_id, version=2), version=1)
            tx.delete_job(job_id, version=2, now_us=T0)
            tx.audit(T0, "ada", "job.delete", "Reports/clean", "{}")
            tx.set_clock_epoch(5)
            tx.beat("boot-1", T0 + SECOND, stopped=True)
            tx.insert_token(token())
            tx.delete_token("kept")
            raise KeyError("of the caller")

    with pytest.raises(KeyError):
        change()
    assert list(store.jobs()) == before
    assert store.run(1) is None
    assert store.audit_trail(limit=10, before=None) == []
    assert [one.name for one in store.tokens()] == ["kept"]
    store.close()
    opened = store.open(boot("boot-2"))
    assert (opened.clock_epoch, opened.last_run_id, opened.clean) == (0, 0, False)


def test_a_crash_is_seen_by_the_next_engine_and_a_stop_is_too(store: Store) -> None:
    with store.transaction() as tx:
        tx.beat("boot-1", T0 + 5 * SECOND)
        tx.beat("of-another", T0 + 50 * SECOND, stopped=True)
        tx.set_clock_epoch(1)
        tx.set_clock_epoch(2)
    store.close()

    crashed = store.open(boot("boot-2"))
    assert (crashed.last_seen_us, crashed.clean, crashed.clock_epoch) == (T0 + 5 * SECOND, False, 2)
    with store.transaction() as tx:
        tx.beat("boot-2", T0 + 7 * SECOND, stopped=True)
    store.close()

    stopped = store.open(boot("boot-3"))
    assert (stopped.last_seen_us, stopped.clean) == (T0 + 7 * SECOND, True)


def test_a_claim_and_a_start_are_signs_of_life(store: Store) -> None:
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.beat("boot-1", T0 + 5 * SECOND)
        tx.set_clock_epoch(1)
        claimed = new_run(1, job_id, claimed_at_us=T0 + 8 * SECOND, clock_epoch=1)
        tx.insert_runs([claimed, new_run(2, job_id, claimed_at_us=T0 + 90 * SECOND)])
    store.close()

    assert store.open(boot("boot-2")).last_seen_us == T0 + 8 * SECOND


def test_the_highest_run_id_is_remembered(store: Store) -> None:
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.insert_runs([new_run(41, job_id), new_run(7, job_id)])
    store.close()

    assert store.open(boot("boot-2")).last_run_id == 41


def test_a_tool_opens_it_without_leaving_a_trace(store: Store) -> None:
    store.close()
    store.open(None)
    add(store, "clean")
    store.close()

    assert store.open(boot("boot-2")).last_seen_us == T0


def test_one_store_is_opened_once(store: Store) -> None:
    with pytest.raises(StoreLockedError):
        store.open(boot("boot-2"))
    assert list(store.jobs()) == []


def test_a_closed_store_says_so(store: Store) -> None:
    add(store, "clean")
    store.close()
    store.close()

    with pytest.raises(StoreUnavailableError):
        list(store.jobs())
    with pytest.raises(StoreUnavailableError), store.transaction():
        pass
    store.drop_connection()


def test_a_dropped_connection_is_replaced(store: Store) -> None:
    add(store, "clean")
    store.drop_connection()
    store.drop_connection()
    add(store, "tidy")

    assert len(list(store.jobs())) == 2


def token(name: str = "ci") -> Token:
    return Token(
        id=0, name=name, role="operator", sha256="ab" * 32, created_at_us=T0, expires_at_us=None
    )


def test_tokens_are_kept_by_unique_names(store: Store) -> None:
    expiring = replace(token("ops"), expires_at_us=T0 + SECOND)
    with store.transaction() as tx:
        first = tx.insert_token(token("ci"))
        second = tx.insert_token(expiring)
    with pytest.raises(ConflictError, match="ci"), store.transaction() as tx:
        tx.insert_token(token("ci"))

    assert store.tokens() == [replace(token("ci"), id=first.id), replace(expiring, id=second.id)]
    assert first.id != second.id

    with store.transaction() as tx:
        assert tx.delete_token("ci")
        assert not tx.delete_token("ci")
        third = tx.insert_token(token("ci"))
    assert [one.id for one in store.tokens()] == [second.id, third.id]
    assert third.id > second.id


def test_a_pause_of_the_engine_is_there_at_the_next_open(store: Store) -> None:
    pause = EnginePause(by="ada", reason="move 日本 \udc80", since_us=T0)
    with store.transaction() as tx:
        tx.pause_engine(EnginePause(by="bob", reason="", since_us=1))
        tx.pause_engine(pause)

    def resume() -> None:
        with store.transaction() as tx:
            tx.pause_engine(None)
            raise KeyError("of the caller")

    with pytest.raises(KeyError):
        resume()
    store.close()

    assert store.open(boot("boot-2")).pause == pause
    with store.transaction() as tx:
        tx.pause_engine(None)
    store.close()
    assert store.open(boot("boot-3")).pause is None


@pytest.mark.parametrize("kept", ["", "[]", "{", '{"by": 1, "since_us": "x"}'])
def test_a_damaged_pause_is_still_a_pause(kept: str) -> None:
    assert pause_of(kept) == EnginePause(by="", reason="", since_us=0)
