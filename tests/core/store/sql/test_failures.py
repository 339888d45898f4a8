from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from store_rows import T0, add, boot, claim, due_run, finish, line, new_run

from schedtui.errors import StoreDataError, StoreError, StoreUnavailableError
from schedtui.models import RunFilter
from schedtui.protocols import NewRun, Store
from schedtui.store.chunks import encode
from schedtui.store.sql.sqlite import SqliteStore

LONG = '{"a":"' + "x" * 500 + '"}'


def run_ids(store: Store) -> list[int]:
    return [run.id for run in store.runs(RunFilter(), limit=100_000, before=None)]


def insert(store: Store, runs: list[NewRun]) -> None:
    with store.transaction() as tx:
        tx.audit(T0, "ada", "x", "y", "{}")
        tx.insert_runs(runs)


def long_runs(job_id: int) -> list[NewRun]:
    return [new_run(i, job_id, kwargs_json=LONG) for i in range(2, 500)]


def limit_pages(store: Store, extra: int) -> None:
    """Let the file grow by ``extra`` pages only, as on a full disk."""
    assert isinstance(store, SqliteStore)
    writer = store._writer
    assert writer is not None
    pages = writer.exec_driver_sql("PRAGMA page_count").scalar_one()
    writer.exec_driver_sql(f"PRAGMA max_page_count = {pages + extra}")


@pytest.mark.parametrize("dropped", [False, True])
def test_a_busy_database_is_unavailable_and_then_works(
    sqlite: Store, other: sqlite3.Connection, dropped: bool
) -> None:
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="another program holds its lock") as caught:
        add(sqlite, "clean")
    assert caught.value.retryable
    assert list(sqlite.jobs()) == []

    other.execute("ROLLBACK")
    if dropped:
        sqlite.drop_connection()
    add(sqlite, "clean")
    assert [job.name for job in sqlite.jobs()] == ["clean"]


def test_readers_do_not_wait_for_the_writer(sqlite: Store) -> None:
    add(sqlite, "clean")
    seen: list[list[str]] = []

    def read() -> None:
        seen.append([job.name for job in sqlite.jobs()])

    with sqlite.transaction() as tx:
        tx.audit(T0, "ada", "x", "y", "{}")
        tx.delete_job(1, version=1, now_us=T0)
        reader = threading.Thread(target=read)
        reader.start()
        reader.join()
    assert seen == [["clean"]]
    assert list(sqlite.jobs()) == []


def test_the_writer_does_not_wait_for_readers(sqlite: Store) -> None:
    add(sqlite, *(f"job-{i}" for i in range(3)))
    reading = sqlite.jobs()
    next(reading)

    assert isinstance(sqlite, SqliteStore)
    with sqlite._connection_to_read() as connection:
        count = "SELECT count(*) FROM jobs"
        assert connection.exec_driver_sql(count).scalar() == 3
        add(sqlite, "while-reading")
        assert connection.exec_driver_sql(count).scalar() == 3
    reading.close()  # type: ignore[attr-defined]  # it is a generator


def test_a_full_disk_is_unavailable_and_leaves_nothing(sqlite: Store) -> None:
    (job_id,) = add(sqlite, "clean")
    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(1, job_id)])
    limit_pages(sqlite, 2)

    with pytest.raises(StoreUnavailableError, match="free some space"):
        insert(sqlite, long_runs(job_id))
    assert run_ids(sqlite) == [1]
    assert sqlite.audit_trail(limit=5, before=None) == []

    sqlite.drop_connection()
    insert(sqlite, long_runs(job_id))
    assert len(run_ids(sqlite)) == 499


def test_a_transaction_that_met_a_full_disk_cannot_be_committed(sqlite: Store) -> None:
    (job_id,) = add(sqlite, "clean")
    limit_pages(sqlite, 1)

    def go_on_regardless() -> None:
        with sqlite.transaction() as tx:
            with pytest.raises(StoreUnavailableError):
                tx.insert_runs(long_runs(job_id))
            with pytest.raises(StoreUnavailableError):
                tx.set_clock_epoch(4)

    with pytest.raises(StoreUnavailableError):
        go_on_regardless()
    assert run_ids(sqlite) == []
    sqlite.close()
    assert sqlite.open(boot("boot-2")).clock_epoch == 0


def test_a_full_disk_does_not_hide_behind_a_lost_claim(sqlite: Store) -> None:
    jobs = add(sqlite, *(f"job-{i}" for i in range(200)))
    with sqlite.transaction() as tx:
        tx.delete_job(jobs[0], version=1, now_us=T0)
    limit_pages(sqlite, 1)

    claims = [claim(job_id, due_run(job_id, job_id, kwargs_json=LONG)) for job_id in jobs]
    with pytest.raises(StoreUnavailableError), sqlite.transaction() as tx:
        tx.claim(claims)
    sqlite.drop_connection()
    assert run_ids(sqlite) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 2**63},
        {"claimed_at_us": 2**70},
        {"function": None},
        {"kwargs_json": {"a": 1}},
        {"function": "a\udcff"},
        {"clock_epoch": object()},
    ],
)
def test_data_that_cannot_be_kept_is_named_as_such(sqlite: Store, changes: dict[str, Any]) -> None:
    (job_id,) = add(sqlite, "clean")
    bad = new_run(5, job_id)._replace(**changes)

    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(1, job_id)])
        with pytest.raises(StoreDataError) as caught:
            tx.insert_runs([new_run(2, job_id), bad, new_run(6, job_id)])
    assert not caught.value.retryable
    assert run_ids(sqlite) == [1]


