"""Static jobs: what the code declares, against what the store holds.

A declaration that changed updates its job in place, unless the job was edited from outside: then
the edit rules, the job says so (``overridden``), and the new declaration is only remembered. A job
whose declaration is gone is ``orphaned``: it never fires, keeps its history, and can be deleted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import datetime

from schedtui.clock import to_us
from schedtui.engine.code.circles import uncircled
from schedtui.engine.code.declared import (
    as_declared,
    asked_job,
    declared_job,
    declared_name,
    reverted_job,
    timezone_of,
)
from schedtui.engine.core import Core
from schedtui.engine.jobs.draft import next_due_after
from schedtui.engine.jobs.mending import ask_again
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.followers import refuse_circle
from schedtui.engine.live.job import LiveJob
from schedtui.engine.upkeep import damage
from schedtui.errors import ConflictError, SchedtuiError
from schedtui.models import Job, RunState
from schedtui.protocols import NewRun, StoreTx
from schedtui.registry import Declaration
from schedtui.triggers import Trigger

logger = logging.getLogger("schedtui.reconcile")

ACTOR = "code"
_REVERT = "job.revert"
CHUNK = 500
"""New jobs in one transaction."""
_TOLD = "declaration "
"""How the keys of problems begin that are found here."""
SLICE = 100
"""Declarations that are compared before others have the loop."""


Hold = Callable[[LiveJob], AbstractAsyncContextManager[object]]
"""Keeps claims and commands away from a job while it is written."""


def _nobody_else(_: LiveJob) -> AbstractAsyncContextManager[object]:
    return nullcontext()


async def reconcile(core: Core, writes: JobWrites, hold: Hold = _nobody_else) -> None:
    """Bring the static jobs in line with the registry.

    Args:
        core: The engine's parts.
        writes: Writes the jobs.
        hold: For an engine that ticks already.

    Raises:
        StoreUnavailableError: the store cannot take it now.
    """
    async with core.jobs.chaining:
        await _reconcile(core, writes, hold)


async def reconcile_freed(core: Core, writes: JobWrites, hold: Hold, name: str) -> None:
    """Make the job that the code declares under a name, once no other job has that name.

    For after a command that may have freed it. Where that cannot be done the command stands, and a
    problem says so.
    """
    waits = f"{_TOLD}{name}" in core.problems and core.jobs.find(*name.split("/", 1)) is None
    if not waits:
        return
    try:
        await reconcile(core, writes, hold)
    except SchedtuiError as error:  # or another job was deleted meanwhile
        _tell(core, name, f"{name} is declared in code and could not be made just now: {error}")


async def _reconcile(core: Core, writes: JobWrites, hold: Hold) -> None:
    known = {declared_name(live.job): live for live in core.jobs if live.job.static}
    told = {key for key in core.problems if key.startswith(_TOLD)}
    declarations, circles = uncircled(core.jobs, known, core.registry.declarations())
    for name, text in circles.items():
        told.discard(_tell(core, f"{name}/after", text))
    for name, problem in await core.arguments.problems(declarations):
        told.discard(_tell(core, name, f"every run of {name} will fail: {problem}"))
    for declaration in declarations:
        pool = core.policies_of(declaration.group, declaration.policies).pool
        if pool and pool not in core.slots.named:
            text = f"{declaration.full_name} names the pool {pool!r}, so nothing limits its runs: "
            told.discard(
                _tell(core, declaration.full_name, f"{text}expected {core.slots.pools_told}")
            )
    new: list[Declaration] = []
    for number, declaration in enumerate(declarations):
        names = (declaration.group, declaration.name)
        live = known.get(names) or core.jobs.find(*names)
        if live is None:
            new.append(declaration)
        elif not live.job.static or declared_name(live.job) != names:
            told.discard(_tell(core, live.full_name, _taken(live)))
        elif _differs(core, live.job, declaration):
            async with hold(live):
                await _update(core, writes, live, declaration)
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)
    for first in range(0, len(new), CHUNK):
        told -= await _insert(core, writes, new[first : first + CHUNK])
    declared = {(declaration.group, declaration.name) for declaration in declarations}
    for live in core.jobs:
        job = live.job
        if job.damage:
            continue  # not declared, or it would have been written anew
        if job.static and not job.orphaned and declared_name(job) not in declared:
            async with hold(live):
                await _orphan(core, writes, live)
        elif live.next_due_us is None and not job.orphaned and not live.exhausted:
            async with hold(live):
                await ask_again(core, writes, live, ACTOR, "job.edit")
            if live.next_due_us is None:
                _tell_if_never_due(live)
    for key in told:
        core.problem(key, None)
    for text in core.jobs.followers.missing(core.jobs.find):
        logger.warning(text)
    wanted = {live.job.function: live.kwargs for live in core.jobs}
    wanted |= {live.job.function: live.kwargs for live in core.jobs if live.kwargs}
    await core.arguments.warm(wanted.items())


async def _orphan(core: Core, writes: JobWrites, live: LiveJob) -> None:
    """Let a held job be one without a declaration; what was due so far has another reason."""
    changed = replace(live.current(), orphaned=True)
    now_us, due_us = core.clock.now_us(), live.next_due_us
    rows: tuple[NewRun, ...] = ()
    if due_us is not None and due_us <= now_us and live.trigger is not None:
        reason = "its declaration went from the code just then"
        try:
            due = await _due_after(core, live.trigger, due_us, now_us)
        except Exception as error:  # noqa: BLE001 - the user's: then what was due stays owed
            logger.warning("the trigger of %s failed: %s", live.full_name, error)
        else:
            rows, problem = await writes.passed(live, now_us, reason, RunState.MISSED)
            rows, changed = ((), changed) if problem else (rows, replace(changed, next_due=due))
    await writes.replace(live, changed, ACTOR, "job.orphan", rows)


async def _insert(core: Core, writes: JobWrites, chunk: Sequence[Declaration]) -> set[str]:
    """Make the jobs of declarations. Returns the keys of the problems there were."""
    ours = [one for one in chunk if not one.trigger.foreign]
    theirs = [one for one in chunk if one.trigger.foreign]
    made = await core.off_loop(_jobs, core, ours)
    made += await asyncio.gather(*(asked_job(core, one) for one in theirs))
    order = {one.full_name: number for number, one in enumerate(chunk)}
    jobs = sorted(made, key=lambda job: order[job.full_name])
    try:
        await writes.insert(jobs, ACTOR)
    except ConflictError:
        told: set[str] = set()
        for job in jobs:  # one by one: the name that is taken must not stop the others
            try:
                await writes.insert([job], ACTOR)
            except ConflictError as error:
                text = f"{job.full_name} is declared in code and cannot be made: {error}"
                told.add(_tell(core, job.full_name, text))
        return told
    return set()


def _taken(live: LiveJob) -> str:
    """What to say where a declaration's name is that of another job."""
    other = "a job created at run time has that name"
    if live.job.static:
        declared = "/".join(declared_name(live.job))
        other = f"the job that the code declares as {declared} was renamed to that"
    return (
        f"{live.full_name} is declared in code, and {other}: rename or delete the one, or the other"
    )


