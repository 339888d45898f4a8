"""Reading what became of one job at one time, from the store in memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from schedtui.clock import to_us
from schedtui.models import AuditEvent, AuditFilter, Source
from schedtui.protocols import DueRow, DueRows, NewRun, PastBoot
from schedtui.store import rows
from schedtui.store.memory_data import Data
from schedtui.store.memory_tx import UNIQUE


def audit_trail(data: Data, where: AuditFilter, limit: int, before: int | None) -> list[AuditEvent]:
    """The lines of the audit trail that fit, with ids below ``before``, newest first."""
    since_us = None if where.since is None else to_us(where.since)
    until_us = None if where.until is None else to_us(where.until)
    actions = rows.printable(where.actions)
    texts = [rows.printable(one) for one in (where.actor, where.action, where.object)]

    def fits(line: tuple[int, int, str, str, str, str, str]) -> bool:
        _, at_us, actor, action, object_, *_ = line
        return (
            texts[0] in (None, actor)
            and (texts[1] in (None, action) if actions is None else action.startswith(actions))
            and texts[2] in (None, object_)
            and (since_us is None or at_us >= since_us)
            and (until_us is None or at_us < until_us)
        )

    ids = (i for i in sorted(data.audit, reverse=True) if before is None or i < before)
    found = (line for i in ids if fits(line := data.audit[i]))
    return [rows.audit_of(line) for line in islice(found, rows.bounded(max(limit, 0)))]


def due_ids(data: Data, job_id: int, from_us: int, until_us: int) -> Iterator[int]:
    """The runs of the due times in a stretch of time, both ends included; oldest first."""
    found: list[tuple[int, int]] = []
    for run in data.runs.values():
        due_us = run.scheduled_for_us
        if run.job_id != job_id or run.source not in UNIQUE or due_us is None:
            continue
        if due_us >= from_us and _first(run, due_us) <= until_us:
            found.append((due_us, run.id))
    return (run_id for _, run_id in sorted(found))


def _first(run: NewRun, due_us: int) -> int:
    return due_us if run.range_from_us is None else run.range_from_us


def due_rows(data: Data, job_id: int, due: Sequence[int]) -> DueRows:
    """The runs for some due times: on schedule, in their stead, by backfills."""
    ordered = sorted(due)
    found: list[DueRow] = []
    newest_id = 0
    for run in data.runs.values():
        if run.job_id != job_id:
            continue
        newest_id = max(newest_id, run.id)
        last_us = run.scheduled_for_us
        if last_us is None or run.source not in (*UNIQUE, Source.BACKFILL):
            continue
        first, last = bisect_left(ordered, _first(run, last_us)), bisect_right(ordered, last_us)
        found += (DueRow(one, run.id, run.source, run.state) for one in ordered[first:last])
    return DueRows(found, newest_id, data.forgotten.get(job_id))


def backfill_ids(data: Data, job_id: int, from_us: int, until_us: int) -> Iterator[int]:
    """The backfill runs for the due times in a stretch, both ends included; newest run first."""
    for run_id in sorted(data.runs, reverse=True):
        run = data.runs[run_id]
        due_us = run.scheduled_for_us
        if run.job_id != job_id or run.source is not Source.BACKFILL or due_us is None:
            continue
        if from_us <= due_us <= until_us:
            yield run_id


def job_ids(data: Data, group: str, name: str) -> list[int]:
    """The ids of all jobs that are called so, or were last, newest first."""
    return sorted((i for i, names in data.names.items() if names == (group, name)), reverse=True)


def changes_of(data: Data, subject: int, limit: int, before: int | None) -> list[AuditEvent]:
    """The lines of the audit trail that changed a job, or the engine, newest first."""
    lines = (
        line
        for line in sorted(data.subjects, reverse=True)
        if data.subjects[line] == subject and (before is None or line < before)
    )
    return [rows.audit_of(data.audit[line]) for line in islice(lines, rows.bounded(max(limit, 0)))]


def boots_around(data: Data, at_us: int) -> tuple[PastBoot | None, PastBoot | None]:
    """The last engine that started at or before a moment, and the first one after it."""
    boots = list(data.boots.values())
    before = [boot for boot in boots if boot.started_at_us <= at_us]
    after = [boot for boot in boots if boot.started_at_us > at_us]
    return (
        max(reversed(before), key=lambda boot: boot.started_at_us, default=None),
        min(after, key=lambda boot: boot.started_at_us, default=None),
    )
