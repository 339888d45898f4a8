"""Why a job ran, or did not, at a moment: asked of memory, of the store, and of the schedule.

Nothing is written, and the tick does not wait: the loop is asked for what only memory knows, all
else is read on a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from schedtui.clock import from_us
from schedtui.engine.explain import became, because
from schedtui.engine.explain.case import Case, Present
from schedtui.engine.explain.lookup import Lookup
from schedtui.engine.jobs.idle import idle_reason
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.running import Running
from schedtui.models import DueTime, Explanation, Fact, FactKind, JobState, Run, RunState
from schedtui.models.names import split_name
from schedtui.triggers import Trigger

T = TypeVar("T")


class _Asked(NamedTuple):
    """What memory knows of the job of that name that lives now; None and False where none does."""

    live: LiveJob | None
    trigger: Trigger | None
    present: Present


async def explain(running: Running, name: str, at: datetime | str | None) -> Explanation:
    """Explain a moment; see `EngineClient.explain`."""
    group, job = split_name("job", name)

    async def ask() -> _Asked:
        return _asked(running, group, job)

    asked = await running.on_loop(ask)
    live = None if asked.live is None else asked.live.current()

    async def off_loop(work: Callable[[], T]) -> T:
        return await running.on_loop(lambda: running.core.off_loop_asking(asked.trigger, work))

    lookup = Lookup(running.core, f"{group}/{job}", live, asked.trigger, asked.present)
    case = await off_loop(lambda: lookup.case(at))
    run = case.run
    if run is not None and run.state is RunState.QUEUED:
        run_id = run.id

        async def waits() -> str:
            return _waits(running, run_id)

        case = replace(case, waits=await running.on_loop(waits))
    return await off_loop(lambda: explained(case))


def explained(case: Case) -> Explanation:
    """What was found out, in words."""
    run = case.run
    facts = list(because.of_moment(case) if run is None else became.of_row(case, run))
    later = list(became.backfilled(case))
    facts[1:1] = later
    facts += because.daylight_saving(case)
    if case.due is not None:
        facts += because.edited(case)
    facts += became.unscheduled(case)
    facts = _with_present(case, _ordered(facts))
    ids = [] if run is None else [run.id]
    ids += [fact.run_id for fact in facts if fact.run_id is not None]
    return Explanation(
        job=case.name,
        job_id=case.job_id,
        timezone=case.zone,
        asked=_due_time(case.asked, case.zone),
        due=None if case.due is None else _due_time(case.due, case.zone),
        ran=any(_began(one) for one in (*case.rows[:1], *case.backfills)),
        state=None if run is None else run.state,
        summary=f"{_summary(case, facts)}{_made_good(later)}.",
        facts=tuple(facts),
        runs=tuple(dict.fromkeys(ids)),
        before=None if case.before is None else _due_time(case.before, case.zone),
        after=None if case.after is None else _due_time(case.after, case.zone),
    )


def _ordered(facts: list[Fact]) -> list[Fact]:
    """What explains a moment that is not due goes before the mere statement of it."""
    last = [fact for fact in facts if fact.kind is FactKind.NOT_DUE]
    if not last or facts[0].kind is not FactKind.NOT_DUE:
        return facts
    first = [fact for fact in facts if fact.kind is FactKind.DST]
    rest = [fact for fact in facts if fact not in first]
    return [*first, *rest]


def _with_present(case: Case, facts: list[Fact]) -> list[Fact]:
    """What keeps the job from firing now goes before that it is not due, and after a run."""
    told = {fact.kind for fact in facts}
    present = [
        fact
        for fact in because.of_present(case)
        if fact.kind not in told or (fact.kind is FactKind.PAUSED and fact not in facts)
    ]
    return [*facts, *present] if case.due is not None else [*present, *facts]


def _summary(case: Case, facts: list[Fact]) -> str:
    why = facts[0].text if facts else "nothing is known about it"
    moment = because.moment_text(case.moment, case.zone)
    run = case.run
    if run is not None:
        if _began(run):
            said = "ran" if run.state is not RunState.QUEUED else "is to run again"
        else:
            said = "has not run yet" if run.state is RunState.QUEUED else "did not run"
        return f"{case.name} {said} for {moment}: {why}"
    past = case.moment <= case.present.now
    if case.due is None and case.unasked and facts and facts[0].kind is FactKind.BROKEN:
        return (
            f"nobody can tell whether {case.name} {'was' if past else 'is'} due at {moment}: {why}"
        )
    if case.due is not None:
        ahead = "is due at" if facts[0].kind is FactKind.UPCOMING else "will not run for"
        return f"{case.name} {'did not run for' if past else ahead} {moment}: {why}"
    return f"{case.name} {'was' if past else 'is'} not due at {moment}: {why}"


def _made_good(later: list[Fact]) -> str:
    return f"; {later[0].text}" if later else ""


def _began(run: Run) -> bool:
    return run.attempt > 0 or run.started_at is not None


def _due_time(at: datetime, zone: str) -> DueTime:
    return DueTime(at=at, local=at.astimezone(ZoneInfo(zone)).isoformat())


# --- on the engine's loop


def _asked(running: Running, group: str, name: str) -> _Asked:
    core = running.core
    now = from_us(core.clock.now_us())
    live = core.jobs.find(group, name)
    if live is None:
        return _Asked(None, None, Present(now, "", False, None))
    broken = live.problem if live.state is JobState.BROKEN else ""
    pending = "; ".join(core.problems.get(key, "") for key in ("claims", "store")).strip("; ")
    present = Present(
        now=now,
        problem=broken,
        finished=live.state is JobState.FINISHED,
        pending=pending if live.fires else _held(running, live),
    )
    return _Asked(live, live.trigger, present)


def _held(running: Running, live: LiveJob) -> str | None:
    """What decides a due time from before a pause of the engine; None where nothing will."""
    pause = running.halt.now
    if pause is None or idle_reason(live) != live.halted:
        return None
    since = because.moment_text(from_us(pause.since_us), live.job.timezone)
    return f"it is decided when the engine, paused by {pause.by} since {since}, is resumed"


def _waits(running: Running, run_id: int) -> str:
    """What a run waits for now; empty where it has started meanwhile."""
    run = running.core.run(run_id)
    if run is None or run.state is not RunState.QUEUED:
        return ""
    now_us = running.core.clock.now_us()
    if run.not_before_us > now_us:
        ahead = because.span_text((run.not_before_us - now_us) / 1e6)
        if run.attempt:
            return f"for its next attempt, which is due in {ahead}"
        return f"until its jitter has passed, in {ahead}"
    if not run.holds_job:
        others = ", ".join(str(one.id) for one in _before(run))
        return f"for its turn: {f'run {others}' if others else 'another run'} of its job is active"
    for limit in run.limits:
        if limit.full:
            return (
                f"for a place in {limit.name}, which has all {limit.capacity} of its places taken"
            )
    return "for a free slot of its executor"


def _before(run: LiveRun) -> Iterator[LiveRun]:
    return (one for one in run.job.running.values() if one is not run and one.holds_job)
