"""Rows that were damaged in the file: they cost what stands in them, and nothing beside them."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from store_rows import T0, add, due_run, finish, ids, job, line, new_run

from schedtui.api.access import Access
from schedtui.api.tokens import create_token, revoke_token
from schedtui.errors import StoreDataError, TokenNotFoundError, UnauthorizedError
from schedtui.models import Policies
from schedtui.protocols import Store, Success
from schedtui.store.chunks import encode

JOB_DAMAGE: list[tuple[str, str, str, object]] = [
    ("jobs", "kwargs = '{'", "kwargs", {}),
    ("jobs", "trigger = '[]'", "trigger", {}),
    ("jobs", "policies = '{\"overlap\":1}'", "policies", Policies()),
    ("jobs", "tags = '{}'", "tags", ()),
    ("jobs", "tags = '[1]'", "tags", ()),
    ("jobs", "tags = x'ff00fe'", "tags", ()),
    ("jobs", "description = x'ff00fe'", "description", ""),
    ("jobs", "function = 'no slash'", "function", "damaged/damaged"),
    ("jobs", "after = '{'", "after", ()),
    ("jobs", 'after = \'[{"job": "no slash"}]\'', "after", ()),
    ("jobs", 'after = \'[{"job": "g/a", "on": "later"}]\'', "after", ()),
    ("jobs", "timezone = x'00'", "timezone", "UTC"),
    ("jobs", "declared = '7'", "declared", None),
    ("jobs", "paused_until = 9223372036854775807", "paused_until", None),
    ("jobs", "name = x'ff00fe'", "name", "job-2"),
    ("jobs", "group_name = 'a/b'", "group", "damaged"),
    ("job_due", "next_due = 9223372036854775807", "next_due", None),
    ("job_due", "last_due = 'abc'", "last_due", None),
    ("job_due", "fired = 'many'", "fired", 0),
    ("job_due", "version = 'abc'", "version", 0),
]


@pytest.mark.parametrize(("table", "change", "field", "instead"), JOB_DAMAGE)
def test_a_damaged_job_is_read_without_what_is_damaged(
    sqlite: Store,
    other: sqlite3.Connection,
    caplog: pytest.LogCaptureFixture,
    table: str,
    change: str,
    field: str,
    instead: Any,
) -> None:
    add(sqlite, "a", "b", "c", description="theirs")
    key = "id" if table == "jobs" else "job_id"
    other.execute(f"UPDATE {table} SET {change} WHERE {key} = 2")

    found = list(sqlite.jobs())
    assert [one.id for one in found] == [1, 2, 3]
    damaged = found[1]
    assert list(damaged.damage) == [field]
    assert getattr(damaged, field) == instead
    assert not found[0].damage
    assert sqlite.job(2) == damaged
    assert "job 2 " in caplog.text
    assert field in caplog.text

    with sqlite.transaction() as tx:
        mended = replace(damaged, version=damaged.version + 1, damage={})
        assert tx.update_job(mended, version=damaged.version, counts=True)
    assert sqlite.job(2) == mended


def test_a_job_with_a_damaged_version_can_be_deleted(
    sqlite: Store, other: sqlite3.Connection
) -> None:
    (job_id,) = add(sqlite, "a")
    other.execute("UPDATE job_due SET version = x'ff'")
    with sqlite.transaction() as tx:
        assert tx.delete_job(job_id, version=0, now_us=T0)
    assert list(sqlite.jobs()) == []
    add(sqlite, "a")


def test_an_edit_leaves_what_outcomes_count_unless_told(sqlite: Store) -> None:
    (job_id,) = add(sqlite, "a", fired=3, failures=2)
    with sqlite.transaction() as tx:
        tx.update_job(job("a", id=job_id, version=2), version=1)
    kept = sqlite.job(job_id)
    assert kept is not None
    assert (kept.fired, kept.failures) == (3, 2)
    with sqlite.transaction() as tx:
        tx.update_job(job("a", id=job_id, version=3), version=2, counts=True)
    kept = sqlite.job(job_id)
    assert kept is not None
    assert (kept.fired, kept.failures) == (0, 0)


def test_a_text_that_is_not_utf8_does_not_keep_its_neighbours_from_being_read(
    sqlite: Store, other: sqlite3.Connection
) -> None:
    add(sqlite, "a", "b", description="plain")
    other.execute("UPDATE jobs SET description = CAST(x'61ff' AS TEXT) WHERE id = 1")
    other.execute("UPDATE jobs SET kwargs = CAST(x'7b22fe223a317d' AS TEXT) WHERE id = 2")
    first, second = sqlite.jobs()
    assert first.description == r"a\xff"
    assert list(second.damage) == ["kwargs"]


RUN_DAMAGE = [
    "state = 'weird'",
    "source = 'zzz'",
    "claimed_at = 'noon'",
    "claimed_at = 9223372036854775807",
    "started_at = 'abc'",
    "finished_at = x'00'",
    "finished_at = 9223372036854775807",
    "job_version = 'x'",
    "clock_epoch = 'x'",
    "attempt = 'x'",
    "log_lines = 'x'",
    "log_dropped = 'x'",
    "range_count = 'x'",
    "parent_id = x'ff'",
    "progress = 'x'",
    "progress = 9e999",
    "function = x'ff'",
    "schedules = x'ff'",
    "reason = x'ff'",
    "actor = x'ff'",
    "progress_text = x'ff'",
    "error_type = x'ff'",
    "error = x'ff'",
    "traceback = x'ff'",
    "result = x'ff'",
    "code = x'ff'",
]


@pytest.mark.parametrize("change", RUN_DAMAGE)
def test_a_damaged_run_is_left_out_told_once_and_the_page_is_full(
    sqlite: Store, other: sqlite3.Connection, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    caplog.set_level(logging.ERROR)
    (job_id,) = add(sqlite, "a")
    done = [due_run(number, job_id, T0 + number) for number in range(1, 6)]
    with sqlite.transaction() as tx:
        tx.insert_runs(done)
        tx.finish([finish(run) for run in done])
    assert sqlite.damage == {}
    other.execute(f"UPDATE runs SET {change} WHERE id = 4")

    assert ids(sqlite, limit=3) == [5, 3, 2]
    assert ids(sqlite, limit=3) == [5, 3, 2]
    assert ids(sqlite) == [5, 3, 2, 1]
    with pytest.raises(StoreDataError, match="run 4 is damaged"):
        sqlite.run(4)
    assert list(sqlite.damage) == [4]
    assert caplog.text.count("run 4 is damaged") == 1


@pytest.mark.parametrize(
    "change",
    [
        "state = 'weird'",
        "started_at = 'abc'",
        "claimed_at = x'00'",
        "claimed_at = -9223372036854775808",
        f"started_at = {T0}, finished_at = 9223372036854775807",
        f"started_at = {T0}, finished_at = x'00'",
    ],
)
def test_damaged_runs_are_left_out_of_the_recent_ones(
    sqlite: Store, other: sqlite3.Connection, change: str
) -> None:
    (job_id,) = add(sqlite, "a")
    done = [due_run(number, job_id, T0 + number) for number in range(1, 4)]
    with sqlite.transaction() as tx:
        tx.insert_runs(done)
        tx.finish([finish(run) for run in done])
    other.execute(f"UPDATE runs SET started_at = NULL, {change} WHERE id = 2")

    assert [run.id for run in sqlite.recent_runs(5)[job_id]] == [1, 3]
    assert list(sqlite.damage) == [2]


@pytest.mark.parametrize("change", ["source = 'zzz'", "kwargs = '['", "attempt = 'x'"])
def test_damaged_open_runs_are_left_out(
    sqlite: Store, other: sqlite3.Connection, change: str
) -> None:
    (job_id,) = add(sqlite, "a")
    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(1, job_id), new_run(2, job_id), new_run(3, job_id)])
    other.execute(f"UPDATE runs SET {change} WHERE id = 2")

    assert [run.id for run in sqlite.open_runs()] == [1, 3]
    assert list(sqlite.damage) == [2]


def test_a_damaged_attempt_is_left_out(sqlite: Store, other: sqlite3.Connection) -> None:
    (job_id,) = add(sqlite, "a")
    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(1, job_id)])
    insert = "INSERT INTO attempts VALUES (1, ?, ?, ?, ?, NULL, ?)"
    for row in [
        (1, "failed", T0, T0, "first"),
        (2, "weird", T0, T0, None),
        (3, "failed", T0, 2**63 - 1, None),
        (4, "failed", T0, T0, b"\xff"),
        (5, "failed", T0, T0, "last"),
    ]:
        other.execute(insert, row)

    assert [attempt.error for attempt in sqlite.attempts(1)] == ["first", "last"]


@pytest.mark.parametrize(
    "change", ["at = 9223372036854775807", "at = 'noon'", "actor = x'ff'", "object = x'ff'"]
)
def test_a_damaged_line_of_the_trail_is_left_out_told_once_and_the_page_is_full(
    sqlite: Store, other: sqlite3.Connection, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    with sqlite.transaction() as tx:
        for number in range(1, 6):
            tx.audit(T0 + number, "ann", "job.edit", "g/a", "{}", subject=7)
    other.execute(f"UPDATE audit SET {change} WHERE id = 4")

    for _ in range(2):
        assert [line.id for line in sqlite.audit_trail(limit=3, before=None)] == [5, 3, 2]
        assert [line.id for line in sqlite.changes_of(7, limit=9, before=None)] == [5, 3, 2, 1]
    assert caplog.text.count("line of the audit trail 4 is damaged") == 1


def test_nothing_is_known_of_a_start_with_a_damaged_row(
    sqlite: Store, other: sqlite3.Connection
) -> None:
    other.execute("UPDATE boots SET last_seen = 'x', stopped_at = NULL")
    assert sqlite.boots_around(2**62) == (None, None)


@pytest.mark.parametrize(
    "change", ["data = x'00'", "data = 'text'", "data = 5", f"data = {2**63 - 1}", "run_id = 'x'"]
)
def test_a_damaged_chunk_costs_a_search_no_other_hits(
    sqlite: Store, other: sqlite3.Connection, change: str
) -> None:
    (job_id,) = add(sqlite, "a")
    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(1, job_id), new_run(2, job_id)])
        tx.append_logs([encode(run, [line(1, "hello")]) for run in (1, 2)])
    other.execute(f"UPDATE log_chunks SET {change} WHERE run_id = 2")

    assert [hit.run_id for hit in sqlite.search_logs("hello", limit=5)] == [1]


def test_a_run_whose_function_is_damaged_has_hits_all_the_same(
    sqlite: Store, other: sqlite3.Connection
) -> None:
    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(1, 0)])
        tx.append_logs([encode(1, [line(1, "hello")])])
    other.execute("UPDATE runs SET function = x'ff'")
    assert [hit.job for hit in sqlite.search_logs("hello", limit=5)] == [""]


@pytest.mark.parametrize("change", ["at = 'x'", "at = 9223372036854775807", "run_id = x'ff'"])
def test_a_damaged_success_is_left_out(
    sqlite: Store, other: sqlite3.Connection, change: str
) -> None:
    with sqlite.transaction() as tx:
        tx.keep_successes([Success(1, run, T0) for run in (1, 2, 3)])
    other.execute(f"UPDATE successes SET {change} WHERE run_id = 2")

    assert [one.run_id for one in sqlite.successes()[1]] == [1, 3]


@pytest.mark.parametrize(
    "change",
    [
        "expires_at = 'x'",
        "expires_at = 9223372036854775807",
        "created_at = 'x'",
        "name = x'ff'",
        "role = 'owner'",
        "role = x'ff'",
        "sha256 = x'ff'",
        "sha256 = 'é'",
    ],
)
def test_a_damaged_token_is_none_and_is_told_once(
    sqlite: Store, other: sqlite3.Connection, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    secrets = {name: create_token(sqlite, name, "viewer") for name in ("ann", "ben")}
    other.execute(f"UPDATE tokens SET {change} WHERE name = 'ann'")

    for _ in range(2):
        assert [token.name for token in sqlite.tokens()] == ["ben"]
    assert caplog.text.count("access token 1 is damaged") == 1
    access = Access(sqlite.tokens)
    assert asyncio.run(access.caller(f"Bearer {secrets['ben']}")).actor == "token:ben"
    with pytest.raises(UnauthorizedError):
        asyncio.run(Access(sqlite.tokens).caller(f"Bearer {secrets['ann']}"))
    with pytest.raises(TokenNotFoundError, match="there are ben"):
        revoke_token(sqlite, "carl")
