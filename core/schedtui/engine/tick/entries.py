"""One job in a claim: what its trigger said, decided, and the rows that follow."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.live.slots import Pool
from schedtui.engine.tick.decide import NOBODY, Decision, Found, Verdict, find, judge
from schedtui.engine.tick.newruns import claimed_row, decided_row, names_at, new_run
from schedtui.models import RunState, Source
from schedtui.protocols import Claim, NewRun
from schedtui.triggers import Trigger

logger = logging.getLogger("schedtui.tick")


class Entry(NamedTuple):
    """One job in a claim."""

    job: LiveJob
    claim: Claim
    runs: tuple[LiveRun, ...]
    """Those of its rows that are to run."""


def due_of(job: LiveJob) -> tuple[int, Trigger]:
    """The first due time of a job that is not decided, and what knows the later ones."""
    due_us, trigger = job.next_due_us, job.trigger
    if due_us is None or trigger is None:
        raise RuntimeError(f"{job.full_name} has no due time to claim")
    return due_us, trigger


def named(job: LiveJob, last_us: int) -> Callable[[], Found]:
    """A question for another thread: all that the trigger of a due job has to say, names too.

    ``last_us``: the last moment that is asked about.
    """
    (due_us, trigger), policies = due_of(job), job.policies

    def question() -> Found:
        found = find(trigger, due_us, last_us, policies)
        names = {one: told for one in found.moments if (told := names_at(trigger, one))}
        return found._replace(names=names)

    return question


def enter(
    core: Core,
    job: LiveJob,
    now_us: int,
    until_us: int | None = None,
    *,
    pool: Pool | None = None,
) -> Entry:
    """A due job whose trigger answers at once.

    ``until_us``: the last moment of the due times that are decided, where that is not now.
    """
    due_us, trigger = due_of(job)
    found: Found | Exception
    try:
        found = find(trigger, due_us, now_us if until_us is None else until_us, job.policies)
    except Exception as error:  # noqa: BLE001 - told with the claim
        found = error
    return answered(core, job, due_us, now_us, found, pool)


def answered(
    core: Core,
    job: LiveJob,
    due_us: int,
    now_us: int,
    found: Found | Exception,
    pool: Pool | None = None,
) -> Entry:
    """A due job, by what its trigger said; by the error, where it failed.

    The places that its runs need are taken.
    """
    names = None
    try:
        if isinstance(found, Exception):
            raise found
        names = found.names
        decision = judge(
            found,
            due_us,
            now_us,
            job.policies,
            active=job.competing() if job.active else NOBODY,
            fired=job.fired,
            absence=core.absence,
            once=None if job.once is None else job.once.verdicts,
        )
    except Exception as error:
        logger.error("the trigger of %s failed", job.full_name, exc_info=error)
        reason = job.problem = f"its trigger failed: {type(error).__name__}: {error}"
        core.problem(f"job {job.id}", f"{job.full_name}: {reason}")
        verdict = Verdict(due_us, RunState.MISSED, Source.SCHEDULE, reason)
        decision = Decision(None, due_us, (verdict,))
    if pool is None:
        pool = core.pool_of(job.job.function)
    rows: list[NewRun] = []
    runs: list[LiveRun] = []
    for verdict in decision.verdicts:
        run_id = next(core.run_ids)
        moment_us = verdict.scheduled_for_us
        if verdict.state is not None:
            rows.append(decided_row(run_id, job, verdict, core.epoch, now_us))
            continue
        run = new_run(
            run_id,
            job,
            pool,
            source=verdict.source,
            scheduled_for_us=moment_us,
            kwargs=job.kwargs,
            now_us=now_us,
        )
        runs.append(run)
        said = _names(job, moment_us, names) if job.named else None
        rows.append(claimed_row(core, run, job.kwargs_json, now_us, said))
    claim = Claim(
        decision.next_due_us,
        decision.last_due_us,
        job.id,
        job.version,
        due_us,
        tuple(rows),
        job.fired + len(runs),
    )
    return Entry(job, claim, tuple(runs))


def _names(job: LiveJob, moment_us: int, known: Mapping[int, str] | None) -> str | None:
    if known is not None:
        return known.get(moment_us)
    return None if job.trigger is None else names_at(job.trigger, moment_us)
