"""Jobs without a next due time, whose triggers are asked again."""

from __future__ import annotations

from dataclasses import replace

from schedtui.engine.core import Core
from schedtui.engine.jobs.draft import next_due_after
from schedtui.engine.jobs.owed import FAILED, goes_on
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob


async def ask_again(core: Core, writes: JobWrites, live: LiveJob, actor: str, action: str) -> None:
    """Let a held job go on, what it owes with its rows, where its trigger answers by now.

    Where it fails, the job is broken and says so; nothing is written then.

    Raises:
        ConflictError, StoreUnavailableError: nothing was written.
    """
    if live.next_due_us is not None or _ended(live, core.clock.now_us()):
        return
    rows, next_due, problem = await goes_on(core, live, core.clock.now_us())
    was = live.problem
    if problem:
        _tell(core, live, problem)
    elif rows or next_due is not None:
        await writes.replace(live, replace(live.current(), next_due=next_due), actor, action, rows)
    if not problem and was.startswith(FAILED):
        _tell(core, live, "")


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
