"""Reading jobs, runs, the audit trail and tokens from a SQLite store."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from schedtui.clock import to_us
from schedtui.errors import StoreDataError
from schedtui.models import Attempt, AuditEvent, AuditFilter, Job, Run, RunFilter, RunState
from schedtui.protocols import OpenRun, RecentRun, Token, Tombstone
from schedtui.store import rows
from schedtui.store.jobrows import JOB_COLUMNS, job_of
from schedtui.store.rows import bounded
from schedtui.store.sql import schema

T = TypeVar("T")

logger = logging.getLogger("schedtui.store")

MAX_DAMAGE = 1_000
"""Damaged runs that are remembered, so that each is told once."""
_PAGE = 1000
_SMALL_GROUP = 50  # jobs; up to here their own index entries are fewer than all runs

_JOBS = schema.jobs.c
_DUE = schema.job_due.c
_RUNS = schema.runs.c
_NAME = _JOBS.group_name + "/" + _JOBS.name

_JOB = sa.select(
    *(schema.jobs.c[name] if name in schema.jobs.c else _DUE[name] for name in JOB_COLUMNS)
).join_from(schema.job_due, schema.jobs, _DUE.job_id == _JOBS.id)
RUN = sa.select(*(_RUNS[name] for name in rows.RUN_COLUMNS), _NAME.label("job")).join_from(
    schema.runs, schema.jobs, _JOBS.id == _RUNS.job_id, isouter=True
)
AUDIT = sa.select(*(column for column in schema.audit.c if column.name != "subject"))
_OPEN = (
    sa.select(
        _RUNS.id,
        _RUNS.job_id,
        _RUNS.function,
        _RUNS.source,
        _RUNS.state,
        _RUNS.scheduled_for,
        _RUNS.kwargs,
        _RUNS.attempt,
        _RUNS.token,
        _RUNS.started_at,
        _RUNS.claimed_at,
        _RUNS.wait_reason,
        _RUNS.not_before,
        _RUNS.parent_id,
    )
    .where(schema.ACTIVE)
    .order_by(_RUNS.id)
)


def _tombstone(row: Any) -> Tombstone:
    try:
        kwargs = rows.object_of(row.kwargs)
    except (TypeError, ValueError, RecursionError):
        kwargs = {}  # damaged; its history is found all the same
    return Tombstone(row.id, str(row.function), kwargs)


def _recent_query() -> sa.Select[Any]:
    """For each living job one short walk down its index; no pass over all runs."""
    inner = schema.runs.alias("newest")
    newest = (
        sa.select(inner.c.id)
        .where(
            inner.c.job_id == _DUE.job_id,
            inner.c.state.not_in([sa.literal_column(f"'{s}'") for s in ("queued", "running")]),
        )
        .order_by(inner.c.id.desc())
        .limit(sa.bindparam("count"))
        .correlate(schema.job_due)
    )
    return (
        sa.select(
            _RUNS.id,
            _DUE.job_id,
            _RUNS.state,
            _RUNS.claimed_at,
            _RUNS.started_at,
            _RUNS.finished_at,
        )
        .join_from(schema.job_due, schema.runs, _RUNS.id.in_(newest))
        .order_by(_DUE.job_id, _RUNS.id)
    )


_RECENT = _recent_query()


class SqlReader:
    """The reading half of a SQLite store.

    Args:
        reading: Gives a connection with one consistent view.
    """

    def __init__(self, reading: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        self._reading = reading
        self._damage: dict[int, str] = {}
        self._lines_told: set[int] = set()
        self._tokens_told: set[int] = set()

    @property
    def damage(self) -> Mapping[int, str]:
        """Runs that were asked for and cannot be read, by id, and why; since it was opened."""
        return self._damage

    def jobs(self) -> Iterator[Job]:
        """All living jobs, in the order of their ids; see `Job.damage`."""
        page = _JOB.order_by(_DUE.job_id).limit(_PAGE)
        after = 0
        while True:
            with self._reading() as connection:
                found = connection.execute(page.where(_DUE.job_id > after)).all()
            yield from map(job_of, found)
            if len(found) < _PAGE:
                return
            after = found[-1].id

    def job(self, job_id: int) -> Job | None:
        """A living job."""
        with self._reading() as connection:
            row = connection.execute(_JOB.where(_DUE.job_id == bounded(job_id))).first()
        return None if row is None else job_of(row)

    def deleted_job(self, group: str, name: str) -> Tombstone | None:
        """The job of this name that was deleted last; None where there was none."""
        query = (
            sa.select(_JOBS.id, _JOBS.function, _JOBS.kwargs)
            .where(_JOBS.group_name == rows.printable(group), _JOBS.name == rows.printable(name))
            .where(_JOBS.deleted_at.is_not(None))
            .order_by(_JOBS.deleted_at.desc(), _JOBS.id.desc())
            .limit(1)
        )
        with self._reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _tombstone(row)

    def open_runs(self) -> list[OpenRun]:
        """All runs that are queued or running, oldest first; damaged ones are left out."""
        with self._reading() as connection:
            return self._whole(_open_run, connection.execute(_OPEN))

    def recent_runs(self, count: int) -> dict[int, list[RecentRun]]:
        """The newest ``count`` ended runs of each living job, oldest first, by job id."""
        found: dict[int, list[RecentRun]] = {}
        with self._reading() as connection:
            result = connection.execute(_RECENT, {"count": bounded(max(count, 0))})
            for recent in self._whole(_recent_run, result):
                found.setdefault(recent.job_id, []).append(recent)
        return found

    def runs(
        self,
        where: RunFilter,
        *,
        limit: int,
        before: int | None,
        among: Collection[int] | None = None,
    ) -> list[Run]:
        """Runs with an id below ``before``, newest first; damaged ones are left out."""
        with self._reading() as connection:
            query = RUN.where(*conditions(connection, where))
            if among is not None:
                query = query.where(of_jobs(among))
            read = partial(self._whole, run_row)
            return _page(connection, query, _RUNS.id, read, limit, before)

    def run(self, run_id: int) -> Run | None:
        """A run.

        Raises:
            StoreDataError: it is damaged.
        """
        with self._reading() as connection:
            row = connection.execute(RUN.where(_RUNS.id == bounded(run_id))).first()
        return None if row is None else run_row(row)

    def _whole(self, read: Callable[[Any], T], found: Iterable[Any]) -> list[T]:
        """The runs of those rows that can be read."""
        runs: list[T] = []
        for row in found:
            try:
                runs.append(read(row))
            except StoreDataError as error:
                self._leave_out(row[0], str(error))
        return runs

    def _leave_out(self, run_id: int, why: str) -> None:
        if run_id not in self._damage and len(self._damage) < MAX_DAMAGE:
            logger.error("%s; it is left out", why)
            self._damage = {**self._damage, run_id: why}

    def attempts(self, run_id: int) -> list[Attempt]:
        """The ended attempts of a run, first one first; damaged ones are left out."""
        ended = schema.attempts.c
        query = (
            sa.select(schema.attempts).where(ended.run_id == bounded(run_id)).order_by(ended.number)
        )
        with self._reading() as connection:
            return self._whole(rows.attempt_of, connection.execute(query))

    def audit_trail(
        self, where: AuditFilter | None = None, *, limit: int, before: int | None
    ) -> list[AuditEvent]:
        """The lines of the audit trail that fit, newest first; without damaged ones."""
        return self.audit_page(AUDIT.where(*_lines(where or AuditFilter())), limit, before)

    def audit_page(self, query: sa.Select[Any], limit: int, before: int | None) -> list[AuditEvent]:
        """Those of the lines of ``query`` that can be read, newest first."""
        line_id = schema.audit.c.id
        with self._reading() as connection:
            return _page(connection, query, line_id, self._whole_lines, limit, before)

    def _whole_lines(self, found: Iterable[Any]) -> list[AuditEvent]:
        return self._others(rows.audit_of, found, self._lines_told)

    def tokens(self) -> list[Token]:
        """All access tokens; damaged ones are left out, and let nobody in."""
        with self._reading() as connection:
            found = connection.execute(sa.select(schema.tokens).order_by(schema.tokens.c.id)).all()
        return self._others(rows.token_of, found, self._tokens_told)

    def _others(self, read: Callable[[Any], T], found: Iterable[Any], said: set[int]) -> list[T]:
        """What of those rows, none of them of a run, can be read; ``said`` are ids told before."""
        whole: list[T] = []
        for row in found:
            try:
                whole.append(read(row))
            except StoreDataError as error:
                if row[0] not in said and len(said) < MAX_DAMAGE:
                    logger.error("%s; it is left out", error)
                    said.add(row[0])
        return whole


def _page(
    connection: sa.Connection,
    query: sa.Select[Any],
    row_id: sa.Column[Any],
    read: Callable[[Iterable[Any]], list[T]],
    limit: int,
    before: int | None,
) -> list[T]:
    """The newest ``limit`` rows of a query that ``read`` does not leave out."""
    wanted = bounded(max(limit, 0))
    query = query.order_by(row_id.desc())
    found: list[T] = []
    while True:
        page = query if before is None else query.where(row_id < bounded(before))
        asked = wanted - len(found)
        some = connection.execute(page.limit(asked)).all()
        found += read(some)
        if len(some) < asked or len(found) == wanted:
            return found
        before = some[-1][0]


def run_row(row: Any) -> Run:
    """The run of a row of `RUN`.

    Raises:
        StoreDataError: it is damaged.
    """
    return rows.run_of(row[:-1], row[-1] or "")


def _open_run(row: Any) -> OpenRun:
    with rows.readable(row.id):
        rows.object_of(row.kwargs or "{}")
        return OpenRun(
            id=row.id,
            job_id=rows.number_of(row.job_id),
            function=rows.text_of(row.function),
            source=rows.source_of(row.source),
            state=rows.state_of(row.state),
            scheduled_for_us=rows.micros_or_none(row.scheduled_for),
            kwargs_json=row.kwargs,
            attempt=rows.number_of(row.attempt),
            token=rows.number_or_none(row.token),
            started_at_us=rows.micros_or_none(row.started_at),
            claimed_at_us=rows.micros_of(row.claimed_at),
            wait_reason=rows.wait_of(row.wait_reason),
            not_before_us=rows.micros_or_none(row.not_before),
            parent_id=None if row.parent_id is None else rows.number_of(row.parent_id),
        )


def _recent_run(row: Any) -> RecentRun:
    run_id, job_id, state, claimed, started, finished = row
    with rows.readable(run_id):
        never = started is None
        return RecentRun(
            run_id,
            job_id,
            rows.state_of(state),
            rows.micros_of(claimed if never else started),
            None if never or finished is None else rows.micros_of(finished - started),
        )


def conditions(connection: sa.Connection, where: RunFilter) -> list[sa.ColumnElement[bool]]:
    """What the rows of ``runs`` have to be to fit."""
    found: list[sa.ColumnElement[bool]] = []
    if where.job_id is not None:
        found.append(_RUNS.job_id == bounded(where.job_id))
    if where.group is not None:
        group = rows.printable(where.group)
        found.append(in_group_or_alone(group) if where.dead else _in_group(connection, group))
    if where.state is not None:
        found.append(_in_state(where.state))
    if where.source is not None:
        found.append(_RUNS.source == str(where.source))
    if where.since is not None:
        found.append(_RUNS.claimed_at >= to_us(where.since))
    if where.until is not None:
        found.append(_RUNS.claimed_at < to_us(where.until))
    if where.function is not None:
        found.append(_RUNS.function == rows.printable(where.function))
    if where.error_type is not None:
        found.append(_RUNS.error_type == rows.printable(where.error_type))
    if where.dead:
        found.append(schema.DEAD)
    return found


def _lines(where: AuditFilter) -> Iterator[sa.ColumnElement[bool]]:
    line = schema.audit.c
    if where.actor is not None:
        yield line.actor == rows.printable(where.actor)
    if where.actions is not None:
        yield line.action.startswith(rows.printable(where.actions), autoescape=True)
    elif where.action is not None:
        yield line.action == rows.printable(where.action)
    if where.object is not None:
        yield line.object == rows.printable(where.object)
    if where.since is not None:
        yield line.at >= to_us(where.since)
    if where.until is not None:
        yield line.at < to_us(where.until)


def _in_state(state: RunState) -> sa.ColumnElement[bool]:
    if state in {RunState.QUEUED, RunState.RUNNING}:
        # Written out, not bound: only so does SQLite see that the index on active runs applies.
        return _RUNS.state == sa.literal_column(f"'{state}'")
    return _RUNS.state == str(state)


def of_jobs(ids: Collection[int]) -> sa.ColumnElement[bool]:
    """Few or many jobs, as `_in_group`; as one value, for there may be more than can be bound."""
    if len(ids) <= _SMALL_GROUP:
        return _RUNS.job_id.in_(ids)
    listed = sa.func.json_each(json.dumps(list(ids))).table_valued("value")
    return sa.literal_column("+runs.job_id").in_(sa.select(listed.c.value))


def _in_group(connection: sa.Connection, group: str) -> sa.ColumnElement[bool]:
    """Few jobs: through their index entries. Many: down all runs, whose page is soon full.

    The plus keeps SQLite from sorting all runs of a large group to find its newest hundred.
    """
    query = sa.select(_JOBS.id).where(_JOBS.group_name == group)
    ids = connection.execute(query.limit(_SMALL_GROUP + 1)).scalars().all()
    if len(ids) <= _SMALL_GROUP:
        return _RUNS.job_id.in_(ids)
    return sa.literal_column("+runs.job_id").in_(query)


def in_group_or_alone(group: str) -> sa.ColumnElement[bool]:
    """Of its jobs, or of its functions without a job; by their own index, few are looked at."""
    of_jobs = sa.literal_column("+runs.job_id").in_(
        sa.select(_JOBS.id).where(_JOBS.group_name == group)
    )
    alone = _RUNS.function.startswith(f"{group}/", autoescape=True)
    return sa.or_(of_jobs, sa.and_(sa.literal_column("+runs.job_id") == 0, alone))