def test_too_long_a_text_is_about_the_data(sqlite: Store) -> None:
    (job_id,) = add(sqlite, "clean")
    run = due_run(1, job_id)
    assert isinstance(sqlite, SqliteStore)
    assert sqlite._writer is not None
    raw = sqlite._writer.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000)

    with sqlite.transaction() as tx:
        tx.insert_runs([run])
        with pytest.raises(StoreDataError):
            tx.finish([finish(run, error="x" * 20_000)])
    assert [left.id for left in sqlite.open_runs()] == [1]


def test_a_read_only_file_is_unavailable(sqlite: Store) -> None:
    assert isinstance(sqlite, SqliteStore)
    assert sqlite._writer is not None
    sqlite._writer.exec_driver_sql("PRAGMA query_only = ON")

    with pytest.raises(StoreUnavailableError, match="check the owner and mode"):
        add(sqlite, "clean")
    sqlite.drop_connection()
    add(sqlite, "clean")


def test_a_run_with_damaged_json_is_shown_without_it(
    sqlite: Store, other: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    (job_id,) = add(sqlite, "a")
    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(1, job_id), new_run(2, job_id)])
        tx.audit(T0, "ada", "x", "y", "{}")
    other.execute("UPDATE runs SET kwargs = 'null' WHERE id = 1")
    other.execute("UPDATE audit SET detail = '{'")

    assert run_ids(sqlite) == [2, 1]
    assert sqlite.audit_trail(limit=5, before=None)[0].detail == {}
    assert "run 1 has damaged JSON" in caplog.text


def test_a_damaged_chunk_says_so(sqlite: Store, other: sqlite3.Connection) -> None:
    (job_id,) = add(sqlite, "a")
    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(1, job_id)])
        tx.append_logs([encode(1, [line(1, "hello")])])
    other.execute("UPDATE log_chunks SET data = x'00'")

    with pytest.raises(StoreError, match="damaged"):
        sqlite.log_lines(1, after=0, limit=5)
    assert sqlite.run(1) is not None


def test_reads_that_race_with_close_are_told(sqlite: Store) -> None:
    add(sqlite, *(f"job-{i}" for i in range(50)))
    unexpected: list[BaseException] = []
    refused = threading.Event()

    def read() -> None:
        try:
            while True:
                list(sqlite.jobs())
                sqlite.runs(RunFilter(), limit=5, before=None)
        except StoreUnavailableError:
            refused.set()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test must see it
            unexpected.append(error)

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    sqlite.close()
    for reader in readers:
        reader.join()
    assert unexpected == []
    assert refused.is_set()


def test_the_last_id_outlives_its_row(sqlite: Store, other: sqlite3.Connection) -> None:
    (job_id,) = add(sqlite, "a")
    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(1, job_id), new_run(99, job_id)])
    other.execute("DELETE FROM runs")
    sqlite.close()

    assert sqlite.open(boot("boot-2")).last_run_id == 99


def test_search_works_without_fts5(sqlite: Store) -> None:
    (job_id,) = add(sqlite, "a")
    assert isinstance(sqlite, SqliteStore)
    sqlite._logs.indexed = False
    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(i, job_id) for i in range(1, 121)])
        tx.append_logs([encode(i, [line(1, f"hello world {i}")]) for i in range(1, 121)])

    assert [hit.run_id for hit in sqlite.search_logs("WORLD hello", limit=2)] == [120, 119]
    assert [hit.run_id for hit in sqlite.search_logs("world 1", limit=5)] == [1]
    with sqlite._connection_to_read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars().all()
    assert not [name for name in names if name.startswith("log_fts")]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_taken_away_is_noticed(sqlite: Store, path: Path, replaced: bool) -> None:
    assert isinstance(sqlite, SqliteStore)
    add(sqlite, "before")
    away = path.rename(path.with_name("away.db"))
    if replaced:
        path.touch()
    sqlite._look_again = 0.0  # as if some seconds had passed
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="deleted or replaced while the engine"):
            add(sqlite, "lost")
    sqlite.drop_connection()
    with pytest.raises(StoreUnavailableError, match="deleted or replaced"):
        add(sqlite, "lost")
    assert path.exists() == replaced

    away.replace(path)
    add(sqlite, "after")
    assert [job.name for job in sqlite.jobs()] == ["before", "after"]
