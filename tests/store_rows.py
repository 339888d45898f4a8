"""Rows for the store's tests, short to write."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from schedtui.clock import from_us
from schedtui.models import Job, LogLine, RunFilter, RunState, Source
from schedtui.protocols import Boot, Claim, Finish, NewRun, Store

T0 = 1_760_000_000_000_000
"""2025-10-09T08:53:20Z."""
SECOND = 1_000_000
AT = datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)


def boot(name: str = "boot-1", *, pid: int = 4711, address: str = "/run/a.sock") -> Boot:
    return Boot(boot=name, pid=pid, started_at_us=T0, address=address)


def job(name: str = "clean", **changes: Any) -> Job:
    values: dict[str, Any] = {
        "id": 0,
        "group": "Reports",
        "name": name,
        "function": f"Reports/{name}",
        "trigger": {"kind": "every", "seconds": 1},
        "timezone": "Europe/Berlin",
        "next_due": from_us(T0),
        "created_at": AT,
        "updated_at": AT,
    }
    return Job(**{**values, **changes})


def add(store: Store, *names: str, **changes: Any) -> list[int]:
    with store.transaction() as tx:
        return [tx.insert_job(job(name, **changes)).id for name in names]


def new_run(run_id: int, job_id: int, **changes: Any) -> NewRun:
    values: dict[str, Any] = {
        "id": run_id,
        "job_id": job_id,
        "function": "Reports/clean",
        "source": Source.MANUAL,
        "state": RunState.QUEUED,
        "scheduled_for_us": None,
        "clock_epoch": 0,
        "job_version": 1,
        "kwargs_json": None,
        "claimed_at_us": T0 + run_id,
        "wait_reason": None,
        "attempt": 0,
        "token": None,
        "started_at_us": None,
        "finished_at_us": None,
        "reason": None,
        "range_from_us": None,
        "range_count": None,
        "actor": None,
    }
    return NewRun(**{**values, **changes})


def due_run(run_id: int, job_id: int, due_us: int = T0, **changes: Any) -> NewRun:
    values: dict[str, Any] = {
        "source": Source.SCHEDULE,
        "state": RunState.RUNNING,
        "scheduled_for_us": due_us,
        "attempt": 1,
        "token": 1000 + run_id,
        "started_at_us": T0 + run_id,
    }
    return new_run(run_id, job_id, **{**values, **changes})


def claim(job_id: int, *runs: NewRun, due_us: int = T0, version: int = 1) -> Claim:
    return Claim(due_us + SECOND, due_us, job_id, version, due_us, runs, 1)


def finish(run: NewRun, **changes: Any) -> Finish:
    values: dict[str, Any] = {
        "run_id": run.id,
        "attempt": run.attempt,
        "token": run.token,
        "state": RunState.SUCCEEDED,
        "started_at_us": run.started_at_us,
        "finished_at_us": (run.started_at_us or T0) + SECOND,
        "reason": None,
        "error_type": None,
        "error": None,
        "traceback": None,
        "result": None,
        "result_is_json": False,
        "log_lines": 0,
        "log_dropped": 0,
        "progress": None,
        "progress_text": None,
    }
    return Finish(**{**values, **changes})


def line(seq: int, text: str, **changes: Any) -> LogLine:
    values: dict[str, Any] = {
        "seq": seq,
        "at_us": T0 + seq,
        "level": "info",
        "stream": "log",
        "text": text,
        "attempt": 1,
    }
    return LogLine(**{**values, **changes})


def ids(
    store: Store,
    limit: int = 100,
    before: int | None = None,
    among: Collection[int] | None = None,
    **where: Any,
) -> list[int]:
    found = store.runs(RunFilter(**where), limit=limit, before=before, among=among)
    return [run.id for run in found]
