"""A job as its declaration in code says it is."""

from __future__ import annotations

import logging
from dataclasses import replace

from schedtui.clock import from_us
from schedtui.engine.core import Core
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
    return await core.asking.ask(declaration.trigger, lambda: declared_job(core, declaration))


def declared_job(core: Core, declaration: Declaration) -> Job:
    """A job that is what a declaration says; its ``id`` is 0."""
    timezone = timezone_of(core, declaration)
    now_us = core.clock.now_us()
    next_us = _next_us(declaration, timezone, now_us)
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


def _next_us(declaration: Declaration, timezone: str, now_us: int) -> int | None:
    try:
        return declaration.trigger.with_timezone(timezone).next_after_us(now_us)
    except Exception as error:  # noqa: BLE001 - told when its living job is asked
        logger.debug("the trigger of %s failed: %s", declaration.full_name, error)
        return None


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
