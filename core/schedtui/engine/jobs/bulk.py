"""One command to every job that a filter finds: each on its own, with its own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from schedtui.engine.jobs.commands import Commands
from schedtui.engine.jobs.found import check_filter, is_meant
from schedtui.engine.jobs.keys import Made
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.jobs import LiveJobs
from schedtui.errors import FieldError, InvalidError, SchedtuiError
from schedtui.models import BulkAction, BulkOutcome, JobFilter
from schedtui.models.names import check_idempotency_key, check_reason
from schedtui.models.wire import to_wire

AT_ONCE = 200
"""Jobs whose commands are under way together, so that the writer commits them in groups."""

_One = Callable[[LiveJob], Awaitable[Made | None]]


async def bulk(
    jobs: LiveJobs,
    commands: Commands,
    action: BulkAction,
    where: JobFilter,
    actor: str,
    *,
    reason: str,
    until: datetime | None,
    key: str | None = None,
) -> tuple[BulkOutcome, ...]:
    """Do one thing to many jobs; see `EngineClient.bulk`.

    Raises:
        InvalidError: no filter, or one that nothing can fit, or a reason or an end that cannot be;
            nothing was done.
    """
    if where.empty:
        error = FieldError(field="group", got=None, expected="a group, a tag or a state")
        raise InvalidError("no filter is given; expected a group, a tag or a state", (error,))
    check_filter(where)
    check_reason(reason)
    if key is not None:
        if action is not BulkAction.TRIGGER:
            raise InvalidError.one("idempotency_key", key, "none: only a trigger takes one")
        check_idempotency_key(key)

    async def pause(live: LiveJob) -> None:
        await commands.pause(
            live.full_name, reason, actor, expect_id=live.id, until=until, shorten=False
        )

    async def resume(live: LiveJob) -> None:
        await commands.resume(live.full_name, actor, expect_id=live.id)

    async def trigger(live: LiveJob) -> Made:
        name, asked = live.full_name, None if key is None else to_wire(where)
        return await commands.trigger(name, None, actor, expect_id=live.id, key=key, where=asked)

    async def delete(live: LiveJob) -> None:
        await commands.delete(live.full_name, actor, expect_id=live.id)

    one: _One = {
        BulkAction.PAUSE: pause,
        BulkAction.RESUME: resume,
        BulkAction.TRIGGER: trigger,
        BulkAction.DELETE: delete,
    }[action]
    found = sorted((live for live in jobs if is_meant(live, where)), key=lambda live: live.id)
    outcomes: list[BulkOutcome] = []
    for first in range(0, len(found), AT_ONCE):
        batch = found[first : first + AT_ONCE]
        outcomes += await asyncio.gather(*(_outcome(one, live, action) for live in batch))
    return tuple(outcomes)


async def _outcome(one: _One, live: LiveJob, action: BulkAction) -> BulkOutcome:
    name = live.full_name
    try:
        made = await one(live)
    except SchedtuiError as error:
        if isinstance(error, InvalidError) and action is BulkAction.PAUSE:
            raise  # the reason or the end is wrong, and so for every job
        return BulkOutcome(job=name, id=live.id, done=False, problem=str(error))
    if made is None:
        return BulkOutcome(job=name, id=live.id, done=True)
    run_id, replayed = made
    return BulkOutcome(job=name, id=live.id, done=True, run_id=run_id, replayed=replayed)
