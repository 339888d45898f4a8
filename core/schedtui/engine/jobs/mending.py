"""Jobs without a next due time, whose triggers are asked again."""

from __future__ import annotations

from dataclasses import replace

from schedtui.engine.core import Core
from schedtui.engine.jobs.draft import next_due_after
from schedtui.engine.jobs.owed import FAILED, goes_on, is_known, note_broken
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob
from schedtui.protocols import StoreTx


async def ask_again(core: Core, writes: JobWrites, live: LiveJob, actor: str, action: str) -> None:
    """Let a held job go on, what it owes with its rows, where its trigger answers by now.

    Where it fails, the job is broken and says so, once; nothing else is written then.

    Raises:
        ConflictError, StoreUnavailableError: nothing was written.
    """
    if live.next_due_us is not None or _ended(live, core.clock.now_us()):
        return
    rows, next_due, problem = await goes_on(core, live, core.clock.now_us())
    was = live.problem
    if problem:
        if not was and not await is_known(core, live):
            await _note(core, writes, live, problem)
        _tell(core, live, problem)
    elif rows or next_due is not None:
        await writes.replace(live, replace(live.current(), next_due=next_due), actor, action, rows)
    if not problem and was.startswith(FAILED):
        _tell(core, live, "")


async def _note(core: Core, writes: JobWrites, live: LiveJob, problem: str) -> None:
    """Say since when it fails, in the audit trail and to whom it may concern."""
    notices = core.alerts.of_broken(live, problem)

    def apply(tx: StoreTx) -> None:
        note_broken(tx, live, problem, core.clock.now_us())
        core.alerts.post(tx, notices)

    await writes.write(apply, lambda: core.alerts.committed(notices))


def _ended(live: LiveJob, now_us: int) -> bool:
    """Whether there is nothing to be found out: a trigger of ours says what it said before."""
    trigger, last_us = live.trigger, live.last_due_us
    if trigger is None or trigger.dueless:
        return True
    return not trigger.foreign and next_due_after(trigger, last_us, now_us) is None


def _tell(core: Core, live: LiveJob, problem: str) -> None:
    live.problem = problem
    core.problem(f"job {live.id}", f"{live.full_name}: {problem}" if problem else None)
    core.hub.job(live.id)
