"""What every store promises: runs, their ends, and how they are found."""

from __future__ import annotations

from store_rows import SECOND, T0, add, boot, due_run, finish, ids, job, new_run

from schedtui.clock import from_us
from schedtui.models import Attempt, RunFilter, RunState, Source, WaitReason
from schedtui.protocols import OpenRun, RecentRun, Start, Store


def test_a_manual_run_keeps_what_it_was_given(store: Store) -> None:
    (job_id,) = add(store, "clean")
    given = new_run(
        5,
        job_id,
        kwargs_json='{"who":"Jürgen"}',
        job_version=3,
        clock_epoch=2,
        wait_reason=WaitReason.SLOT,
        actor="ada \udcff",
    )
    with store.transaction() as tx:
        tx.insert_runs([given])

    run = store.run(5)
    assert run is not None
    assert run.kwargs == {"who": "Jürgen"}
    assert (run.job_version, run.clock_epoch, run.attempt) == (3, 2, 0)
    assert run.wait_reason is WaitReason.SLOT
    assert run.actor == "ada \\udcff"
    assert (run.reason, run.error, run.progress_text) == ("", None, "")
    assert (run.scheduled_for, run.started_at, run.progress) == (None, None, None)


def test_a_range_row_comes_back(store: Store) -> None:
    (job_id,) = add(store, "clean")
    stretch = due_run(
        1,
        job_id,
        state=RunState.MISSED,
        started_at_us=None,
        finished_at_us=T0 + 7,
        reason="the engine was down",
        range_from_us=T0 - SECOND,
        range_count=86_400,
    )
    with store.transaction() as tx:
        tx.insert_runs([stretch])

    run = store.run(1)
    assert run is not None
    assert (run.range_from, run.range_count) == (from_us(T0 - SECOND), 86_400)
    assert run.reason == "the engine was down"
    assert run.finished_at == from_us(T0 + 7)


def test_a_queued_run_starts_once(store: Store) -> None:
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.insert_runs([new_run(i, job_id, wait_reason=WaitReason.SLOT) for i in (1, 2)])
        assert tx.start([Start(1, 1, 77, T0 + 5)]) == set()
        assert tx.start(
            [Start(1, 2, 78, T0 + 6), Start(2, 1, 79, T0 + 7), Start(9, 1, 80, T0)]
        ) == {
            1,
            9,
        }

    first, second = store.run(1), store.run(2)
    assert first is not None
    assert second is not None
    assert (first.state, first.attempt, first.started_at) == (RunState.RUNNING, 1, from_us(T0 + 5))
    assert first.wait_reason is None
    assert second.started_at == from_us(T0 + 7)
    assert [run.token for run in store.open_runs()] == [77, 79]


def test_an_end_is_written_whole(store: Store) -> None:
    (job_id,) = add(store, "clean")
    run = due_run(1, job_id)
    end = finish(
        run,
        state=RunState.FAILED,
        reason="it raised",
        error_type="OSError",
        error="no file caf\udce9",
        traceback="Traceback…\n  line",
        result='{"a":1}',
        result_is_json=True,
        log_lines=12,
        log_dropped=3,
        progress=0.25,
        progress_text="page 3",
    )
    with store.transaction() as tx:
        tx.insert_runs([run])
        assert tx.finish([end]) == set()

    found = store.run(1)
    assert found is not None
    assert (found.state, found.reason) == (RunState.FAILED, "it raised")
    assert (found.error_type, found.error) == ("OSError", "no file caf\\udce9")
    assert found.traceback == "Traceback…\n  line"
    assert (found.result, found.result_is_json) == ('{"a":1}', True)
    assert (found.log_lines, found.log_dropped) == (12, 3)
    assert (found.progress, found.progress_text) == (0.25, "page 3")
    assert found.duration_s == 1.0
    assert store.attempts(1) == [
        Attempt(
            run_id=1,
            number=1,
            state=RunState.FAILED,
            started_at=from_us(T0 + 1),
            finished_at=from_us(T0 + 1 + SECOND),
            error_type="OSError",
            error="no file caf\\udce9",
        )
    ]
    assert store.attempts(2) == []


