"""Backfills that were asked for with a key: the answer is kept in their line of the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from schedtui.clock import from_us
from schedtui.engine.core import Core
from schedtui.engine.jobs.keys import LIVES_S, Asked, asked
from schedtui.errors import ConflictError
from schedtui.models import AuditFilter, Backfill
from schedtui.models.wire import from_wire, to_wire

if TYPE_CHECKING:
    from schedtui.engine.backfill.backfill import Wanted

ACTION: Final = "job.backfill"
"""The action in the audit trail."""
PAGE: Final = 100


def asked_backfill(
    job_id: int, wanted: Wanted, kwargs: Mapping[str, Any] | None, key: str | None
) -> Asked | None:
    """A backfill by its key; None where it has none, or queues nothing.

    Raises:
        InvalidError: the key cannot be one.
        InvalidArgumentsError: the arguments have no JSON form.
    """
    given = {
        "start": to_wire(wanted.start),
        "end": to_wire(wanted.end),
        "limit": wanted.limit,
        "again": wanted.again,
        "kwargs": dict(kwargs or {}),
    }
    call = asked(f"backfill {job_id}", key, None if key is None else given)
    return None if wanted.dry_run else call


def kept_detail(call: Asked | None, answer: Backfill) -> dict[str, Any]:
    """What a line of the audit trail says so that the call can be answered again."""
    return {} if call is None else {"key": call.key, "answer": to_wire(answer)}


async def earlier(core: Core, call: Asked, job_id: int) -> Backfill:
    """The answer to the call that has had the key.

    Raises:
        ConflictError: it is not in the audit trail any more.
        StoreUnavailableError: the store cannot be asked now.
    """
    return await core.off_loop(_earlier, core, call, job_id)


def _earlier(core: Core, call: Asked, job_id: int) -> Backfill:
    # A clock that was set back must not hide the line.
    since = from_us(core.clock.now_us()) - 2 * timedelta(seconds=LIVES_S)
    where = AuditFilter(action=ACTION, since=since)
    before: int | None = None
    while lines := core.store.audit_trail(where, limit=PAGE, before=before):
        for line in lines:
            told = line.detail.get("answer")
            if line.detail.get("key") == call.key and told and told["job_id"] == job_id:
                return replace(from_wire(Backfill, told), replayed=True)
        before = lines[-1].id
    raise ConflictError(
        f"the idempotency key {call.key!r} was used for a backfill whose line in the audit trail "
        "is gone; nothing was queued: look for its runs, or use another key"
    )