async def _due_after(
    core: Core, trigger: Trigger | None, last_us: int | None, now_us: int
) -> datetime | None:
    return await core.asking.ask(trigger, lambda: next_due_after(trigger, last_us, now_us))


async def _due_or_none(
    core: Core, live: LiveJob, trigger: Trigger | None, last_us: int | None, now_us: int
) -> datetime | None:
    """`_due_after`; None where a trigger of the user's own fails, which keeps no engine down."""
    try:
        return await _due_after(core, trigger, last_us, now_us)
    except Exception as error:  # noqa: BLE001 - it may raise anything
        logger.warning("the trigger of %s failed: %s", live.full_name, error)
        return None


def _tell_if_never_due(live: LiveJob) -> None:
    trigger = None if live.problem else live.trigger
    if live.job.static and trigger is not None and not trigger.dueless and live.last_due_us is None:
        logger.warning("%s is never due: %s", live.full_name, trigger.refusal())


def _tell(core: Core, name: str, text: str) -> str:
    """Enter a problem with a declaration; returns its key."""
    logger.warning(text)
    core.problem(f"{_TOLD}{name}", text)
    return f"{_TOLD}{name}"


def _differs(core: Core, job: Job, declaration: Declaration) -> bool:
    moved = not job.overridden and job.timezone != timezone_of(core, declaration)
    return (
        moved
        or job.orphaned
        or bool(job.damage)
        or job.declared != core.secrets.declared(declaration)
    )


def _jobs(core: Core, declarations: Sequence[Declaration]) -> list[Job]:
    return [declared_job(core, declaration) for declaration in declarations]


async def _update(core: Core, writes: JobWrites, live: LiveJob, declaration: Declaration) -> None:
    old = live.current()
    fresh = await asked_job(core, declaration)
    at_us = to_us(fresh.created_at)
    if old.damage:
        await _mend(core, writes, live, replace(fresh, paused=_paused(old, fresh)))
        return
    if live.job.overridden:
        next_due = old.next_due
        if old.orphaned:
            next_due = await _due_after(core, live.trigger, live.last_due_us, at_us)
        changed = replace(old, declared=fresh.declared, orphaned=False, next_due=next_due)
    else:
        changed = as_declared(old, replace(fresh, paused=_paused(old, fresh)))
    await _write(core, writes, live, changed, ACTOR, "job.edit", at_us)


