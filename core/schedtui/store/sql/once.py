"""What happens once, in a SQLite store: keys of calls, and successes by their period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from schedtui.protocols import KEPT_SUCCESSES, CallKey, Success
from schedtui.store import rows
from schedtui.store.sql import schema
from schedtui.store.sql.bulk import Prepared
from schedtui.store.sql.reads import SqlReader

MAX_DROPPED = 1_000
"""Keys that are dropped in one transaction because they are old; the rest with the next ones."""

_KEYS = schema.call_keys.c
_SUCCESSES = schema.successes.c
_KEY = sa.select(_KEYS.scope, _KEYS.key, _KEYS.arguments, _KEYS.run_id, _KEYS.at).where(
    _KEYS.scope == sa.bindparam("of_scope"),
    _KEYS.key == sa.bindparam("of_key"),
    _KEYS.at >= sa.bindparam("since"),
)
_KEEP = sa.text("""
INSERT OR REPLACE INTO call_keys (scope, "key", arguments, run_id, at)
VALUES (:scope, :key, :arguments, :run_id, :at_us)
""")
_DROP = sa.text("""
DELETE FROM call_keys WHERE (scope, "key") IN (
    SELECT scope, "key" FROM call_keys WHERE at < :since ORDER BY at LIMIT :most
)
""")
_SUCCEEDED = sa.text("""
INSERT OR REPLACE INTO successes (job_id, run_id, at) VALUES (:job_id, :run_id, :at_us)
""")
_FORGET = sa.text("""
DELETE FROM successes WHERE job_id = :job_id AND run_id IN (
    SELECT run_id FROM successes WHERE job_id = :job_id ORDER BY at, run_id
    LIMIT max(0, (SELECT count(*) FROM successes WHERE job_id = :job_id) - :most)
)
""")


def keep_key(connection: sa.Connection, key: CallKey, since_us: int) -> CallKey | None:
    """Keep the key of a call, or say which call has had it since ``since_us``."""
    kept = find_key(connection, key.scope, key.key, since_us)
    if kept is None:
        connection.execute(_DROP, {"since": since_us, "most": MAX_DROPPED})
        connection.execute(_KEEP, key._asdict())
    return kept


def find_key(connection: sa.Connection, scope: str, key: str, since_us: int) -> CallKey | None:
    """The call that has had a key since ``since_us``."""
    asked = {"of_scope": scope, "of_key": key, "since": since_us}
    row = connection.execute(_KEY, asked).first()
    return None if row is None else CallKey(*row)


def keep_successes(connection: sa.Connection, successes: Sequence[Success]) -> None:
    """Keep for which moments jobs have succeeded; of each job the newest moments."""
    for one in successes:
        connection.execute(_SUCCEEDED, one._asdict())
    for job_id in {one.job_id for one in successes}:
        connection.execute(_FORGET, {"job_id": job_id, "most": KEPT_SUCCESSES})


_FORGET_JOB = Prepared(schema.successes.delete().where(_SUCCESSES.job_id == sa.bindparam("of_job")))


def forget_successes(connection: sa.Connection, job_id: int) -> None:
    """A job is gone: nothing will be asked of its periods any more."""
    _FORGET_JOB.run(connection, of_job=job_id)


class OnceReader(SqlReader):
    """What the engine reads of it."""

    def call_key(self, scope: str, key: str, *, since_us: int) -> CallKey | None:
        """The call that has had a key since ``since_us``."""
        with self._reading() as connection:
            return find_key(connection, scope, key, since_us)

    def successes(self) -> dict[int, list[Success]]:
        """For which moments each job has succeeded, in the order of the runs, by job id.

        Damaged ones are left out.
        """
        query = sa.select(_SUCCESSES.run_id, _SUCCESSES.job_id, _SUCCESSES.at)
        found: dict[int, list[Success]] = {}
        with self._reading() as connection:
            ordered = query.order_by(_SUCCESSES.job_id, _SUCCESSES.run_id)
            for one in self._whole(_success, connection.execute(ordered)):
                found.setdefault(one.job_id, []).append(one)
        return found


def _success(row: Any) -> Success:
    run_id, job_id, at = row
    with rows.readable(run_id):
        return Success(rows.number_of(job_id), rows.number_of(run_id), rows.micros_of(at))
