"""Replays that were asked for with a key: the answer is kept in a line of the audit trail."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from schedtui.clock import from_us
from schedtui.engine.core import Core
from schedtui.engine.jobs.keys import LIVES_S, Asked, asked
from schedtui.errors import ConflictError
from schedtui.models import AuditFilter, Letters
from schedtui.models.wire import from_wire, to_wire
from schedtui.protocols import StoreTx

if TYPE_CHECKING:
    from schedtui.engine.runs.wanted import Wanted

ACTION: Final = "run.replay"
"""The action in the audit trail."""
_PAGE: Final = 100


def asked_replay(wanted: Wanted, key: str | None) -> Asked | None:
    """A replay by its key; None where it has none, or queues nothing.

    Raises:
        InvalidError: the key cannot be one.
    """
    where = to_wire(wanted.where)
    given: dict[str, Any] = {"runs": list(wanted.runs or ()), "where": where, "limit": wanted.limit}
    if wanted.groups is not None:
        given["groups"] = list(wanted.groups)
    call = asked("replay", key, None if key is None else given)
    return None if wanted.dry_run else call


def keep_answer(tx: StoreTx, call: Asked, answer: Letters, actor: str, now_us: int) -> None:
    """Keep the key of a call, and what it is answered.

    Raises:
        ConflictError: it was used just then.
    """
    first = next((one.new_run for one in answer.letters if one.new_run is not None), 0)
    if call.keep(tx, first, now_us) is not None:
        raise ConflictError(
            f"the idempotency key {call.key!r} was used just then by the same call; "
            "nothing was queued by this one: send it again to see what that came to"
        )
    said = {"scope": call.scope, "key": call.key, "answer": to_wire(answer)}
    tx.audit(now_us, actor, ACTION, "", json.dumps(said))


async def earlier_replay(core: Core, call: Asked) -> Letters:
    """The answer to the call that has had the key.

    Raises:
        ConflictError: it is not in the audit trail any more.
        StoreUnavailableError: the store cannot be asked now.
    """
    return await core.off_loop(_earlier, core, call)


def _earlier(core: Core, call: Asked) -> Letters:
    # A clock that was set back must not hide the line.
    since = from_us(core.clock.now_us()) - 2 * timedelta(seconds=LIVES_S)
    where = AuditFilter(action=ACTION, object="", since=since)
    before: int | None = None
    while lines := core.store.audit_trail(where, limit=_PAGE, before=before):
        for line in lines:
            if (line.detail.get("scope"), line.detail.get("key")) == (call.scope, call.key):
                return replace(from_wire(Letters, line.detail["answer"]), replayed=True)
        before = lines[-1].id
    raise ConflictError(
        f"the idempotency key {call.key!r} was used for a replay whose line in the audit trail "
        "is gone; nothing was queued: look for its runs, or use another key"
    )
