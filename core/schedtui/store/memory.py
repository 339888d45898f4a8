"""A store that lives and dies with its process.

It keeps the whole contract, rollback included. For tests (`schedtui.testing`), demonstrations and
engines that need no history.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

from schedtui.errors import StoreLockedError, StoreUnavailableError
from schedtui.models import (
    TERMINAL,
    Attempt,
    AuditEvent,
    AuditFilter,
    Job,
    LogHit,
    LogLine,
    Revision,
    Run,
)
from schedtui.protocols import (
    Boot,
    CallKey,
    DueRows,
    Keep,
    NewRun,
    Opened,
    OpenRun,
    PastBoot,
    Posted,
    RecentRun,
    Removal,
    StoreTx,
    Success,
    Token,
    Tombstone,
)
from schedtui.store import chunks, memory_keeping, memory_past, rows
from schedtui.store.memory_data import Data
from schedtui.store.memory_runs import RunReads, whole_run
from schedtui.store.memory_tx import MemoryTx


class MemoryStore(RunReads):
    """A store of plain dictionaries.

    What is in it outlives `close`, so that a test can start a second engine on it.
    """

    def __init__(self) -> None:
        self._data = Data()
        self._lock = threading.RLock()
        self._open = False

    @property
    def url(self) -> str:
        """Kind and place."""
        return "memory://"

    def open(self, boot: Boot | None) -> Opened:
        """Register the boot.

        Raises:
            StoreLockedError: it is open already.
        """
        with self._lock:
            if self._open:
                raise StoreLockedError(self.url)
            meta = self._data.meta
            if boot is not None and meta["boot"] is not None and not meta["clean"]:
                meta["last_seen_us"] = _last_sign(self._data)
                before = self._data.boots[meta["boot"]]
                seen = before._replace(ended_at_us=meta["last_seen_us"])
                self._data.boots[meta["boot"]] = seen
            found = Opened(
                last_run_id=meta["last_run_id"],
                clock_epoch=meta["clock_epoch"],
                last_seen_us=meta["last_seen_us"],
                clean=meta["clean"],
                pause=meta["pause"],
            )
            if boot is not None:
                at_us = boot.started_at_us
                self._data.boots[boot.boot] = PastBoot(at_us, at_us, clean=False)
                meta.update(boot=boot.boot, last_seen_us=boot.started_at_us, clean=False)
            self._open = True
            return found

    def close(self) -> None:
        """Let go. What is in it stays, for the next `open`."""
        with self._lock:
            self._open = False

    def drop_connection(self) -> None:
        """Nothing to throw away: there is no connection."""

    @contextmanager
    def transaction(self) -> Iterator[StoreTx]:
        """A write transaction; readers wait for its end."""
        with self._reading() as data:
            tx = MemoryTx(data)
            try:
                yield tx
            except BaseException:
                tx.roll_back()
                raise

    @contextmanager
    def _reading(self) -> Iterator[Data]:
        with self._lock:
            if not self._open:
                raise StoreUnavailableError("the store in memory is not open")
            yield self._data

    @property
    def damage(self) -> Mapping[int, str]:
        """Nothing: nobody else writes here."""
        return {}

    def jobs(self) -> Iterator[Job]:
        """All living jobs, in the order of their ids."""
        with self._reading() as data:
            found = [data.jobs[job_id] for job_id in sorted(data.jobs)]
        yield from found

    def job(self, job_id: int) -> Job | None:
        """A living job."""
        with self._reading() as data:
            return data.jobs.get(job_id)

    def deleted_job(self, group: str, name: str) -> Tombstone | None:
        """The job of this name that was deleted last; None where there was none."""
        with self._reading() as data:
            found = data.tombstones.get((group, name))
            return None if found is None else Tombstone(found.id, found.function, found.kwargs)

    def open_runs(self) -> list[OpenRun]:
        """All runs that are queued or running, oldest first."""
        with self._reading() as data:
            return [_open_run(data.runs[run_id]) for run_id in sorted(data.active)]

    def recent_runs(self, count: int) -> dict[int, list[RecentRun]]:
        """The newest ``count`` ended runs of each living job, oldest first, by job id."""
        found: dict[int, list[RecentRun]] = {}
        with self._reading() as data:
            for run_id in sorted(data.runs, reverse=True):
                run = data.runs[run_id]
                if run.state not in TERMINAL or run.job_id not in data.jobs:
                    continue
                recent = found.setdefault(run.job_id, [])
                if len(recent) < count:
                    recent.append(_recent(run))
        return {job_id: recent[::-1] for job_id, recent in sorted(found.items()) if recent}

    def attempts(self, run_id: int) -> list[Attempt]:
        """The ended attempts of a run, first one first."""
        with self._reading() as data:
            ends = sorted(
                (end for (ended, _), end in data.attempts.items() if ended == run_id),
                key=lambda end: end.attempt,
            )
        return [
            rows.attempt_of(
                (
                    end.run_id,
                    end.attempt,
                    end.state,
                    end.started_at_us,
                    end.finished_at_us,
                    end.error_type,
                    end.error,
                )
            )
            for end in ends
        ]

    def log_lines(self, run_id: int, *, after: int, limit: int) -> list[LogLine]:
        """Lines with a ``seq`` above ``after``, in order."""
        lines = (line for line in self._lines(run_id) if line.seq > after)
        return list(islice(lines, rows.bounded(max(limit, 0))))

    def log_tail(self, run_id: int, count: int) -> list[LogLine]:
        """The last ``count`` lines that are kept, in order."""
        return self._lines(run_id)[-count:] if count > 0 else []

    def _lines(self, run_id: int) -> list[LogLine]:
        with self._reading() as data:
            kept = sorted(chunk for chunk in data.chunks.values() if chunk.run_id == run_id)
        return sorted(line for chunk in kept for line in chunks.decode(chunk.data))

    def search_logs(self, query: str, *, limit: int) -> list[LogHit]:
        """Lines that hold every word of ``query``, newest run first."""
        wanted = chunks.Query(query)
        best = chunks.Newest(limit)
        if not wanted or limit <= 0:
            return []
        with self._reading() as data:
            for chunk_id in sorted(data.chunks, reverse=True):
                chunk = data.chunks[chunk_id]
                if best.wants(chunk.run_id):
                    best.add(chunk.run_id, wanted.hits(chunks.decode(chunk.data)))
            return [LogHit(run_id=i, job=data.name_of(i), line=line) for i, line in best.hits]

    def audit_trail(
        self, where: AuditFilter | None = None, *, limit: int, before: int | None
    ) -> list[AuditEvent]:
        """The lines of the audit trail that fit, with ids below ``before``, newest first."""
        with self._reading() as data:
            return memory_past.audit_trail(data, where or AuditFilter(), limit, before)

    def tokens(self) -> list[Token]:
        """All access tokens."""
        with self._reading() as data:
            return list(data.tokens.values())

    def revisions(self, *, limit: int, before: int | None) -> list[Revision]:
        """Revisions with a number below ``before``, newest first, without their texts."""
        with self._reading() as data:
            newest = reversed(data.revisions.values())
            page = [one for one in newest if before is None or one.number < before]
            return [replace(one, text="") for one in page[: rows.bounded(max(limit, 0))]]

    def revision(self, number: int) -> Revision | None:
        """A revision with its text."""
        with self._reading() as data:
            return data.revisions.get(number)

    def due_runs(self, job_id: int, from_us: int, until_us: int, *, limit: int) -> list[Run]:
        """What became of the due times from ``from_us`` to ``until_us``, oldest first."""
        with self._reading() as data:
            ids = memory_past.due_ids(data, job_id, from_us, until_us)
            return [whole_run(data, run_id) for run_id in islice(ids, rows.bounded(max(limit, 0)))]

    def due_rows(self, job_id: int, due: Sequence[int]) -> DueRows:
        """The runs for some due times."""
        with self._reading() as data:
            return memory_past.due_rows(data, job_id, due)

    def backfills(self, job_id: int, from_us: int, until_us: int, *, limit: int) -> list[Run]:
        """The backfill runs for due times from ``from_us`` to ``until_us``, newest run first."""
        with self._reading() as data:
            ids = memory_past.backfill_ids(data, job_id, from_us, until_us)
            return [whole_run(data, run_id) for run_id in islice(ids, rows.bounded(max(limit, 0)))]

    def job_ids(self, group: str, name: str) -> list[int]:
        """The ids of all jobs that are called so, or were last, newest first."""
        with self._reading() as data:
            return memory_past.job_ids(data, group, name)

    def changes_of(self, subject: int, *, limit: int, before: int | None) -> list[AuditEvent]:
        """The lines of the audit trail that changed a job, or the engine, newest first."""
        with self._reading() as data:
            return memory_past.changes_of(data, subject, limit, before)

    def call_key(self, scope: str, key: str, *, since_us: int) -> CallKey | None:
        """The call that has had a key since ``since_us``."""
        with self._reading() as data:
            kept = data.once.keys.get((scope, key))
            return kept if kept is not None and kept.at_us >= since_us else None

    def successes(self) -> dict[int, list[Success]]:
        """For which moments each job has succeeded, in the order of the runs, by job id."""
        with self._reading() as data:
            return {job_id: list(kept) for job_id, kept in data.once.successes.items()}

    def stored_jobs(self) -> list[int]:
        """The ids of jobs that have runs, deleted ones and 0 (runs without a job) among them."""
        with self._reading() as data:
            return sorted({run.job_id for run in data.runs.values()})

    def expired(self, job_id: int, keep: Keep) -> Removal | None:
        """What is to be removed of a job's history next; None: nothing is, now."""
        with self._reading() as data:
            return memory_keeping.expired(data, job_id, keep)

    def outbox(self, target: str, limit: int) -> list[Posted]:
        """Notices to a target that are not delivered yet, oldest first."""
        with self._reading() as data:
            found = (one for one in data.outbox.values() if one.target == target)
            return list(islice(found, rows.bounded(max(limit, 0))))

    def boots(self, limit: int) -> list[PastBoot | None]:
        """The newest starts of engines, this one first."""
        with self._reading() as data:
            return [*islice(reversed(data.boots.values()), rows.bounded(max(limit, 0)))]

    def boots_around(self, at_us: int) -> tuple[PastBoot | None, PastBoot | None]:
        """The last engine that started at or before a moment, and the first one after it."""
        with self._reading() as data:
            return memory_past.boots_around(data, at_us)