async def _mend(core: Core, writes: JobWrites, live: LiveJob, fresh: Job) -> None:
    """Let a damaged job be what its declaration says; its id, history and phase stay."""
    old = live.current()
    said = damage.listed(old)
    if not old.overridden and old.declared == fresh.declared:
        old = replace(old, trigger=fresh.trigger, timezone=fresh.timezone)
    changed = as_declared(old, fresh)
    if "next_due" in old.damage:
        trigger, _ = core.trigger_of(changed)
        last_us = live.last_due_us
        # From the newest due time that has a row; what lies between it and now has none yet.
        known = trigger is not None and last_us is not None
        due = fresh.next_due
        if known:
            due = await _due_or_none(core, live, trigger, last_us, last_us or 0)
        changed = replace(changed, next_due=due)
    await _write(core, writes, live, changed, ACTOR, "job.mend", to_us(fresh.created_at))
    logger.warning(
        "%s was damaged in the store (%s): it is what the code says again", live.full_name, said
    )


async def revert(core: Core, writes: JobWrites, live: LiveJob, actor: str) -> Job:
    """Let a held job be what its declaration says; it stays paused, or not, as it is.

    Raises:
        ConflictError: it has no declaration now, or a job has the name that it has in the code, or
            the trigger there fails.
        InvalidError: it would come to run after itself.
    """
    old = live.current()
    names = declared_name(old)
    found = [one for one in core.registry.declarations() if (one.group, one.name) == names]
    if not old.static or not found:
        raise ConflictError(
            f"{live.full_name} is not declared in the code, so there is nothing to go back to"
        )
    if not old.overridden and not old.damage:
        return old
    holder = core.jobs.find(*names)
    if holder is not None and holder is not live:
        raise ConflictError(
            f"{live.full_name} is called {'/'.join(names)} in the code, and another job has that "
            "name now: rename or delete that one first"
        )
    declaration = found[0]
    if declaration.after:
        after, jobs = declaration.after, core.jobs
        own = {declaration.full_name, live.full_name}
        refuse_circle(
            declaration.full_name, lambda one: after if one in own else jobs.after_of(one)
        )
    fresh = await reverted_job(core, declaration, old)
    changed = as_declared(old, replace(fresh, paused=old.paused))
    return await _write(core, writes, live, changed, actor, _REVERT, to_us(fresh.created_at))


async def _write(
    core: Core,
    writes: JobWrites,
    live: LiveJob,
    changed: Job,
    actor: str,
    action: str,
    at_us: int,
) -> Job:
    """Write a job that follows its declaration, with rows for the due times it leaves behind.

    ``at_us``: the moment after which its next due time was looked for.
    """
    rows: tuple[NewRun, ...] = ()
    problem = ""
    try:
        changed = await not_again(core, live, changed, at_us)
    except Exception as error:  # the user's: no reason for an engine not to start
        if action == _REVERT:
            raise
        logger.warning("the trigger of %s failed: %s", live.full_name, error)
        changed = replace(changed, next_due=None)
    if changed.next_due != live.current().next_due:
        reason = "its declaration changed"
        under = core.trigger_of(changed)[0]
        if action == _REVERT:
            rows = await writes.replaced(live, at_us, reason, under, RunState.MISSED)
        else:
            rows, problem = await writes.passed(live, at_us, reason, RunState.MISSED, under)
    if problem:  # what it may not have told of is owed
        changed = replace(changed, next_due=None)
    notices = core.alerts.of_broken(live, "" if live.next_due_us is None else problem)

    def also(tx: StoreTx) -> None:
        writes.broken(tx, live, problem)
        core.alerts.post(tx, notices)

    def then() -> None:
        core.alerts.committed(notices)

    return await writes.replace(live, changed, actor, action, rows, also, then)


async def not_again(core: Core, live: LiveJob, changed: Job, at_us: int) -> Job:
    """A changed job, due next after its last due time too: the clock may have been set back."""
    last_us, due = live.last_due_us, changed.next_due
    if last_us is None or due is None or to_us(due) > last_us:
        return changed
    trigger, _ = core.trigger_of(changed)
    return replace(changed, next_due=await _due_after(core, trigger, last_us, at_us))


def _paused(old: Job, fresh: Job) -> bool:
    """Whether a job is paused that nobody edited: what a person did to it, else its declaration."""
    if old.paused:
        return bool(old.paused_by) or fresh.paused
    # Not paused though declared so: somebody resumed it.
    return fresh.paused and not (old.declared or {}).get("paused", False)
