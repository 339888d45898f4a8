"""What follows the end of an attempt: another one, or the end of its run."""

from __future__ import annotations

import json
import random
from typing import NamedTuple

from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.chains import Child, plain
from schedtui.errors import SchedtuiError, StoreDataError
from schedtui.models import RunState, Source
from schedtui.policies import Effective, worth_retrying
from schedtui.protocols import Ended, Finish, Notice, Success

REFUSED = "the store refused this run's outcome"
MAX_LOST = 3
"""So many attempts may be lost before ``on_lost="rerun"`` gives up."""


class End(NamedTuple):
    """The end of an attempt on its way to the store."""

    run: LiveRun
    finish: Finish
    not_before_us: int
    """When the next attempt is due; 0 where it was the last one."""
    children: tuple[Child, ...] = ()
    """The runs that follow it, written with it."""
    bare: bool = False
    """Whether the store has refused it, so that only its state is left of it."""
    notices: tuple[Notice, ...] = ()
    """What is told of it, written with it."""
    plain: bool = False
    """Whether the store has refused that too, so that what follows it is missed."""
    counts: bool = False
    """Whether it changes how many runs of the job have failed in a row."""

    @property
    def succeeded(self) -> bool:
        """Whether it is a success."""
        return self.finish.state is RunState.SUCCEEDED


def finish_of(run: LiveRun, ended: Ended) -> Finish:
    """What the store is told of the end of an attempt."""
    sink = run.sink
    return Finish(
        run.id,
        run.attempt,
        run.token,
        ended.state,
        run.started_at_us,
        max(ended.finished_at_us, run.started_at_us),
        ended.reason,
        ended.error_type,
        ended.error,
        ended.traceback,
        ended.result,
        ended.result_is_json,
        sink.last_seq if sink is not None else run.log_lines,
        sink.dropped if sink is not None else 0,
        sink.progress if sink is not None else None,
        sink.progress_text if sink is not None else None,
        run.code,
        json.dumps(run.late, sort_keys=True) if run.late else None,
    )


def success_of(end: End) -> Success:
    """What a job that guards its periods remembers of a success."""
    return Success(end.run.job.id, end.run.id, end.run.moment_us)


def as_asked(asked: tuple[RunState, str], ended: Ended) -> Ended:
    """The end of a run, as what it was asked for; one that finished all the same has finished."""
    if ended.state is RunState.SUCCEEDED:
        return ended
    state, reason = asked
    kinds = ("TimeoutError",) if state is RunState.TIMED_OUT else ()
    return ended._replace(state=state, reason=ended.reason or reason, kinds=kinds)


_RETRIED = frozenset({RunState.FAILED, RunState.TIMED_OUT})


def retry_delay_s(policies: Effective, attempt: int, ended: Ended) -> float | None:
    """Seconds until the next attempt; None where there is none.

    Args:
        policies: What rules the job.
        attempt: The attempt that ended, 1 for the first.
        ended: How it ended.
    """
    if ended.state not in _RETRIED or attempt > policies.retries:
        return None
    raised = ended.kinds or ((ended.error_type,) if ended.error_type else ())
    if not worth_retrying(policies.retry_on, raised):
        return None
    spread = random.uniform(1 - policies.retry_jitter, 1 + policies.retry_jitter)  # noqa: S311 - spreads load, guards nothing
    return min(_delay_s(policies, attempt) * spread, policies.retry_max_delay_s)


def not_later_us(run: LiveRun, now_us: int) -> int:
    """When a queued run may start, at the latest as long from now as its policies let it wait.

    What is written is a moment of the wall clock, and that may have been set back since.
    """
    policies = run.job.policies
    if not run.not_before_us:
        return 0
    if run.attempt:
        longest_s = _delay_s(policies, run.attempt) * (1 + policies.retry_jitter)
        longest_us = round(min(longest_s, policies.retry_max_delay_s) * 1e6)
    elif run.source is Source.SCHEDULE:
        longest_us = policies.jitter_us
    else:
        return run.not_before_us
    return min(run.not_before_us, now_us + longest_us)


def _delay_s(policies: Effective, attempt: int) -> float:
    """Seconds between an attempt and the next one, before they are varied."""
    try:
        delay_s = policies.retry_delay_s * policies.retry_backoff ** (attempt - 1)
    except OverflowError:
        delay_s = policies.retry_max_delay_s
    return min(delay_s, policies.retry_max_delay_s)


def bared(end: End, error: SchedtuiError) -> End | None:
    """An outcome as what a store that refused it may still take; None where that is nothing more.

    Its own text is left out first, and only then the runs that follow it.
    """
    if not end.bare:
        return end._replace(finish=_bare(end.finish, error), bare=True)
    if end.plain or not end.children or not isinstance(error, StoreDataError):
        return None
    return end._replace(children=plain(end.children, error), plain=True)


def _bare(finish: Finish, error: SchedtuiError) -> Finish:
    return finish._replace(
        error_type=None,
        error=f"{REFUSED}: {error}",
        traceback=None,
        result=None,
        result_is_json=False,
        progress_text=None,
    )


def counted(end: End) -> Finish:
    """An outcome with the lines that were dropped while it waited for the store."""
    run, finish = end.run, end.finish
    if run.sink is None or run.sink.dropped == finish.log_dropped:
        return finish
    return finish._replace(log_dropped=run.sink.dropped)
