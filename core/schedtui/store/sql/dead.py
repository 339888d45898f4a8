"""Dead letters in a SQLite store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from schedtui.models import Run, RunFilter
from schedtui.store import rows
from schedtui.store.rows import bounded
from schedtui.store.sql import schema
from schedtui.store.sql.reads import RUN, SqlReader, conditions, run_row
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

    def dead_letters(self, where: RunFilter, *, limit: int) -> tuple[int, list[Run]]:
        """How many dead letters fit, and the oldest of them; damaged ones are left out."""
        with self._reading() as connection:
            fits = conditions(connection, replace(where, dead=True))
            count = sa.select(sa.func.count()).select_from(schema.runs).where(*fits)
            page = RUN.where(*fits).order_by(_RUN.id).limit(bounded(max(limit, 0)))
            number = connection.execute(count).scalar_one()
            return number, self._whole(run_row, connection.execute(page).all())
