"""Writing to the store in memory: every change leaves a note of how to undo it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from schedtui.clock import from_us, to_us
from schedtui.errors import StoreDataError
from schedtui.models import Job, Revision, RunState, Source, WaitReason
from schedtui.models.actor import address_of
from schedtui.protocols import (
    Claim,
    EnginePause,
    Failing,
    Finish,
    LogChunk,
    NewRun,
    PastBoot,
    Retry,
    Settled,
    Start,
    Token,
)
from schedtui.store import jobrows, memory_backfill, rows
from schedtui.store.memory_data import Data
from schedtui.store.memory_dead import DeadTx
from schedtui.store.memory_keeping import KeepingTx

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_MISSING: Any = object()
_ACTIVE = (RunState.QUEUED, RunState.RUNNING)
UNIQUE = (Source.SCHEDULE, Source.CATCHUP)
"""The sources of runs that stand for a due time."""


class MemoryTx(KeepingTx, DeadTx):
    """One write transaction. See `schedtui.protocols.StoreTx`."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._once = data.once
        self._undo: list[Callable[[], object]] = []

    def roll_back(self, mark: int = 0) -> None:
        """Undo all changes, or those after ``mark``."""
        while len(self._undo) > mark:
            self._undo.pop()()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """What fails in the block leaves nothing of the block."""
        mark = len(self._undo)
        try:
            yield
        except BaseException:
            self.roll_back(mark)
            raise

    def _set(self, target: dict[K, V], key: K, value: V) -> None:
        old = target.get(key, _MISSING)
        if old is _MISSING:
            self._undo.append(lambda: target.pop(key))
        else:
            self._undo.append(lambda: target.__setitem__(key, old))
        target[key] = value

    def _remove(self, target: dict[K, V], key: K) -> None:
        old = target.pop(key)
        self._undo.append(lambda: target.__setitem__(key, old))

    def _next_id(self, counter: str) -> int:
        value: int = self._data.meta[counter] + 1
        self._set(self._data.meta, counter, value)
        return value

    def claim(self, claims: Sequence[Claim]) -> set[int]:
        """Move jobs and insert their runs, for the claims whose job is still as it was."""
        lost: set[int] = set()
        with self._whole():
            for claim in claims:
                job = self._data.jobs.get(claim.job_id)
                due = None if job is None or job.next_due is None else to_us(job.next_due)
                if job is None or job.version != claim.version or due != claim.due_us:
                    lost.add(claim.job_id)
                    continue
                after = None if claim.next_due_us is None else from_us(claim.next_due_us)
                moved = replace(
                    job, next_due=after, last_due=from_us(claim.last_due_us), fired=claim.fired
                )
                self._set(self._data.jobs, job.id, moved)
                self._insert(claim.runs)
        return lost

    def insert_runs(self, runs: Sequence[NewRun]) -> None:
        """Insert runs that move no job."""
        with self._whole():
            self._insert(runs)

    def _insert(self, runs: Sequence[NewRun]) -> None:
        data = self._data
        for run in runs:
            if run.id in data.runs:
                raise StoreDataError(f"memory://: a run {run.id} exists already")
            if run.source in UNIQUE and run.scheduled_for_us is not None:
                key = (run.job_id, run.clock_epoch, run.scheduled_for_us)
                if key in data.due:
                    raise StoreDataError(
                        f"memory://: job {run.job_id} has run {data.due[key]} for this due time"
                    )
                self._set(data.due, key, run.id)
            kept = run._replace(reason=rows.printable(run.reason), actor=rows.printable(run.actor))
            self._set(data.runs, run.id, kept)
            if run.state in _ACTIVE:
                self._set(data.active, run.id, None)
            if run.id > data.meta["last_run_id"]:
                self._set(data.meta, "last_run_id", run.id)

    def start(self, starts: Sequence[Start]) -> set[int]:
        """``queued`` to ``running``."""
        lost: set[int] = set()
        for start in starts:
            run = self._data.runs.get(start.run_id)
            if run is None or run.state is not RunState.QUEUED:
                lost.add(start.run_id)
                continue
            moved = run._replace(
                state=RunState.RUNNING,
                attempt=start.attempt,
                token=start.token,
                started_at_us=start.started_at_us,
                wait_reason=None,
                not_before_us=None,
            )
            self._set(self._data.runs, run.id, moved)
        return lost

    def finish(self, ends: Sequence[Finish]) -> set[int]:
        """``running`` with this token to a terminal state, and a row in ``attempts``."""
        data = self._data
        lost: set[int] = set()
        with self._whole():
            for given in ends:
                run, end = self._end_attempt(given)
                if run is None:
                    lost.add(given.run_id)
                    continue
                moved = run._replace(
                    state=end.state, finished_at_us=end.finished_at_us, reason=end.reason
                )
                self._set(data.runs, run.id, moved)
                self._set(data.ends, run.id, end)
                self._remove(data.active, run.id)
        return lost

    def _end_attempt(self, given: Finish) -> tuple[NewRun | None, Finish]:
        """Keep the end of an attempt; None where its run is not running with this token."""
        data = self._data
        run = data.runs.get(given.run_id)
        if run is None or run.state is not RunState.RUNNING or run.token != given.token:
            return None, given
        key = (given.run_id, given.attempt)
        if key in data.attempts:
            raise StoreDataError(f"memory://: attempt {key} has ended already")
        end = Finish._make(rows.printable(v) if type(v) is str else v for v in given)
        self._set(data.attempts, key, end)
        return run, end

    def retry(self, retries: Sequence[Retry]) -> set[int]:
        """``running`` with this token back to ``queued``, and a row in ``attempts``."""
        data = self._data
        lost: set[int] = set()
        with self._whole():
            for given, not_before_us in retries:
                run, end = self._end_attempt(given)
                if run is None:
                    lost.add(given.run_id)
                    continue
                moved = run._replace(
                    state=RunState.QUEUED,
                    wait_reason=WaitReason.RETRY,
                    token=None,
                    reason=end.reason,
                    not_before_us=not_before_us,
                )
                self._set(data.runs, run.id, moved)
                kept = end._replace(result=None, result_is_json=False, progress=None)
                self._set(data.ends, run.id, kept._replace(progress_text=None))
        return lost

    def settle(self, ends: Sequence[Settled]) -> set[int]:
        """``queued`` to a terminal state. Returns the ids of runs that were no longer queued."""
        lost: set[int] = set()
        for end in ends:
            run = self._data.runs.get(end.run_id)
            if run is None or run.state is not RunState.QUEUED:
                lost.add(end.run_id)
                continue
            self._settle(run, end)
        return lost

    def _settle(self, run: NewRun, end: Settled) -> None:
        moved = run._replace(
            state=end.state,
            reason=rows.printable(end.reason),
            finished_at_us=end.finished_at_us,
            wait_reason=None,
        )
        self._set(self._data.runs, run.id, moved)
        self._remove(self._data.active, run.id)

    def count_failures(self, changes: Sequence[Failing]) -> None:
        """Change how many runs of jobs have failed in a row."""
        for job_id, added, anew in changes:
            job = self._data.jobs.get(job_id)
            if job is not None:
                failures = added if anew else job.failures + added
                self._set(self._data.jobs, job_id, replace(job, failures=failures))

    def insert_backfill(
        self, job_id: int, runs: Sequence[NewRun], *, seen_id: int, notes: Sequence[tuple[int, str]]
    ) -> None:
        """Insert the runs of a backfill, and say so in the rows that they make good."""
        with self._whole():
            memory_backfill.refuse_newer(self._data, job_id, seen_id)
            self._insert(runs)
            for run in memory_backfill.noted(self._data, notes):
                self._set(self._data.runs, run.id, run)

    def cancel_queued(
        self, job_id: int, reason: str, now_us: int, *, among: Collection[int] | None = None
    ) -> list[int]:
        """All queued runs of a job, or those among some, to ``cancelled``."""
        queued = memory_backfill.queued_runs(self._data, job_id, among)
        for run in queued:
            self._settle(run, Settled(run.id, RunState.CANCELLED, reason, now_us))
        return [run.id for run in queued]

    def insert_job(self, job: Job) -> Job:
        """Insert a job; ``id`` is given by the store."""
        self._refuse_taken(job, None)
        kept = replace(jobrows.kept(job), id=self._next_id("last_job_id"))
        self._set(self._data.jobs, kept.id, kept)
        self._set(self._data.ids, (kept.group, kept.name), kept.id)
        self._set(self._data.names, kept.id, (kept.group, kept.name))
        return kept

    def update_job(self, job: Job, *, version: int, counts: bool = False) -> bool:
        """Write a living job's columns where its version still is ``version``."""
        old = self._data.jobs.get(job.id)
        if old is None or old.version != version:
            return False
        self._refuse_taken(job, job.id)
        kept = jobrows.kept(job)
        if not counts:
            kept = replace(kept, fired=old.fired, failures=old.failures)
        self._remove(self._data.ids, (old.group, old.name))
        self._set(self._data.jobs, kept.id, kept)
        self._set(self._data.ids, (kept.group, kept.name), kept.id)
        self._set(self._data.names, kept.id, (kept.group, kept.name))
        return True

    def _refuse_taken(self, job: Job, own_id: int | None) -> None:
        if self._data.ids.get((job.group, job.name), own_id) != own_id:
            raise rows.taken(job)

    def delete_job(self, job_id: int, *, version: int, now_us: int) -> bool:  # noqa: ARG002 - a file keeps it
        """Make a tombstone of a living job where its version still is ``version``."""
        old = self._data.jobs.get(job_id)
        if old is None or old.version != version:
            return False
        self._set(self._data.tombstones, (old.group, old.name), old)
        self._remove(self._data.jobs, job_id)
        self._remove(self._data.ids, (old.group, old.name))
        self._forget_successes(job_id)
        return True

    def append_logs(self, chunks: Sequence[LogChunk]) -> None:
        """Keep log lines."""
        with self._whole():
            for chunk in chunks:
                key = (chunk.run_id, chunk.attempt, chunk.first_seq)
                if key in self._data.chunk_keys:
                    raise StoreDataError(f"memory://: the log chunk {key} is kept already")
                chunk_id = self._next_id("last_chunk_id")
                self._set(self._data.chunk_keys, key, chunk_id)
                self._set(self._data.chunks, chunk_id, chunk)

    def audit(
        self,
        at_us: int,
        actor: str,
        action: str,
        object_: str,
        detail_json: str,
        *,
        subject: int | None = None,
    ) -> None:
        """Add a line to the audit trail."""
        audit_id = len(self._data.audit) + 1
        line = (
            audit_id,
            at_us,
            rows.printable(actor),
            action,
            rows.printable(object_),
            detail_json,
            rows.printable(address_of(actor)),
        )
        self._set(self._data.audit, audit_id, line)
        subject = rows.subject_of(action, subject)
        if subject is not None:
            self._set(self._data.subjects, audit_id, subject)

    def beat(self, boot: str, now_us: int, *, stopped: bool = False) -> None:
        """The engine's sign of life, or its orderly end."""
        meta = self._data.meta
        if meta["boot"] == boot:
            started_at_us = self._data.boots[boot].started_at_us
            self._set(self._data.boots, boot, PastBoot(started_at_us, now_us, stopped))
            self._set(meta, "last_seen_us", now_us)
            if stopped:
                self._set(meta, "clean", True)

    def set_clock_epoch(self, epoch: int) -> None:
        """Make a clock step durable."""
        self._set(self._data.meta, "clock_epoch", epoch)

    def secret(self) -> str:
        """The store's own random key."""
        if "secret" not in self._data.meta:
            self._set(self._data.meta, "secret", secrets.token_hex(32))
        return str(self._data.meta["secret"])

    def pause_engine(self, pause: EnginePause | None) -> None:
        """Make durable that the whole engine is paused, or that it is not."""
        self._set(self._data.meta, "pause", pause)

    def move_pause(self, lasted_us: int, now_us: int) -> EnginePause | None:
        """Let a pause of the whole engine that lies ahead of now have begun so long ago."""
        pause: EnginePause | None = self._data.meta["pause"]
        if pause is not None and pause.since_us > now_us:
            pause = pause.begun(now_us - lasted_us)
            self._set(self._data.meta, "pause", pause)
        return pause

    def insert_revision(self, revision: Revision) -> Revision:
        """Keep a revision; ``number`` is given by the store."""
        kept = replace(revision, number=len(self._data.revisions) + 1)
        self._set(self._data.revisions, kept.number, kept)
        return kept

    def insert_token(self, token: Token) -> Token:
        """Keep a new token; ``id`` is given by the store."""
        if token.name in self._data.tokens:
            raise rows.token_taken(token)
        kept = replace(token, id=self._next_id("last_token_id"))
        self._set(self._data.tokens, token.name, kept)
        return kept

    def delete_token(self, name: str) -> bool:
        """Forget a token; False where there is none of this name."""
        known = name in self._data.tokens
        if known:
            self._remove(self._data.tokens, name)
        return known