def test_only_the_holder_of_the_token_ends_a_run_and_only_once(store: Store) -> None:
    (job_id,) = add(store, "clean")
    runs = [due_run(i, job_id, T0 + i) for i in (1, 2, 3)]
    queued = new_run(4, job_id, token=1004)
    with store.transaction() as tx:
        tx.insert_runs([*runs, queued])
        ends = [
            finish(runs[0], token=5),
            finish(runs[1]),
            finish(runs[2], state=RunState.CANCELLED),
            finish(queued),
            finish(runs[0], run_id=99),
        ]
        assert tx.finish(ends) == {1, 4, 99}
        assert tx.finish([finish(runs[1], state=RunState.LOST)]) == {2}

    states = {run.id: run.state for run in store.runs(RunFilter(), limit=9, before=None)}
    assert states == {
        1: RunState.RUNNING,
        2: RunState.SUCCEEDED,
        3: RunState.CANCELLED,
        4: RunState.QUEUED,
    }
    assert store.attempts(1) == []
    assert [attempt.state for attempt in store.attempts(2)] == [RunState.SUCCEEDED]


def test_queued_runs_of_a_job_are_cancelled_and_no_others(store: Store) -> None:
    mine, other = add(store, "mine", "other")
    with store.transaction() as tx:
        tx.insert_runs([new_run(3, mine), new_run(1, mine, wait_reason=WaitReason.SLOT)])
        tx.insert_runs([due_run(2, mine), new_run(4, other)])
        assert tx.cancel_queued(mine, "its job was deleted", T0 + 9) == [1, 3]
        assert tx.cancel_queued(mine, "again", T0 + 10) == []

    cancelled = store.run(1)
    assert cancelled is not None
    assert (cancelled.state, cancelled.reason) == (RunState.CANCELLED, "its job was deleted")
    assert (cancelled.finished_at, cancelled.wait_reason) == (from_us(T0 + 9), None)
    assert [run.id for run in store.open_runs()] == [2, 4]
    with store.transaction() as tx:
        assert tx.start([Start(1, 1, 5, T0)]) == {1}


def test_what_was_left_open_is_found_oldest_first(store: Store) -> None:
    (job_id,) = add(store, "clean")
    ended = due_run(1, job_id, T0 + 50)
    with store.transaction() as tx:
        tx.insert_runs([new_run(3, job_id, kwargs_json='{"a":1}'), due_run(2, job_id), ended])
        tx.finish([finish(ended)])
    store.close()
    store.open(boot("boot-2"))

    assert store.open_runs() == [
        OpenRun(
            id=2,
            job_id=job_id,
            function="Reports/clean",
            source=Source.SCHEDULE,
            state=RunState.RUNNING,
            scheduled_for_us=T0,
            kwargs_json=None,
            attempt=1,
            token=1002,
            started_at_us=T0 + 2,
            claimed_at_us=T0 + 2,
            wait_reason=None,
            not_before_us=None,
        ),
        OpenRun(
            id=3,
            job_id=job_id,
            function="Reports/clean",
            source=Source.MANUAL,
            state=RunState.QUEUED,
            scheduled_for_us=None,
            kwargs_json='{"a":1}',
            attempt=0,
            token=None,
            started_at_us=None,
            claimed_at_us=T0 + 3,
            wait_reason=None,
            not_before_us=None,
        ),
    ]


def test_recent_runs_are_the_newest_ended_ones_of_living_jobs(store: Store) -> None:
    busy, idle, dead = add(store, "busy", "idle", "dead")
    ended = [due_run(i, busy, T0 + i) for i in range(1, 6)]
    skipped = new_run(6, busy, state=RunState.SKIPPED, finished_at_us=T0 + 6)
    with store.transaction() as tx:
        tx.insert_runs([*ended, skipped, new_run(7, busy), due_run(8, busy), due_run(9, dead)])
        tx.finish([*(finish(run) for run in ended), finish(due_run(9, dead))])
        tx.delete_job(dead, version=1, now_us=T0)

    assert store.recent_runs(3) == {
        busy: [
            RecentRun(4, busy, RunState.SUCCEEDED, T0 + 4, SECOND),
            RecentRun(5, busy, RunState.SUCCEEDED, T0 + 5, SECOND),
            RecentRun(6, busy, RunState.SKIPPED, T0 + 6, None),
        ]
    }
    assert idle not in store.recent_runs(100)
    assert store.recent_runs(0) == {}


