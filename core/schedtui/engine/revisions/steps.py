"""The steps of one transaction that makes the jobs what a file says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from schedtui.clock import to_us
from schedtui.engine.core import Core
from schedtui.engine.jobs.audited import told
from schedtui.engine.jobs.commands import Commands
from schedtui.engine.jobs.owed import goes_on
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob
from schedtui.engine.revisions.content import PAUSE
from schedtui.engine.revisions.moves import Move
from schedtui.engine.revisions.planned import Planned
from schedtui.engine.revisions.turns import Turns
from schedtui.errors import (
    ConflictError,
    FieldError,
    ForeignTriggerError,
    FunctionNotFoundError,
    RefusedError,
)
from schedtui.models import Job
from schedtui.models.gathering import gathered, refuse, said_by
from schedtui.models.hidden import MASK
from schedtui.protocols import Failing, NewRun, StoreTx


def _nothing() -> None:
    return None


class Step(NamedTuple):
    """One job's part of the transaction."""

    write: Callable[[StoreTx], object]
    """In the transaction."""
    done: Callable[[], object]
    """Once it is in the store: the engine follows."""
    then: Callable[[], object] = _nothing
    """At the commit, before anybody hears of a later one."""


class Drafted(NamedTuple):
    """A job as it will be, and as it was when that was found out."""

    job: Job | None
    """None: it is to go."""
    seen: Job | None
    """None: there was none."""
    at_us: int = 0
    """The moment from which on it is due by what it will be."""


Drafts = Mapping[str, Drafted]
"""By the name that a job has in the file."""


async def drafted(
    core: Core,
    moves: Sequence[Move],
    actor: str,
    *,
    restored: bool,
    known: Drafts = MappingProxyType({}),
) -> dict[str, Drafted]:
    """The jobs as they will be.

    Args:
        core: The engine's parts.
        moves: What becomes of which.
        actor: Who does it.
        restored: Whether a revision comes back.
        known: Drafts of before, which are taken where they still hold.

    Raises:
        InvalidError: with all that is wrong, each field below its job: ``jobs.Reports/x.cron``.
    """
    await core.arguments.prepare(
        [(move.new["function"], move.new["kwargs"]) for move in moves if move.new is not None]
    )
    buried = await _buried(core, moves) if restored else {}
    planned = Planned(core, moves, restored=restored, buried=buried)
    wrong: list[FieldError] = []
    found: dict[str, Drafted] = {}
    turns = Turns()
    for move in moves:
        with gathered(wrong, move.place):
            try:
                found[move.name] = await _draft(core, planned, move, actor, known.get(move.name))
            except FunctionNotFoundError as error:
                wrong.append(said_by(error, f"{move.place}.function"))
            except ForeignTriggerError as error:
                wrong.append(said_by(error, f"{move.place}.trigger"))
            except RefusedError as error:
                wrong.append(said_by(error, move.place))
        await turns.next()
    refuse(wrong)
    return found


async def _buried(core: Core, moves: Sequence[Move]) -> dict[str, Mapping[str, Any]]:
    """Arguments of deleted jobs that come back, where they call the function that they called."""
    found: dict[str, Mapping[str, Any]] = {}
    for move in moves:
        if move.old is None and move.new is not None and MASK in move.new["kwargs"].values():
            group, _, name = move.name.partition("/")
            tombstone = await core.off_loop(core.store.deleted_job, group, name)
            if tombstone is not None and tombstone.function == move.new["function"]:
                found[move.name] = tombstone.kwargs
    return found


async def _draft(
    core: Core, planned: Planned, move: Move, actor: str, known: Drafted | None
) -> Drafted:
    if move.new is None:
        return Drafted(None, move.old)
    now_us = core.clock.now_us()
    live = None if move.old is None else core.jobs.by_id(move.old.id)
    seen = None if live is None else live.current()
    if known is not None and known.job is not None and known.seen == seen:
        job = known.job
        # A due time that was found earlier may lie behind what is accounted for by now.
        phase = None if seen is None else (seen.next_due, seen.paused)
        ahead = job.next_due is None or to_us(job.next_due) > now_us
        if ahead if phase is None else phase == (job.next_due, job.paused):
            return known
    if live is None:
        return Drafted(planned.added(move, actor), None)
    return Drafted(await planned.changed(move, live, now_us, actor), seen, now_us)


async def staged(
    core: Core,
    commands: Commands,
    writes: JobWrites,
    moves: Sequence[Move],
    drafts: Drafts,
    actor: str,
) -> list[Step]:
    """The steps for jobs that are held; first what goes, so that its name is free."""
    gone: list[Step] = []
    kept: list[Step] = []
    new: list[Step] = []
    turns = Turns()
    for move in moves:
        job, _, at_us = drafts[move.name]
        live = None if move.old is None else core.jobs.by_id(move.old.id)
        if live is not None and job is None:
            removal = await commands.removal(live, actor)
            gone.append(Step(removal.write, removal.done))
        elif live is not None and job is not None:
            kept.append(await _edit(core, writes, live, job, move, actor, at_us))
        elif job is not None:
            new.append(_insertion(writes, job, actor))
        await turns.next()
    return [*gone, *kept, *new]


async def _edit(
    core: Core, writes: JobWrites, live: LiveJob, changed: Job, move: Move, actor: str, at_us: int
) -> Step:
    before = live.current()
    resumed = before.paused and not changed.paused
    rows: tuple[NewRun, ...] = ()
    otherwise = "" if resumed else f"changed by {actor} just then"
    moved = (changed.trigger, changed.timezone) != (before.trigger, before.timezone)
    if not moved and (resumed or (changed.paused and changed.next_due != before.next_due)):
        rows, next_due, problem = await goes_on(core, live, at_us, otherwise)
        if problem and resumed:
            raise ConflictError(
                f"{live.full_name} cannot be resumed: {problem}; nothing was changed, try again "
                "once its trigger answers"
            )
        # What was due under another pause is owed, as in `Pauses.begin`.
        changed = replace(changed, next_due=before.next_due if problem else next_due)
        rows = () if problem else rows
    elif resumed or changed.next_due != before.next_due:
        follows, _ = core.trigger_of(changed)
        rows = await writes.replaced(live, at_us, otherwise, follows)

    def also(tx: StoreTx) -> None:
        if resumed:
            tx.count_failures([Failing(live.id, 0, True)])

    action = _action(changed, move)
    staged = await writes.staged(live, changed, actor, action, rows, also)

    def then() -> None:
        if resumed:
            live.failures = 0

    return Step(staged.write, staged.done, then)


def _action(changed: Job, move: Move) -> str:
    """What the audit trail calls it: as the command that does the same."""
    if {change.field for change in move.change.fields} <= set(PAUSE):
        return "job.pause" if changed.paused else "job.resume"
    return "job.revert" if move.reverted else "job.edit"


def _insertion(writes: JobWrites, job: Job, actor: str) -> Step:
    created: list[Job] = []

    def write(tx: StoreTx) -> None:
        created[:] = [tx.insert_job(job)]
        writes.audit(tx, actor, "job.create", created[0], {"after": told(created[0])})

    return Step(write, lambda: writes.entered(created[0]))
