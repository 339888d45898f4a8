"""The runs of a while in numbers, from a SQLite store: counted there, and not read one by one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from schedtui.clock import to_us
from schedtui.models import RunFilter
from schedtui.models.stats import MAX_FIGURES, MAX_SEEN, Figures, StatsBy
from schedtui.store import rows
from schedtui.store.figures import Counted, figures
from schedtui.store.sql import schema
from schedtui.store.sql.reads import SqlReader, conditions, in_group_or_alone, of_jobs

_RUN = schema.runs.c
_JOB = schema.jobs.c
_SET_BACK_US: Final = 86_400_000_000
"""Ids grow with time but where the clock was set back: up to a day of that leaves out nothing."""
_BOUNDS = sa.select(sa.func.min(_RUN.id), sa.func.max(_RUN.id))
_PROBE = (
    sa.select(_RUN.id, _RUN.claimed_at)
    .where(_RUN.id >= sa.bindparam("at"))
    .order_by(_RUN.id)
    .limit(1)
)
_NAME = sa.func.coalesce(_JOB.group_name + "/" + _JOB.name, _RUN.function)


class StatsReader(SqlReader):
    """What is counted."""

    def run_figures(
        self, where: RunFilter, by: StatsBy, *, among: Collection[int] | None = None
    ) -> tuple[bool, list[Figures]]:
        """The runs that fit in numbers, by name, and whether they are all there are."""
        with self._reading() as connection:
            fits = conditions(connection, replace(where, group=None))
            if where.group is not None:
                fits.append(in_group_or_alone(rows.printable(where.group)))
            if among is not None:
                fits.append(of_jobs(among))
            if where.since is not None:
                fits.append(_RUN.id >= _floor(connection, to_us(where.since) - _SET_BACK_US))
            seen = _seen(fits, by)
            counted = [Counted(*row) for row in connection.execute(_counts(seen)).all()]
            p95: dict[str, int] = dict(map(tuple, connection.execute(_p95(seen))))
        whole = sum(one.runs for one in counted) < MAX_SEEN
        found = figures(counted, p95)
        return whole and len(found) <= MAX_FIGURES, found[:MAX_FIGURES]


def _floor(connection: sa.Connection, since_us: int) -> int:
    """An id below which no run was claimed at or after a moment: by halves, for none is indexed."""
    low, high = connection.execute(_BOUNDS).one()
    if low is None:
        return 0
    while low < high:
        middle = (low + high) // 2
        run_id, claimed_us = connection.execute(_PROBE, {"at": middle}).one()
        if claimed_us < since_us:
            low = run_id + 1
        else:
            high = middle
    return int(low)


def _seen(fits: list[sa.ColumnElement[bool]], by: StatsBy) -> sa.CTE:
    name = _RUN.function if by is StatsBy.FUNCTION else _NAME
    took = _RUN.finished_at - _RUN.started_at
    query = sa.select(name.label("name"), _RUN.state, _RUN.finished_at, took.label("took")).where(
        *fits
    )
    if by is StatsBy.JOB:
        query = query.join_from(schema.runs, schema.jobs, _JOB.id == _RUN.job_id, isouter=True)
    return query.order_by(_RUN.id.desc()).limit(MAX_SEEN).cte("seen")


def _counts(seen: sa.CTE) -> sa.Select[Any]:
    return sa.select(
        seen.c.name,
        seen.c.state,
        sa.func.count(),
        sa.func.max(seen.c.finished_at),
        sa.func.min(seen.c.took),
        sa.func.max(seen.c.took),
        sa.func.avg(seen.c.took),
    ).group_by(seen.c.name, seen.c.state)


def _p95(seen: sa.CTE) -> sa.Select[Any]:
    """By the nearest rank: the first one that 95 of 100 do not exceed."""
    place = sa.func.row_number().over(partition_by=seen.c.name, order_by=seen.c.took)
    number = sa.func.count().over(partition_by=seen.c.name)
    ranked = (
        sa.select(seen.c.name, seen.c.took, place.label("place"), number.label("number"))
        .where(seen.c.state == sa.literal_column("'succeeded'"), seen.c.took.is_not(None))
        .subquery()
    )
    return sa.select(ranked.c.name, ranked.c.took).where(
        ranked.c.place == (ranked.c.number * 95 + 99) // 100
    )