def fill(store: Store) -> tuple[int, int, int]:
    """Two jobs of Reports, one of Other; ids 1 to 9 in turn."""
    a, b = add(store, "a", "b")
    (c,) = add(store, "c", group="Other")
    rows = []
    for i in range(1, 10):
        owner = (a, b, c)[i % 3]
        rows.append(
            new_run(i, owner, state=RunState.QUEUED) if i % 2 else due_run(i, owner, T0 + i)
        )
    with store.transaction() as tx:
        tx.insert_runs(rows)
        tx.finish([finish(rows[1]), finish(rows[3], state=RunState.FAILED)])
    return a, b, c


def test_runs_are_filtered(store: Store) -> None:
    a, b, c = fill(store)

    assert ids(store) == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert ids(store, job_id=a) == [9, 6, 3]
    assert ids(store, job_id=999) == []
    assert ids(store, group="Reports") == [9, 7, 6, 4, 3, 1]
    assert ids(store, group="Other") == [8, 5, 2]
    assert ids(store, group="Nope") == []
    assert ids(store, state=RunState.QUEUED) == [9, 7, 5, 3, 1]
    assert ids(store, state=RunState.RUNNING) == [8, 6]
    assert ids(store, state=RunState.FAILED) == [4]
    assert ids(store, source=Source.SCHEDULE) == [8, 6, 4, 2]
    assert ids(store, since=from_us(T0 + 4), until=from_us(T0 + 6)) == [5, 4]
    assert ids(store, group="Reports", state=RunState.QUEUED, source=Source.MANUAL) == [9, 7, 3, 1]
    assert ids(store, job_id=b, since=from_us(T0 + 2), state=RunState.FAILED) == [4]
    assert ids(store, job_id=c, group="Reports") == []
    assert ids(store, among=(a, c)) == [9, 8, 6, 5, 3, 2]
    assert ids(store, among=(a, c), group="Other", state=RunState.QUEUED) == [5]
    assert ids(store, among=()) == []


def test_runs_are_paged(store: Store) -> None:
    a, _, _ = fill(store)

    assert ids(store, limit=2) == [9, 8]
    assert ids(store, limit=2, before=8) == [7, 6]
    assert ids(store, limit=2, before=1) == []
    assert ids(store, limit=1, before=9, job_id=a) == [6]
    assert ids(store, limit=1, before=8, group="Other") == [5]
    assert ids(store, limit=0) == []


def test_a_group_of_many_jobs_is_filtered_too(store: Store) -> None:
    owners = add(store, *(f"job-{i}" for i in range(120)))
    (other,) = add(store, "x", group="Other")
    with store.transaction() as tx:
        tx.insert_runs([new_run(i, owner) for i, owner in enumerate([*owners, other], start=1)])
        tx.delete_job(owners[1], version=1, now_us=T0)

    assert ids(store, limit=3, group="Reports") == [120, 119, 118]
    assert len(ids(store, limit=500, group="Reports")) == 120
    assert ids(store, limit=3, before=3, group="Reports") == [2, 1]
    assert ids(store, limit=3, among=owners) == [120, 119, 118]
    assert ids(store, limit=3, before=3, among=owners) == [2, 1]


def test_a_run_shows_the_name_its_job_has_now(store: Store) -> None:
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.insert_runs([new_run(1, job_id)])
        tx.update_job(job("tidy", id=job_id, version=2), version=1)

    (run,) = store.runs(RunFilter(), limit=1, before=None)
    assert run.job == "Reports/tidy"


def test_an_unknown_run_is_none(store: Store) -> None:
    assert store.run(1) is None


def test_nothing_to_do_is_done(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.claim([]) == set()
        tx.insert_runs([])
        assert tx.start([]) == set()
        assert tx.finish([]) == set()
        tx.append_logs([])


def test_numbers_and_names_that_cannot_be_are_not_found(store: Store) -> None:
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.insert_runs([new_run(1, job_id)])
    far = 2**70

    assert store.run(far) is None
    assert store.job(-far) is None
    assert store.attempts(far) == []
    assert ids(store, before=far, limit=far) == [1]
    assert ids(store, before=-far) == []
    assert ids(store, job_id=far) == []
    assert ids(store, group="\udcff") == []
    assert store.log_lines(far, after=-far, limit=far) == []
    assert store.log_lines(1, after=far, limit=far) == []
    assert store.log_tail(far, far) == []
    assert store.search_logs("x", limit=far) == []
    assert store.audit_trail(limit=far, before=far) == []
    assert store.recent_runs(far) == {}
