"""Dead letters in a SQLite store."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from schedtui.models import Run, RunFilter
from schedtui.store import rows
from schedtui.store.rows import bounded
from schedtui.store.sql import schema
from schedtui.store.sql.reads import RUN, SqlReader, conditions, of_jobs, run_row
from schedtui.store.sql.step import SqlSteps, step

_RUN = schema.runs.c
_HANDLE: Final = schema.runs.update().where(_RUN.id == sa.bindparam("of_run"), schema.DEAD)


class DeadTx(SqlSteps):
    """The part of a write transaction that says what was done about them."""

    @step
    def handle(self, letters: Sequence[tuple[int, str]]) -> set[int]:
        """Say of dead letters what was done about them. Returns the ids of what was none."""
        lost: set[int] = set()
        for run_id, words in letters:
            values = {"of_run": bounded(run_id), "handled": rows.printable(words)}
            if self._connection.execute(_HANDLE, values).rowcount == 0:
                lost.add(run_id)
        return lost


class DeadReader(SqlReader):
    """What is read of them."""

    def dead_letters(
        self,
        where: RunFilter,
        *,
        limit: int,
        after: int = 0,
        groups: Collection[str] | None = None,
        among: Collection[int] | None = None,
    ) -> tuple[int, list[Run]]:
        """How many dead letters fit, and the oldest of them; damaged ones are left out."""
        wanted = bounded(max(limit, 0))
        with self._reading() as connection:
            fits = conditions(connection, replace(where, dead=True))
            if groups is not None:
                fits.append(_of_groups(groups))
            if among is not None:
                fits.append(of_jobs(among))
            later = _RUN.id > bounded(after)
            count = sa.select(sa.func.count()).select_from(schema.runs).where(*fits, later)
            number = connection.execute(count).scalar_one()
            runs: list[Run] = []
            while True:
                asked = wanted - len(runs)
                page = RUN.where(*fits, _RUN.id > bounded(after)).order_by(_RUN.id).limit(asked)
                some = connection.execute(page).all()
                runs += self._whole(run_row, some)
                if len(some) < asked or len(runs) == wanted:
                    return number, runs
                after = some[-1][0]


def _of_groups(groups: Collection[str]) -> sa.ColumnElement[bool]:
    """As `in_group_or_alone`; as one value, for there may be more than can be bound."""
    listed = json.dumps([rows.printable(group) for group in groups])
    names = sa.select(sa.func.json_each(listed).table_valued("value").c.value)
    jobs = sa.select(schema.jobs.c.id).where(schema.jobs.c.group_name.in_(names))
    job_id: sa.ColumnElement[int] = sa.literal_column("+runs.job_id")
    alone = sa.func.substr(_RUN.function, 1, sa.func.instr(_RUN.function, "/") - 1)
    return sa.or_(job_id.in_(jobs), sa.and_(job_id == 0, alone.in_(names)))
