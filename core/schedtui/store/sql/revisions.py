"""Revisions in a SQLite store."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schedtui.clock import to_us
from schedtui.models import Revision
from schedtui.store import rows
from schedtui.store.rows import bounded
from schedtui.store.sql import schema
from schedtui.store.sql.reads import SqlReader

_C = schema.revisions.c
_HEAD = (
    _C.number, _C.at, _C.actor, _C.note, _C.added, _C.changed, _C.removed, _C.restored
)  # fmt: skip
_LISTED = sa.select(*_HEAD).order_by(_C.number.desc())


class RevisionReader(SqlReader):
    """Reads revisions."""

    def revisions(self, *, limit: int, before: int | None) -> list[Revision]:
        """Revisions with a number below ``before``, newest first, without their texts."""
        page = _LISTED if before is None else _LISTED.where(_C.number < bounded(before))
        with self._reading() as connection:
            found = connection.execute(page.limit(bounded(max(limit, 0)))).all()
        return self._others(_revision, found, set())

    def revision(self, number: int) -> Revision | None:
        """A revision with its text."""
        query = sa.select(*_HEAD, _C.content).where(_C.number == bounded(number))
        with self._reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _revision(row[:-1], rows.text_of(row[-1]))


def insert_revision(connection: sa.Connection, revision: Revision) -> int:
    """Keep a revision. Returns its number."""
    number: int = connection.execute(
        schema.revisions.insert()
        .values(
            at=to_us(revision.at),
            actor=rows.printable(revision.actor),
            note=rows.printable(revision.note),
            added=revision.added,
            changed=revision.changed,
            removed=revision.removed,
            restored=revision.restored,
            content=revision.text,
        )
        .returning(_C.number)
    ).scalar_one()
    return number


def _revision(row: Any, text: str = "") -> Revision:
    number, at, actor, note, added, changed, removed, restored = row
    with rows.readable(number, "revision"):
        return Revision(
            number=number,
            at=rows.moment_of(rows.number_of(at)),
            actor=rows.text_of(actor),
            note=rows.text_of(note),
            added=rows.number_of(added),
            changed=rows.number_of(changed),
            removed=rows.number_of(removed),
            restored=rows.number_or_none(restored),
            text=text,
        )
