"""Statements over many rows at the speed of the driver.

A statement is compiled from the Core tables once. Rows come as named tuples and are turned into
columns, because sqlite3 takes ten times as long to bind a None or an enum as it takes for a plain
string: a column that is None in every row is left to its default, and the others are made plain.

Full hundreds go into one statement each. ``executemany`` lets go of the interpreter's lock for
every single row, and behind a busy event loop has to wait for it as often.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import pysqlite

from schedtui.models import RunState, Source, WaitReason
from schedtui.store import rows
from schedtui.store.sql.errors import Foreign

_DIALECT = pysqlite.dialect()

HUNDRED = 100

Plain = Callable[[Sequence[Any]], Iterable[Any]]


_TEXTS = {member: member.value for kind in (RunState, Source, WaitReason) for member in kind}


def texts(column: Sequence[Any]) -> Iterable[Any]:
    """Members of the enums of a run as their text; None stays."""
    return map(_TEXTS.get, column)


def integers(column: Sequence[Any]) -> Iterable[Any]:
    """Booleans as 0 and 1."""
    return map(int, column)


def printable(column: Sequence[Any]) -> Iterable[Any]:
    """Text from outside, which may hold what no UTF-8 can."""
    return map(rows.printable, column)


def plainly(connection: sa.Connection, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
    """Run a statement without SQLAlchemy's share of it, which is longer than most statements take.

    Raises:
        One of `Foreign`, as the driver has it.
    """
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # of no dialect in particular
    return driver.execute(sql, values)


class BulkInsert:
    """``INSERT`` of rows that are tuples in the order of ``columns``."""

    def __init__(
        self, table: sa.Table, columns: Sequence[str], plain: Mapping[str, Plain] | None = None
    ) -> None:
        self._table = table
        self._columns = tuple(columns)
        self._plain = plain or {}
        self._compiled: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}

    def run(self, connection: sa.Connection, given: Sequence[tuple[Any, ...]]) -> None:
        """Insert all rows, or fail in the middle of them."""
        if not given:
            return
        kept = {
            name: self._plain[name](column) if name in self._plain else column
            for name, column in zip(self._columns, zip(*given, strict=True), strict=True)
            if column.count(None) < len(column)
        }
        sql, order = self._sql(tuple(kept))
        data = list(zip(*(kept[name] for name in order), strict=True))
        hundreds, rest = _hundreds(data)
        if hundreds:
            row = sql[sql.rindex("(") :]
            many = sql + f", {row}" * (HUNDRED - 1)
            for values in hundreds:
                connection.exec_driver_sql(many, values)
        if rest:
            connection.exec_driver_sql(sql, rest)

    def _sql(self, kept: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        found = self._compiled.get(kept)
        if found is None:
            values: dict[str, Any] = {name: sa.bindparam(f"p_{name}") for name in kept}
            found = self._compiled[kept] = _compile(self._table.insert().values(values))
        return found


class InsertRow:
    """``INSERT`` of one row, given by column.

    Args:
        table: Where to.
        without: Columns that are left to their defaults.
    """

    def __init__(self, table: sa.Table, *, without: Sequence[str] = ()) -> None:
        names = [column.name for column in table.columns if column.name not in without]
        statement = table.insert().values({name: sa.bindparam(f"p_{name}") for name in names})
        self._sql, order = _compile(statement)
        self._values = itemgetter(*order)

    def run(self, connection: sa.Connection, row: Mapping[str, Any]) -> int:
        """Insert a row, which has a value for each column; the id it was given."""
        done = plainly(connection, self._sql, self._values(row))
        return done.lastrowid or 0


class Prepared:
    """A statement that is compiled once.

    Args:
        statement: What differs from one time to the next is a ``bindparam`` in it; for a column
            that is set to it, with ``p_`` before the column's name.
    """

    def __init__(self, statement: sa.Update | sa.Delete) -> None:
        self._sql, self._order = _compile(statement)
        self._fixed = statement.compile(dialect=_DIALECT).params

    def run(self, connection: sa.Connection, **values: Any) -> sqlite3.Cursor:
        """Run it with a value for each parameter."""
        all_ = {**self._fixed, **values}
        return plainly(connection, self._sql, tuple(all_[name] for name in self._order))


class BulkUpdate:
    """``UPDATE`` with a condition of each row's own, and the knowledge of which rows it hit.

    Args:
        table: What to update.
        fields: The fields of the tuples, in order.
        to: Column to set, by field.
        where: Column to compare, by field.
        condition: What else must hold, as a literal clause.
        also: Further columns to set, to a constant.
        plain: By field.
    """

    def __init__(
        self,
        table: sa.Table,
        fields: Sequence[str],
        *,
        to: Mapping[str, str],
        where: Mapping[str, str],
        condition: Sequence[sa.ColumnElement[bool]] = (),
        also: Mapping[str, Any] | None = None,
        plain: Mapping[str, Plain] | None = None,
    ) -> None:
        self._table = table
        self._index = {field: fields.index(field) for field in (*to, *where)}
        self._to = dict(to)
        self._where = dict(where)
        self._condition = condition
        self._also = dict(also or {})
        self._plain = plain or {}
        self._compiled: dict[frozenset[str], tuple[str, tuple[str, ...]]] = {}

    def run(self, connection: sa.Connection, given: Sequence[tuple[Any, ...]]) -> list[int]:
        """Update all rows.

        Returns:
            The positions of the rows that hit nothing. Empty, and at full speed, in the usual case.
        """
        if not given:
            return []
        columns = list(zip(*given, strict=True))
        chosen = {field: columns[index] for field, index in self._index.items()}
        nulls = frozenset(
            field for field in self._to if chosen[field].count(None) == len(chosen[field])
        )
        sql, order = self._sql(nulls)
        plain = self._plain
        values = [plain[name](chosen[name]) if name in plain else chosen[name] for name in order]
        data = list(zip(*values, strict=True))
        with savepoint(connection) as undo:
            hits = connection.exec_driver_sql(sql, data).rowcount
            if hits == len(data):
                return []
            undo()
        return [
            position
            for position, values_of_one in enumerate(data)
            if connection.exec_driver_sql(sql, values_of_one).rowcount == 0
        ]

    def _sql(self, nulls: frozenset[str]) -> tuple[str, tuple[str, ...]]:
        found = self._compiled.get(nulls)
        if found is None:
            table = self._table
            values: dict[str, Any] = {
                column: sa.null() if field in nulls else sa.bindparam(f"p_{field}")
                for field, column in self._to.items()
            }
            own = [table.c[name] == sa.bindparam(f"p_{f}") for f, name in self._where.items()]
            statement = table.update().where(*own, *self._condition).values(**values, **self._also)
            found = self._compiled[nulls] = _compile(statement)
        return found


@contextmanager
def savepoint(connection: sa.Connection) -> Iterator[Callable[[], None]]:
    """What fails in the block leaves nothing of the block; gives a function that undoes it too."""
    plainly(connection, "SAVEPOINT s")

    def undo() -> None:
        plainly(connection, "ROLLBACK TO s")

    try:
        yield undo
    except BaseException:
        # A full disk may have ended the whole transaction, and the savepoint with it.
        with suppress(*Foreign):
            undo()
            plainly(connection, "RELEASE s")
        raise
    plainly(connection, "RELEASE s")


def _hundreds(
    data: list[tuple[Any, ...]],
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Full hundreds of rows, each flat, and the rows that are left."""
    whole = len(data) - len(data) % HUNDRED
    flat = [
        tuple(chain.from_iterable(data[first : first + HUNDRED]))
        for first in range(0, whole, HUNDRED)
    ]
    return flat, data[whole:]


def _compile(statement: sa.Insert | sa.Update | sa.Delete) -> tuple[str, tuple[str, ...]]:
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), tuple(name.removeprefix("p_") for name in compiled.positiontup or ())