def _last_sign(data: Data) -> int:
    """The last sign of life of an engine that did not stop in order: a beat, a claim or a start."""
    signs: list[int] = [data.meta["last_seen_us"]]
    for run_id in {*sorted(data.runs)[-1:], *data.active}:
        run = data.runs[run_id]
        if run.clock_epoch == data.meta["clock_epoch"]:
            signs += [run.claimed_at_us, run.started_at_us or 0]
    return max(signs)


def _open_run(run: NewRun) -> OpenRun:
    return OpenRun(
        id=run.id,
        job_id=run.job_id,
        function=run.function,
        source=run.source,
        state=run.state,
        scheduled_for_us=run.scheduled_for_us,
        kwargs_json=run.kwargs_json,
        attempt=run.attempt,
        token=run.token,
        started_at_us=run.started_at_us,
        claimed_at_us=run.claimed_at_us,
        wait_reason=run.wait_reason,
        not_before_us=run.not_before_us,
        parent_id=run.parent_id,
    )


def _recent(run: NewRun) -> RecentRun:
    started, finished = run.started_at_us, run.finished_at_us
    return RecentRun(
        id=run.id,
        job_id=run.job_id,
        state=run.state,
        at_us=run.claimed_at_us if started is None else started,
        duration_us=None if started is None or finished is None else finished - started,
    )
