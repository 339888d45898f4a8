"""A job as its declaration in code says it is."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

from schedtui.clock import from_us
from schedtui.engine.core import Core
from schedtui.errors import ConflictError
from schedtui.models import Job
from schedtui.models.notes import notes_of
from schedtui.models.wire import to_wire
from schedtui.registry import Declaration

logger = logging.getLogger("schedtui.reconcile")


def declared_name(job: Job) -> tuple[str, str]:
    """The name a static job has in the code, whatever it was renamed to from outside."""
    declared = job.declared or {}
    return str(declared.get("group", job.group)), str(declared.get("name", job.name))


def timezone_of(core: Core, declaration: Declaration) -> str:
    """The zone of what is declared: its own, else its group's, else the engine's."""
    group = core.registry.groups[declaration.group]
    return declaration.timezone or group.timezone or core.timezone


async def asked_job(core: Core, declaration: Declaration) -> Job:
    """`declared_job`, although its trigger may be code of the user's."""
    now_us = core.clock.now_us()
    try:
        next_us = await _asked_us(core, declaration, now_us)
    except Exception as error:  # noqa: BLE001 - told when its living job is asked
        next_us = None
        _failed(declaration, error)
    return _job(core, declaration, now_us, next_us)


async def reverted_job(core: Core, declaration: Declaration, old: Job) -> Job:
    """`asked_job`, for a job that is to be what its declaration says again.

    Raises:
        ConflictError: the trigger that is to rule it again fails just now, or is the user's own and
            says that it is never due: as an edit to it, that is refused.
    """
    now_us = core.clock.now_us()
    declared = (declaration.trigger.to_json(), timezone_of(core, declaration))
    if not old.orphaned and (old.trigger, old.timezone) == declared:
        return await asked_job(core, declaration)  # its next due time is what it is
    try:
        next_us = await _asked_us(core, declaration, now_us)
    except Exception as error:
        raise _refused(old, f"failed: {type(error).__name__}: {error}") from error
    trigger = declaration.trigger
    if next_us is None and trigger.foreign and not trigger.dueless:
        raise _refused(old, f"({trigger.short()!r}) says that it is never due from now on")
    return _job(core, declaration, now_us, next_us)


def _refused(old: Job, why: str) -> ConflictError:
    return ConflictError(
        f"{old.full_name} cannot go back to what the code declares: the trigger there {why}; "
        "nothing was changed, try again once it answers"
    )


def declared_job(core: Core, declaration: Declaration) -> Job:
    """A job that is what a declaration says; its ``id`` is 0. For triggers of ours."""
    now_us = core.clock.now_us()
    try:
        next_us = _next_us(core, declaration, now_us)
    except Exception as error:  # noqa: BLE001 - as in `asked_job`
        next_us = None
        _failed(declaration, error)
    return _job(core, declaration, now_us, next_us)


def _job(core: Core, declaration: Declaration, now_us: int, next_us: int | None) -> Job:
    timezone = timezone_of(core, declaration)
    now = from_us(now_us)
    return Job(
        id=0,
        group=declaration.group,
        name=declaration.name,
        function=declaration.function,
        trigger=declaration.trigger.to_json(),
        timezone=timezone,
        kwargs=core.secrets.kept(declaration.function, to_wire(declaration.kwargs)),
        policies=declaration.policies,
        after=declaration.after,
        tags=declaration.tags,
        description=declaration.description,
        **notes_of(declaration),
        static=True,
        declared=core.secrets.declared(declaration),
        paused=declaration.paused,
        next_due=None if next_us is None else from_us(next_us),
        created_at=now,
        updated_at=now,
    )


def _failed(declaration: Declaration, error: Exception) -> None:
    logger.debug("the trigger of %s failed: %s", declaration.full_name, error)


async def _asked_us(core: Core, declaration: Declaration, now_us: int) -> int | None:
    question = partial(_next_us, core, declaration, now_us)
    return await core.asking.ask(declaration.trigger, question)


def _next_us(core: Core, declaration: Declaration, now_us: int) -> int | None:
    timezone = timezone_of(core, declaration)
    return declaration.trigger.with_timezone(timezone).next_after_us(now_us)


def as_declared(old: Job, fresh: Job) -> Job:
    """A job with everything that a declaration says, and all else as it was."""
    moved = (old.trigger, old.timezone) != (fresh.trigger, fresh.timezone)
    # Due times before a pause are none of its own; those within one are not due after it.
    moved = moved or old.orphaned or old.paused != fresh.paused
    return replace(
        old,
        group=fresh.group,
        name=fresh.name,
        function=fresh.function,
        trigger=fresh.trigger,
        timezone=fresh.timezone,
        kwargs=fresh.kwargs,
        policies=fresh.policies,
        after=fresh.after,
        tags=fresh.tags,
        description=fresh.description,
        **notes_of(fresh),
        static=True,
        declared=fresh.declared,
        overridden=False,
        orphaned=False,
        damage={},
        paused=fresh.paused,
        next_due=fresh.next_due if moved else old.next_due,
    )
