"""Static jobs: what the code declares, against what the store holds.

A declaration that changed updates its job in place, unless the job was edited from outside: then
the edit rules, the job says so (``overridden``), and the new declaration is only remembered. A job
whose declaration is gone is ``orphaned``: it never fires, keeps its history, and can be deleted.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace

from schedtui.clock import from_us, to_us
from schedtui.engine.claim import decided_row
from schedtui.engine.commands import Commands
from schedtui.engine.core import Core
from schedtui.engine.decide import account
from schedtui.engine.draft import next_due_after
from schedtui.engine.live import LiveJob, dump_kwargs
from schedtui.errors import SchedtuiError
from schedtui.models import Job, RunState
from schedtui.models.wire import to_wire
from schedtui.protocols import NewRun, StoreTx
from schedtui.registry import Declaration

logger = logging.getLogger("schedtui.reconcile")

ACTOR = "code"


async def reconcile(core: Core, commands: Commands) -> None:
    """Bring the static jobs in line with the registry, each in its own transaction.

    Raises:
        StoreUnavailableError: the store cannot take it now.
    """
    known = {_declared_name(live.job): live for live in core.jobs if live.job.static}
    declared: set[tuple[str, str]] = set()
    for declaration in core.registry.declarations():
        name = (declaration.group, declaration.name)
        declared.add(name)
        _check_arguments(core, declaration)
        live = known.get(name) or core.jobs.find(*name)
        if live is None:
            await _insert(core, commands, declaration)
        elif not live.job.static:
            text = (
                f"{live.full_name} is declared in code, and a job created at run time has that "
                "name: rename or delete the one, or the other"
            )
            logger.warning(text)
            core.problem(f"declaration {live.full_name}", text)
        elif _differs(core, live.job, declaration):
            await _update(core, commands, live, declaration)
    for live in core.jobs:
        job = live.job
        if job.static and not job.orphaned and _declared_name(job) not in declared:
            await _store(core, commands, live, replace(live.current(), orphaned=True), "job.orphan")
        elif live.next_due_us is None and not job.orphaned:
            next_due = next_due_after(live.trigger, live.last_due_us, core.clock.now_us())
            if next_due is not None:  # its trigger had failed, and works again
                changed = replace(live.current(), next_due=next_due)
                await _store(core, commands, live, changed, "job.edit")


def _declared_name(job: Job) -> tuple[str, str]:
    """The name a static job has in the code, whatever it was renamed to from outside."""
    declared = job.declared or {}
    return str(declared.get("group", job.group)), str(declared.get("name", job.name))


def _timezone(core: Core, declaration: Declaration) -> str:
    group = core.registry.groups[declaration.group]
    return declaration.timezone or group.timezone or core.timezone


def _differs(core: Core, job: Job, declaration: Declaration) -> bool:
    moved = not job.overridden and job.timezone != _timezone(core, declaration)
    return moved or job.orphaned or job.declared != declaration.to_json()


def _check_arguments(core: Core, declaration: Declaration) -> None:
    """Tell of arguments that no run of a declared job can have, before the first one fails."""
    name = f"{declaration.group}/{declaration.name}"
    try:
        core.registry.resolve(declaration.function).validate(declaration.kwargs)
    except SchedtuiError as error:
        text = f"every run of {name} will fail: {error}"
        logger.warning(text)
        core.problem(f"declaration {name}", text)


def _job(core: Core, declaration: Declaration) -> Job:
    timezone = _timezone(core, declaration)
    now_us = core.clock.now_us()
    next_us = declaration.trigger.with_timezone(timezone).next_after_us(now_us)
    now = from_us(now_us)
    return Job(
        id=0,
        group=declaration.group,
        name=declaration.name,
        function=declaration.function,
        trigger=declaration.trigger.to_json(),
        timezone=timezone,
        kwargs=dict(to_wire(declaration.kwargs)),
        policies=declaration.policies,
        tags=declaration.tags,
        description=declaration.description,
        static=True,
        declared=declaration.to_json(),
        paused=declaration.paused,
        next_due=None if next_us is None else from_us(next_us),
        created_at=now,
        updated_at=now,
    )


async def _insert(core: Core, commands: Commands, declaration: Declaration) -> None:
    job = _job(core, declaration)

    def apply(tx: StoreTx) -> Job:
        created = tx.insert_job(job)
        _audit(core, tx, "job.create", created)
        return created

    commands.entered(await commands.write(apply))


async def _update(core: Core, commands: Commands, live: LiveJob, declaration: Declaration) -> None:
    old = live.current()
    fresh = _job(core, declaration)
    if live.job.overridden:
        next_due = old.next_due
        if old.orphaned:
            next_due = next_due_after(live.trigger, live.last_due_us, core.clock.now_us())
        changed = replace(old, declared=fresh.declared, orphaned=False, next_due=next_due)
    else:
        moved = (old.trigger, old.timezone) != (fresh.trigger, fresh.timezone) or old.orphaned
        changed = replace(
            fresh,
            id=old.id,
            created_at=old.created_at,
            paused=old.paused,
            pause_reason=old.pause_reason,
            paused_by=old.paused_by,
            last_due=old.last_due,
            next_due=fresh.next_due if moved else old.next_due,
        )
    await _store(core, commands, live, changed, "job.edit")


async def _store(core: Core, commands: Commands, live: LiveJob, changed: Job, action: str) -> None:
    """Write a job that the code changed; due times under its old schedule get their rows first."""
    old = live.current()
    rows: tuple[NewRun, ...] = ()
    if changed.next_due != old.next_due and live.trigger is not None and old.next_due is not None:
        rows = _passed(core, live, to_us(old.next_due))
    if rows and rows[-1].scheduled_for_us is not None:
        changed = replace(changed, last_due=from_us(rows[-1].scheduled_for_us))
    changed = replace(changed, version=old.version + 1, updated_at=from_us(core.clock.now_us()))

    def apply(tx: StoreTx) -> None:
        tx.update_job(changed, version=old.version)
        tx.insert_runs(rows)
        _audit(core, tx, action, changed)

    await commands.write(apply)
    core.adopt(live, changed)


def _passed(core: Core, live: LiveJob, due_us: int) -> tuple[NewRun, ...]:
    state, reason = RunState.MISSED, core.absence(due_us) or "its declaration changed"
    if live.job.orphaned:
        state, reason = RunState.SKIPPED, "orphaned: its declaration was gone from the code"
    elif live.job.paused:
        state, reason = RunState.SKIPPED, f"paused by {live.job.paused_by or 'its declaration'}"
    now_us = core.clock.now_us()
    if live.trigger is None:
        return ()
    verdicts = account(live.trigger, due_us, now_us, state, reason)
    return tuple(
        decided_row(next(core.run_ids), live, verdict, core.epoch, now_us) for verdict in verdicts
    )


def _audit(core: Core, tx: StoreTx, action: str, job: Job) -> None:
    detail = {"after": {"trigger": to_wire(job.trigger), "kwargs": dump_kwargs(job.kwargs)}}
    tx.audit(core.clock.now_us(), ACTOR, action, job.full_name, json.dumps(detail))
