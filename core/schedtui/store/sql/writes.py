"""One write transaction on a SQLite store."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from schedtui.errors import ConflictError
from schedtui.models import Job, Revision
from schedtui.models.actor import address_of
from schedtui.protocols import (
    CallKey,
    Claim,
    EnginePause,
    Failing,
    Finish,
    LogChunk,
    NewRun,
    Retry,
    Settled,
    Start,
    Success,
    Token,
)
from schedtui.store import jobrows, rows
from schedtui.store.sql import fulltext, once, revisions, schema, statements
from schedtui.store.sql.bulk import (
    savepoint,
)
from schedtui.store.sql.dead import DeadTx
from schedtui.store.sql.errors import Foreign
from schedtui.store.sql.keeping import KeepingTx
from schedtui.store.sql.step import step

_AMONG = 1_000
"""Ids in one statement, of which SQLite takes only so many."""


class SqlTx(KeepingTx, DeadTx):
    """One write transaction. See `schedtui.protocols.StoreTx`."""

    def _execute(self, statement: sa.Executable) -> sa.CursorResult[Any]:
        return self._connection.execute(statement)

    @step
    def claim(self, claims: Sequence[Claim]) -> set[int]:
        """Move jobs and insert their runs, for the claims whose job is still as it was."""
        with savepoint(self._connection):
            lost = set(statements.MOVE.run(self._connection, claims))
            won = [run for i, claim in enumerate(claims) if i not in lost for run in claim.runs]
            statements.INSERT_RUNS.run(self._connection, won)
        return {claims[i].job_id for i in lost}

    @step
    def insert_runs(self, runs: Sequence[NewRun]) -> None:
        """Insert runs that move no job."""
        with savepoint(self._connection):
            statements.INSERT_RUNS.run(self._connection, runs)

    @step
    def start(self, starts: Sequence[Start]) -> set[int]:
        """``queued`` to ``running``. Returns the ids of runs that were no longer queued."""
        return {starts[i].run_id for i in statements.START.run(self._connection, starts)}

    @step
    def finish(self, ends: Sequence[Finish]) -> set[int]:
        """``running`` with this token to a terminal state, and a row in ``attempts``."""
        with savepoint(self._connection):
            lost = set(statements.FINISH.run(self._connection, ends))
            self._insert_attempts([end for i, end in enumerate(ends) if i not in lost])
        return {ends[i].run_id for i in lost}

    def _insert_attempts(self, ends: Sequence[Finish]) -> None:
        ended = [
            (
                end.run_id,
                end.attempt,
                end.state,
                end.started_at_us,
                end.finished_at_us,
                end.error_type,
                end.error,
            )
            for end in ends
        ]
        statements.INSERT_ATTEMPTS.run(self._connection, ended)

    @step
    def retry(self, retries: Sequence[Retry]) -> set[int]:
        """``running`` with this token back to ``queued``, and a row in ``attempts``."""
        lost: set[int] = set()
        with savepoint(self._connection):
            for end, not_before_us in retries:
                values = {
                    "of_run": end.run_id,
                    "of_token": end.token,
                    "not_before": not_before_us,
                    "log_lines": end.log_lines,
                    "log_dropped": end.log_dropped,
                    "code": end.code,
                    "late": end.late_json,
                    **{name: rows.printable(getattr(end, name)) for name in statements.SAID},
                }
                if self._connection.execute(statements.RETRY, values).rowcount == 0:
                    lost.add(end.run_id)
            self._insert_attempts([end for end, _ in retries if end.run_id not in lost])
        return lost

    @step
    def settle(self, ends: Sequence[Settled]) -> set[int]:
        """``queued`` to a terminal state. Returns the ids of runs that were no longer queued."""
        lost: set[int] = set()
        for run_id, state, reason, finished_at_us in ends:
            values = {
                "of_run": run_id,
                "state": state.value,
                "reason": rows.printable(reason),
                "finished_at": finished_at_us,
                "wait_reason": None,
            }
            if self._connection.execute(statements.SETTLE, values).rowcount == 0:
                lost.add(run_id)
        return lost

    @step
    def count_failures(self, changes: Sequence[Failing]) -> None:
        """Change how many runs of jobs have failed in a row."""
        if changes:
            self._connection.execute(
                statements.COUNT,
                [{"of_job": one.job_id, "added": one.added, "anew": one.anew} for one in changes],
            )

    @step
    def keep_key(self, key: CallKey, *, since_us: int) -> CallKey | None:
        """Keep the key of a call, or say which call has had it since ``since_us``."""
        return once.keep_key(self._connection, key, since_us)

    @step
    def keep_successes(self, successes: Sequence[Success]) -> None:
        """Keep for which moments jobs have succeeded; of each job the newest ones."""
        once.keep_successes(self._connection, successes)

    @step
    def insert_backfill(
        self, job_id: int, runs: Sequence[NewRun], *, seen_id: int, notes: Sequence[tuple[int, str]]
    ) -> None:
        """Insert the runs of a backfill, and say so in the rows that they make good."""
        with savepoint(self._connection):
            asked = {"of_job": job_id, "seen": seen_id}
            if self._connection.execute(statements.NEWER_BACKFILL, asked).first() is not None:
                raise rows.backfilled_meanwhile(job_id)
            statements.INSERT_RUNS.run(self._connection, runs)
            said = [(rows.printable(note), run_id) for run_id, note in notes]
            if said:
                self._connection.exec_driver_sql(statements.NOTE, said)

    @step
    def cancel_queued(
        self, job_id: int, reason: str, now_us: int, *, among: Collection[int] | None = None
    ) -> list[int]:
        """Queued runs of a job to ``cancelled``. Returns their ids, the oldest first."""
        if among is None:
            values = {"of_job": job_id, "why": rows.printable(reason), "at": now_us}
            found = statements.CANCEL_QUEUED.run(self._connection, **values)
            return sorted(run_id for (run_id,) in found)
        cancel = (
            schema.runs.update()
            .where(statements.RUNS.job_id == job_id, statements.QUEUED)
            .values(
                state="cancelled",
                reason=rows.printable(reason),
                finished_at=now_us,
                wait_reason=None,
            )
            .returning(statements.RUNS.id)
        )
        ids, cancelled = sorted(among), []
        for first in range(0, len(ids), _AMONG):
            some = cancel.where(statements.RUNS.id.in_(ids[first : first + _AMONG]))
            cancelled += sorted(self._execute(some).scalars())
        return cancelled

    @step
    def insert_job(self, job: Job) -> Job:
        """Insert a job; ``id`` is given by the store."""
        definition, due = _split(job)
        del definition["id"]
        with _unique(rows.taken(job)):
            job_id = statements.INSERT_JOB.run(self._connection, definition)
        try:
            statements.INSERT_DUE.run(self._connection, {**due, "job_id": job_id})
        except Foreign:
            with suppress(*Foreign):  # a full disk may have ended the whole transaction
                self._execute(schema.jobs.delete().where(schema.jobs.c.id == job_id))
            raise
        return replace(job, id=job_id)

    @step
    def update_job(self, job: Job, *, version: int, counts: bool = False) -> bool:
        """Write a living job's columns where its version still is ``version``."""
        definition, due = _split(job)
        move = statements.UPDATE_DUE_AND_COUNTS if counts else statements.UPDATE_DUE
        with savepoint(self._connection), _unique(rows.taken(job)):
            at = {"of_job": job.id, "of_version": version}
            if move.run(self._connection, **due, **at).rowcount == 0:
                return False
            statements.UPDATE_JOB.run(self._connection, **definition, of_job=job.id)
        return True

    @step
    def delete_job(self, job_id: int, *, version: int, now_us: int) -> bool:
        """Make a tombstone of a living job where its version still is ``version``."""
        at = {"of_job": job_id, "of_version": version}
        if statements.DELETE_DUE.run(self._connection, **at).rowcount == 0:
            return False
        once.forget_successes(self._connection, job_id)
        statements.DELETE_JOB.run(self._connection, of_job=job_id, at=now_us)
        return True

    @step
    def append_logs(self, chunks: Sequence[LogChunk]) -> None:
        """Keep log lines and index their text."""
        with savepoint(self._connection):
            fulltext.append(self._connection, chunks, indexed=self._indexed)

    @step
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
        line = {
            "at": at_us,
            "actor": rows.printable(actor),
            "action": action,
            "object": rows.printable(object_),
            "detail": rows.printable(detail_json),
            "subject": rows.subject_of(action, subject),
            "address": rows.printable(address_of(actor)),
        }
        statements.INSERT_AUDIT.run(self._connection, line)

    @step
    def beat(self, boot: str, now_us: int, *, stopped: bool = False) -> None:
        """The engine's sign of life, or its orderly end."""
        values = {"last_seen": now_us} | ({"stopped_at": now_us} if stopped else {})
        self._execute(schema.boots.update().where(schema.boots.c.boot == boot).values(values))

    @step
    def set_clock_epoch(self, epoch: int) -> None:
        """Make a clock step durable."""
        self._keep("clock_epoch", str(epoch))

    @step
    def pause_engine(self, pause: EnginePause | None) -> None:
        """Make durable that the whole engine is paused, or that it is not."""
        self._keep("pause", None if pause is None else rows.pause_json(pause))

    @step
    def move_pause(self, lasted_us: int, now_us: int) -> EnginePause | None:
        """Let a pause of the whole engine that lies ahead of now have begun so long ago."""
        meta = schema.meta.c
        kept = self._execute(sa.select(meta.value).where(meta.key == "pause")).scalar()
        pause = rows.pause_of(kept)
        if pause is None or pause.since_us <= now_us:
            return pause
        moved = pause.begun(now_us - lasted_us)
        self._keep("pause", rows.pause_json(moved))
        return moved

    def _keep(self, key: str, value: str | None) -> None:
        self._execute(schema.meta.delete().where(schema.meta.c.key == key))
        if value is not None:
            self._execute(schema.meta.insert().values(key=key, value=value))

    @step
    def secret(self) -> str:
        """The store's own random key."""
        value = schema.meta.c.value
        kept = self._execute(sa.select(value).where(schema.meta.c.key == "secret")).scalar()
        if kept is None:
            kept = secrets.token_hex(32)
            self._execute(schema.meta.insert().values(key="secret", value=kept))
        return str(kept)

    @step
    def insert_revision(self, revision: Revision) -> Revision:
        """Keep a revision; ``number`` is given by the store."""
        return replace(revision, number=revisions.insert_revision(self._connection, revision))

    @step
    def insert_token(self, token: Token) -> Token:
        """Keep a new token; ``id`` is given by the store."""
        with _unique(rows.token_taken(token)):
            token_id: int = self._execute(
                schema.tokens.insert()
                .values(
                    name=token.name,
                    role=token.role,
                    sha256=token.sha256,
                    created_at=token.created_at_us,
                    expires_at=token.expires_at_us,
                    groups=rows.groups_json(token),
                )
                .returning(schema.tokens.c.id)
            ).scalar_one()
        return replace(token, id=token_id)

    @step
    def delete_token(self, name: str) -> bool:
        """Forget a token; False where there is none of this name."""
        return bool(
            self._execute(schema.tokens.delete().where(schema.tokens.c.name == name)).rowcount
        )


@contextmanager
def _unique(taken: ConflictError) -> Iterator[None]:
    try:
        yield
    except (IntegrityError, sqlite3.IntegrityError) as error:
        original = getattr(error, "orig", error)
        if getattr(original, "sqlite_errorname", "") != "SQLITE_CONSTRAINT_UNIQUE":
            raise
        raise taken from error


def _split(job: Job) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns of ``jobs`` and those of ``job_due``."""
    definition = jobrows.job_row(job)
    return definition, {name: definition.pop(name) for name in statements.OF_DUE}
