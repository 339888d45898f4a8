"""A trigger that fails, as explanations tell of it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from schedtui.clock import to_us
from schedtui.engine.explain.history import JobHistory
from schedtui.engine.jobs.owed import BROKEN, FAILED
from schedtui.errors import ForeignTriggerError
from schedtui.protocols import Store

MEANWHILE = (
    "what is due meanwhile gets its row once it answers again, by what held at that time: it is "
    "asked at a start, at a reload, when the job is resumed, and when it is edited"
)


class Failing(NamedTuple):
    """A trigger that did not answer, now or when the engine asked last."""

    said: str
    """How it failed."""
    since: datetime | None
    """When the engine found out; None where it has not asked."""


def said_of(error: Exception) -> str:
    """How a trigger failed that was asked just now."""
    if isinstance(error, ForeignTriggerError):  # says which, and what it raised
        return f"its trigger fails: {error}"
    return f"its trigger fails: {type(error).__name__}: {error}"


def failing(
    store: Store,
    job_id: int,
    last_due: datetime | None,
    history: JobHistory,
    problem: str,
    error: Exception | None,
) -> Failing | None:
    """What is to be said of a job's trigger; None where it works.

    Args:
        store: Where the rows are.
        job_id: Whose.
        last_due: Up to where its due times have rows.
        history: What was done to it.
        problem: What the engine says is wrong with it; empty for nothing.
        error: What its trigger raised just now.
    """
    failed = problem.startswith(FAILED)
    if error is None and not failed:
        return None
    said = problem if error is None else said_of(error)
    return Failing(said, _since(store, job_id, last_due, history) if failed else None)


def _since(
    store: Store, job_id: int, last_due: datetime | None, history: JobHistory
) -> datetime | None:
    line = history.newest(BROKEN)
    if last_due is None:
        return history.created_at
    last_us = to_us(last_due)
    rows = store.due_runs(job_id, last_us, last_us, limit=10)
    told = [run.claimed_at for run in rows if run.reason.startswith(FAILED)]
    if line is not None and line.at >= last_due:
        told.append(line.at)
    return min(told, default=None)
