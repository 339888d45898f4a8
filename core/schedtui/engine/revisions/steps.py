"""The steps of one transaction that makes the jobs what a file says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from schedtui.engine.commands import Commands
from schedtui.engine.core import Core
from schedtui.engine.live import LiveJob
from schedtui.engine.revisions.content import PAUSE, changed_of, content_of
from schedtui.engine.revisions.moves import Move
from schedtui.engine.revisions.planned import Planned
from schedtui.engine.writes import JobWrites, told
from schedtui.errors import FieldError, FunctionNotFoundError, RefusedError
from schedtui.models import Job
from schedtui.models.gathering import gathered, refuse, said_by
from schedtui.protocols import NewRun, StoreTx

SLICE = 50
"""Jobs that are checked before others have the loop."""


class Step(NamedTuple):
    """One job's part of the transaction."""

    write: Callable[[StoreTx], object]
    """In the transaction."""
    done: Callable[[], object]
    """Once it is in the store: the engine follows."""


async def drafted(
    core: Core, moves: Sequence[Move], actor: str, *, restored: bool
) -> dict[str, Job | None]:
    """The jobs as they will be, by the name that they have in the file; None for those to go.

    Raises:
        InvalidError: with all that is wrong, each field below its job: ``jobs.Reports/x.cron``.
    """
    wanted = [(move.new["function"], move.new["kwargs"]) for move in moves if move.new is not None]
    await core.arguments.prepare(wanted)
    planned = Planned(core, moves, restored=restored)
    wrong: list[FieldError] = []
    found: dict[str, Job | None] = {}
    for number, move in enumerate(moves):
        with gathered(wrong, move.place):
            try:
                found[move.name] = _job(core, planned, move, actor)
            except FunctionNotFoundError as error:
                wrong.append(said_by(error, f"{move.place}.function"))
            except RefusedError as error:
                wrong.append(said_by(error, move.place))
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)
    refuse(wrong)
    return found


def _job(core: Core, planned: Planned, move: Move, actor: str) -> Job | None:
    if move.new is None:
        return None
    if move.old is None:
        return planned.added(move, actor)
    live = core.jobs.by_id(move.old.id)
    return None if live is None else planned.changed(move, live, core.clock.now_us(), actor)


async def staged(
    core: Core,
    commands: Commands,
    writes: JobWrites,
    moves: Sequence[Move],
    actor: str,
    *,
    restored: bool,
) -> list[Step]:
    """The steps for jobs that are held; first what goes, so that its name is free.

    Raises:
        InvalidError: as `drafted`.
    """
    jobs = await drafted(core, moves, actor, restored=restored)
    gone: list[Step] = []
    kept: list[Step] = []
    new: list[Step] = []
    for move in moves:
        job = jobs[move.name]
        live = None if move.old is None else core.jobs.by_id(move.old.id)
        if live is not None and job is None:
            removal = commands.removal(live, actor)
            gone.append(Step(removal.write, removal.done))
        elif live is not None and job is not None:
            kept.append(await _edit(core, writes, live, job, move, actor))
        elif job is not None:
            new.append(_insertion(writes, job, actor))
    return [*gone, *kept, *new]


async def _edit(
    core: Core, writes: JobWrites, live: LiveJob, changed: Job, move: Move, actor: str
) -> Step:
    before = live.current()
    resumed = before.paused and not changed.paused
    rows: tuple[NewRun, ...] = ()
    if resumed or changed.next_due != before.next_due:
        otherwise = "" if resumed else f"changed by {actor} just then"
        rows = writes.passed(live, core.clock.now_us(), otherwise)

    def also(tx: StoreTx) -> None:
        if resumed:
            tx.count_failures({live.id: 0})

    action = _action(before, changed, move)
    staged = await writes.staged(live, changed, actor, action, rows, also)

    def done() -> None:
        staged.done()
        if resumed:
            live.failures = 0

    return Step(staged.write, done)


def _action(before: Job, changed: Job, move: Move) -> str:
    """What the audit trail calls it: as the command that does the same."""
    fields = set(changed_of(content_of(changed), content_of(before)))
    if fields <= set(PAUSE):
        return "job.pause" if changed.paused else "job.resume"
    return "job.revert" if move.reverted else "job.edit"


def _insertion(writes: JobWrites, job: Job, actor: str) -> Step:
    created: list[Job] = []

    def write(tx: StoreTx) -> None:
        created[:] = [tx.insert_job(job)]
        writes.audit(tx, actor, "job.create", created[0], {"after": told(created[0])})

    return Step(write, lambda: writes.entered(created[0]))
