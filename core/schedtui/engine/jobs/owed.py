"""Due times that the tick does not decide: their rows, and where their job goes on.

What a trigger cannot be asked about is owed, and nobody guesses: its job has no next due time, and
once the trigger answers again each due time since the last one that has a row gets its own, with
what ruled it then. The audit trail knows that, whatever was done to the job or its engine since.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from schedtui.clock import from_us, to_us
from schedtui.engine.backfill.notes import noted, own_reason
from schedtui.engine.core import Core
from schedtui.engine.jobs.accounting import (
    Accounting,
    Listed,
    after,
    alike,
    by_stretch,
    finished,
    late,
)
from schedtui.engine.jobs.draft import next_due_after
from schedtui.engine.jobs.idle import PAUSED_BY, Past, Stretch, idle_reason, past_of
from schedtui.engine.live.job import LiveJob
from schedtui.engine.tick.decide import Verdict, decide
from schedtui.engine.tick.newruns import decided_row
from schedtui.errors import StoreUnavailableError
from schedtui.models import RunState, Source
from schedtui.protocols import NewRun, StoreTx
from schedtui.triggers import Trigger

logger = logging.getLogger("schedtui.engine")

TRIGGER = "its trigger"
"""How the problem of a job begins whose trigger failed or cannot be read."""
FAILED = f"{TRIGGER} failed"
JUST_THEN = "just then"
"""How the reason ends of what was due before somebody did something, and was not decided."""
BROKEN = "job.broken"
"""The line of the audit trail that says since when a trigger fails, where no row says it."""
ACTOR = "engine"


def note_broken(tx: StoreTx, live: LiveJob, problem: str, now_us: int) -> None:
    """Say in the audit trail since when the trigger of a job fails."""
    said = json.dumps({"reason": problem, "before": {}, "after": {}}, sort_keys=True)
    tx.audit(now_us, ACTOR, BROKEN, live.full_name, said, subject=live.id)


class GoesOn(NamedTuple):
    """A job whose due times up to a moment have their rows."""

    rows: tuple[NewRun, ...]
    next_due: datetime | None
    problem: str = ""
    """How its trigger failed: then only what was known has a row, and the rest is owed."""


class Passed(NamedTuple):
    """What became of the due times of a job up to a moment."""

    rows: tuple[NewRun, ...]
    problem: str = ""
    """How the trigger failed that was to tell the others: they are owed."""


class Told(NamedTuple):
    """What a trigger said of the due times up to a moment."""

    rows: tuple[NewRun, ...] = ()
    next_us: int | None = None
    """The first due time after them, from the same answers as the rows."""
    asked: bool = False
    """Whether it was asked at all: else it owes nothing up to that moment."""


def failed(error: Exception) -> str:
    """What is wrong with a job whose trigger failed."""
    return f"{FAILED}: {type(error).__name__}: {error}"


async def goes_on(core: Core, live: LiveJob, until_us: int, otherwise: str = "") -> GoesOn:
    """Account for a job up to a moment, and find where it goes on; both, or it says why not.

    ``otherwise``: why, for due times at which it did fire.

    Raises:
        StoreUnavailableError: what ruled it cannot be read now.
    """
    due_us, trigger = live.next_due_us, live.trigger
    if due_us is not None and due_us > until_us:
        return GoesOn((), from_us(due_us))
    try:
        told = await asked(core, live, until_us, otherwise)
        if not told.asked:
            last_us = live.last_due_us
            next_due = await core.asking.ask(
                trigger, lambda: next_due_after(trigger, last_us, until_us)
            )
            return GoesOn((), next_due)
    except StoreUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 - a trigger of the user's own may raise anything
        logger.warning("the trigger of %s failed: %s", live.full_name, error)
        rows, problem = await unasked(core, live, until_us, failed(error), otherwise)
        return GoesOn(rows, None, problem)
    return GoesOn(told.rows, None if told.next_us is None else from_us(told.next_us))


async def passed(
    core: Core,
    live: LiveJob,
    until_us: int,
    otherwise: str,
    state: RunState = RunState.SKIPPED,
    under: Trigger | None = None,
) -> Passed:
    """`asked`, for a job that is to go or gets another schedule, whatever its trigger does.

    Raises:
        StoreUnavailableError: what ruled it cannot be read now.
    """
    try:
        return Passed((await asked(core, live, until_us, otherwise, state, under)).rows)
    except StoreUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 - it keeps no job from being deleted
        logger.warning("the trigger of %s failed: %s", live.full_name, error)
        return await unasked(core, live, until_us, failed(error), otherwise, state, under)


async def asked(
    core: Core,
    live: LiveJob,
    until_us: int,
    otherwise: str,
    state: RunState = RunState.SKIPPED,
    under: Trigger | None = None,
) -> Told:
    """Rows for the due times that nobody decided, under the schedule or the pause that ends.

    Args:
        core: The engine's parts.
        live: The job as it was until then.
        until_us: The last moment of it: now, or before.
        otherwise: Why, where the job did fire.
        state: What they are then, ``missed`` also by a downtime; those of a job that did not fire
            are ``skipped``.
        under: Its schedule from now on, for a job whose own had failed (`came_back`).

    Raises:
        Exception: its trigger failed, or what it said contradicts itself.
    """
    trigger, due_us = live.trigger, live.next_due_us
    if trigger is not None and live.exhausted and live.last_due_us is not None:
        question = partial(finished, trigger, live.last_due_us, until_us)
        return await _told(core, live, await core.asking.ask(trigger, question))
    if trigger is None or due_us is None:
        return await came_back(core, live, until_us, under, otherwise)
    if due_us > until_us:
        return Told()
    if live.job.paused:  # what it did fire at was due before that
        state, otherwise = RunState.SKIPPED, _just_then(live)
    reason = _reason(core, state, otherwise)
    fires: Accounting = partial(alike, state=state, reason=reason)
    absent = live.job.paused and core.absence(due_us, due_us)
    stretches = await _stretches(core, live, due_us, until_us)
    if absent or (live.halted and idle_reason(live) == live.halted):
        paused_us = _paused_us(stretches) if live.job.paused else None
        now_us = core.clock.now_us() if paused_us is None else paused_us
        found = partial(decide, now_us=now_us, policies=live.policies, absence=core.absence)
        fires = partial(late, found=found, state=state, reason=reason)
    question = partial(by_stretch, trigger, due_us, stretches, fires)
    return await _told(core, live, await core.asking.ask(trigger, question))


async def unasked(
    core: Core,
    live: LiveJob,
    until_us: int,
    problem: str,
    otherwise: str,
    state: RunState = RunState.SKIPPED,
    under: Trigger | None = None,
) -> Passed:
    """`asked`, where its trigger fails: what is known, and what the schedule it gets can tell."""
    due_us = live.next_due_us
    if live.exhausted or (under is not None and under.dueless):
        problem = ""  # nothing is owed, or by nobody who could tell
    if due_us is None or due_us > until_us:
        return Passed((), problem)
    stretches = await _stretches(core, live, due_us, until_us)
    reason = stretches[0].reason
    known = RunState.SKIPPED if reason else state
    if not reason and (live.job.paused or state is RunState.MISSED):
        absence = core.absence(due_us, due_us)
        if live.job.paused:  # from before that pause
            known = RunState.MISSED if absence else RunState.SKIPPED
        reason = absence or (_just_then(live) if live.job.paused else otherwise)
    verdicts: tuple[Verdict, ...] = (Verdict(due_us, known, Source.SCHEDULE, reason or otherwise),)
    if under is not None and under is not live.trigger and not under.dueless:
        fires = partial(alike, state=state, reason=_reason(core, state, otherwise))
        question = partial(after, under, due_us, stretches, fires)
        try:
            verdicts += (await core.asking.ask(under, question)).verdicts
            problem = ""
        except Exception as error:  # noqa: BLE001 - the user's code too
            logger.warning("the new trigger of %s failed: %s", live.full_name, error)
    return Passed(await _rows(core, live, verdicts), problem)


async def came_back(
    core: Core, live: LiveJob, until_us: int, under: Trigger | None, otherwise: str = ""
) -> Told:
    """Rows for all that is owed up to a moment by a job that has no next due time.

    By its own schedule, where that can be told by now, else by the one it gets (``under``).
    ``otherwise``: why, where nothing had failed and its schedule cannot be read any more.

    Raises:
        Exception: neither can be asked.
    """
    own = core.trigger_of(live.job)[0]
    if live.job.damage or (own is not None and own.dueless):
        return Told()
    last_us, job = live.last_due_us, live.current()
    after_us = to_us(job.created_at) if last_us is None else last_us
    past = await core.off_loop(past_of, core.store, job)
    why, since_us = await _failure(core, live, past, otherwise)
    triggers = [one for one in (own, under) if one is not None and not one.dueless]
    if not why or not triggers or after_us >= until_us:
        return Told()
    if live.next_due_us is not None:  # it was not its trigger that kept it from being found
        since_us = until_us + 1
    down = _reason(core, RunState.MISSED, why)

    def reason(one: Verdict) -> str:
        return down(one) if one.scheduled_for_us < since_us else why

    fires = partial(alike, state=RunState.MISSED, reason=reason)
    stretches = past.stretches(after_us + 1, until_us)
    errors: list[Exception] = []
    for trigger in triggers:
        try:
            question = partial(after, trigger, after_us, stretches, fires)
            return await _told(core, live, await core.asking.ask(trigger, question))
        except Exception as error:  # noqa: BLE001 - it may well fail still
            errors.append(error)
    raise errors[0]


async def is_known(core: Core, live: LiveJob) -> bool:
    """Whether a row or the audit trail says that the trigger of a job without a due time fails."""
    past = await core.off_loop(past_of, core.store, live.current())
    return (await _failure(core, live, past, ""))[0].startswith(FAILED)


async def _failure(core: Core, live: LiveJob, past: Past, otherwise: str) -> tuple[str, int]:
    """Why the due times of a job were not asked for; empty where its trigger did not fail.

    And since when that was so (microseconds), where the audit trail alone knows.
    """
    if live.next_due_us is not None:  # it did fire; only now its trigger cannot be read
        unread = live.problem if live.problem.startswith(TRIGGER) else ""
        return otherwise if live.job.static else unread, 0
    last_us, rows = live.last_due_us, []
    if last_us is not None:
        rows = await core.off_loop(core.store.due_runs, live.id, last_us, last_us, limit=10)
    line = past.job.newest(BROKEN)
    said = [(own_reason(run.reason), 0) for run in rows]
    if line is not None and to_us(line.at) >= (last_us or 0) and not past.job.rescheduled(line.at):
        said.append((str(line.detail.get("reason") or ""), to_us(line.at)))
    said = [one for one in (*said, (live.problem, 0)) if one[0].startswith(FAILED)]
    if said:
        return said[0]
    if last_us is None:
        return f"{TRIGGER} gave no due time when its job was made", 0
    trigger = live.trigger
    if trigger is None or not trigger.foreign:
        return "", 0
    if any(limit <= live.fired for limit in past.job.limits_since(from_us(last_us))):
        return "", 0  # as many of its due times had run as were to
    return f"{TRIGGER} had given no due time after {from_us(last_us):%FT%TZ}", 0


async def _stretches(core: Core, live: LiveJob, due_us: int, until_us: int) -> list[Stretch]:
    """What ruled a job from its first undecided due time on."""
    now = idle_reason(live)
    if live.trigger is None or live.trigger.foreign:
        # It may have failed when something else began, which then accounted for nothing: what the
        # audit trail says of a pause, or of a time as an orphan, holds for that time alone.
        past = await core.off_loop(past_of, core.store, live.current())
        still = "" if live.job.paused or live.job.orphaned or now == live.halted else now
        found = past.stretches(due_us, until_us)
        return [one._replace(reason=one.reason or still) for one in found]
    since_us = core.halted_us if now and now == live.halted else due_us
    if since_us <= due_us:  # the pause of the engine is no reason for what was before
        return [Stretch(due_us, until_us, now)]
    before = Stretch(due_us, min(since_us - 1, until_us), "")
    return [before, Stretch(since_us, until_us, now)] if since_us <= until_us else [before]


def _reason(core: Core, state: RunState, otherwise: str) -> Callable[[Verdict], str]:
    """Why due times that nobody decides are what they are: missed ones by a downtime, if it was."""

    def reason(one: Verdict) -> str:
        first_us = one.scheduled_for_us if one.range_from_us is None else one.range_from_us
        absence = core.absence(first_us, one.scheduled_for_us)
        if absence and state is not RunState.MISSED and otherwise.endswith(JUST_THEN):
            return f"{otherwise}: {absence}"
        return (state is RunState.MISSED and absence) or otherwise

    return reason


def _paused_us(stretches: Sequence[Stretch]) -> int | None:
    """When a job was paused that could not be asked then: what was due is as late as it was."""
    began = (one.from_us for one in stretches if one.reason.startswith(PAUSED_BY))
    return next((us - 1 for us in began), None)


def _just_then(live: LiveJob) -> str:
    """Why a paused job did not run what was due before its pause and nobody decided."""
    return f"{PAUSED_BY} {live.job.paused_by or 'its declaration'} {JUST_THEN}"


async def _told(core: Core, live: LiveJob, listed: Listed) -> Told:
    return Told(await _rows(core, live, listed.verdicts), listed.next_us, asked=True)


async def _rows(core: Core, live: LiveJob, verdicts: Sequence[Verdict]) -> tuple[NewRun, ...]:
    now_us = core.clock.now_us()
    return tuple(
        decided_row(next(core.run_ids), live, verdict, core.epoch, now_us)
        for verdict in await noted(core, live, verdicts)
    )
