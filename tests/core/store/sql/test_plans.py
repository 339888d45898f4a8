"""No page of the history may read, or sort, all of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from store_rows import add, line, new_run

from schedtui.models import RunFilter, RunState, Source
from schedtui.protocols import Store
from schedtui.store.chunks import encode
from schedtui.store.sql.past import IDS
from schedtui.store.sql.sqlite import SqliteStore

AT = datetime(2025, 1, 1, tzinfo=UTC)


def plan_of(store: Store, read: Any, of: str = "") -> list[str]:
    """The plan of the last statement (that holds ``of``) which ``read`` executes."""
    assert isinstance(store, SqliteStore)
    assert store._connections is not None
    engine = store._connections._engine
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT") and of in statement:
            seen.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        read()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    statement, parameters = seen[-1]
    with store._connection_to_read() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[3] for row in rows]


@pytest.fixture
def history(sqlite: Store) -> Store:
    add(sqlite, *(f"small-{i}" for i in range(3)), group="Small")
    large = add(sqlite, *(f"large-{i}" for i in range(60)), group="Large")
    with sqlite.transaction() as tx:
        tx.insert_runs([new_run(i, large[i % 60]) for i in range(1, 500)])
    return sqlite


@pytest.mark.parametrize(
    ("where", "step"),
    [
        (RunFilter(), "SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)"),
        (RunFilter(state=RunState.FAILED), "SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)"),
        (RunFilter(source=Source.MANUAL), "SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)"),
        (RunFilter(since=AT, until=AT), "SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)"),
        (RunFilter(group="Large"), "SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)"),
        (RunFilter(state=RunState.QUEUED), "SEARCH runs USING INDEX runs_active"),
        (RunFilter(state=RunState.RUNNING), "SEARCH runs USING INDEX runs_active"),
        (RunFilter(job_id=3), "SEARCH runs USING INDEX runs_job (job_id=? AND id<?)"),
        (
            RunFilter(job_id=3, state=RunState.FAILED, since=AT),
            "SEARCH runs USING INDEX runs_job (job_id=? AND id<?)",
        ),
    ],
)
def test_a_page_goes_down_an_order_it_need_not_sort(
    history: Store, where: RunFilter, step: str
) -> None:
    plan = plan_of(history, lambda: history.runs(where, limit=10, before=1000))

    assert any(line.startswith(step) for line in plan), plan
    assert not any("ORDER BY" in line or line.startswith("SCAN runs") for line in plan), plan


def test_a_small_group_is_read_through_its_jobs(history: Store) -> None:
    plan = plan_of(history, lambda: history.runs(RunFilter(group="Small"), limit=9, before=1000))

    assert any("USING INDEX runs_job (job_id=? AND id<?)" in line for line in plan), plan


def test_open_and_recent_runs_read_no_history(history: Store) -> None:
    for read in (history.open_runs, lambda: history.recent_runs(10)):
        plan = plan_of(history, read)
        assert not any(line.startswith("SCAN runs") and "INDEX" not in line for line in plan), plan
        assert not any(line.startswith("SCAN newest") for line in plan), plan


def test_what_a_search_need_not_look_at_is_found_in_an_index(history: Store) -> None:
    with history.transaction() as tx:
        tx.append_logs([encode(run_id, [line(1, "needle")]) for run_id in range(1, 200)])
    plan = plan_of(history, lambda: history.search_logs("needle", limit=2), of="min(")

    assert any("USING COVERING INDEX log_chunks_last (run_id>?)" in step for step in plan), plan


def test_what_became_of_a_due_time_is_found_by_its_index(history: Store) -> None:
    assert isinstance(history, SqliteStore)
    with history._connection_to_read() as connection:
        asked = {"job": 3, "first": 1, "last": 9, "limit": 5}
        rows = connection.execute(sa.text(f"EXPLAIN QUERY PLAN {IDS.text}"), asked)
        plans = [row[3] for row in rows]

    epochs = "SEARCH runs USING INDEX runs_due (job_id=? AND clock_epoch>?)"
    due = "USING INDEX runs_due (job_id=? AND clock_epoch=? AND scheduled_for>? AND scheduled_for<?"
    assert any(line.startswith(epochs) for line in plans), plans
    assert any(due in line for line in plans), plans
    assert not any(line.startswith("SCAN runs") for line in plans), plans


def test_the_changes_of_a_job_are_found_by_their_index(history: Store) -> None:
    plan = plan_of(history, lambda: history.changes_of(3, limit=9, before=1000))

    assert plan == ["SEARCH audit USING INDEX audit_subject (subject=? AND id<?)"], plan


@pytest.mark.parametrize("where", [RunFilter(), RunFilter(job_id=3), RunFilter(group="Large")])
def test_dead_letters_are_found_by_their_index(history: Store, where: RunFilter) -> None:
    dead = replace(where, dead=True)
    listed = plan_of(history, lambda: history.runs(dead, limit=9, before=1000))
    assert any(line.startswith("SEARCH runs USING INDEX runs_") for line in listed), listed
    for of in ("count(", "traceback"):
        plan = plan_of(history, lambda: history.dead_letters(where, limit=9), of=of)
        assert not any(line == "SCAN runs" for line in plan), plan
