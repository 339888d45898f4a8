"""What becomes of due times: pure, from a job's trigger and policies, and the time.

Nothing here reads a clock, a store or a registry. Every due time that is passed comes out in
exactly one `Verdict`, alone or in one that stands for a stretch.
"""

from __future__ import annotations

from typing import NamedTuple

from schedtui.clock import from_us
from schedtui.models import CatchUp, RunState, Source
from schedtui.policies import Effective
from schedtui.triggers import Trigger

SINGLE_ROWS = 100
"""So many of the newest due times of a stretch get a row each; the rest share one."""


class Verdict(NamedTuple):
    """What becomes of one due time, or of a stretch of them."""

    scheduled_for_us: int
    """The due time; the newest one of a stretch."""
    state: RunState | None
    """None: it runs."""
    source: Source
    reason: str | None
    range_from_us: int | None = None
    range_count: int | None = None


class Decision(NamedTuple):
    """All due times up to now decided, and where the job goes on."""

    next_due_us: int | None
    last_due_us: int
    verdicts: tuple[Verdict, ...]


def decide(
    trigger: Trigger,
    due_us: int,
    now_us: int,
    policies: Effective,
    *,
    active: str | None,
    absence: str | None = None,
) -> Decision:
    """Decide every due time of a job from ``due_us`` up to ``now_us``.

    Of several that are found together the newest one may run; the older ones were due while it was
    not yet decided, and get their rows.

    Args:
        trigger: The job's.
        due_us: Its first due time that is not accounted for; not after ``now_us``.
        now_us: The engine's wall clock.
        policies: What rules the job.
        active: What to call its run that is still active; None when there is none.
        absence: Why nobody was there to find it in time, for the reason of a ``missed`` row.
    """
    next_us = trigger.next_after_us(due_us)
    if next_us is None or next_us > now_us:
        verdict = _newest(due_us, now_us, policies, active, absence)
        return Decision(next_us, due_us, (verdict,))
    stretch = _stretch(trigger, due_us, now_us)
    newest_us = stretch.singles[-1]
    last = _newest(newest_us, now_us, policies, active, absence)
    older = [
        _older(moment_us, now_us, policies, last, newest_us, active, absence)
        for moment_us in stretch.singles[:-1]
    ]
    if stretch.older:
        shared = _older(stretch.until_us, now_us, policies, last, newest_us, active, absence)
        older.insert(0, shared._replace(range_from_us=due_us, range_count=stretch.older))
    return Decision(trigger.next_after_us(newest_us), newest_us, (*older, last))


def account(
    trigger: Trigger, due_us: int, now_us: int, state: RunState, reason: str
) -> tuple[Verdict, ...]:
    """Rows for the due times from ``due_us`` up to ``now_us`` that nobody decides: all alike."""
    if due_us > now_us:
        return ()
    stretch = _stretch(trigger, due_us, now_us)
    rows = [Verdict(moment_us, state, Source.SCHEDULE, reason) for moment_us in stretch.singles]
    if stretch.older:
        shared = Verdict(stretch.until_us, state, Source.SCHEDULE, reason, due_us, stretch.older)
        rows.insert(0, shared)
    return tuple(rows)


class _Stretch(NamedTuple):
    singles: list[int]
    """The newest due times, ascending; never empty."""
    until_us: int
    """The newest due time before them."""
    older: int
    """How many there are before them."""


def _stretch(trigger: Trigger, due_us: int, now_us: int) -> _Stretch:
    # ``due_us`` counts even where the trigger no longer knows it: zone data may have changed.
    singles = trigger.newest(due_us, now_us, SINGLE_ROWS)
    if len(singles) < SINGLE_ROWS:
        return _Stretch([due_us, *singles], due_us, 0)
    first_us = singles[0]
    before = trigger.newest(due_us, first_us - 1, 1) or [due_us]
    return _Stretch(singles, before[0], 1 + trigger.count(due_us, first_us - 1))


def _newest(
    due_us: int, now_us: int, policies: Effective, active: str | None, absence: str | None
) -> Verdict:
    late_us = now_us - due_us
    source = Source.SCHEDULE
    if late_us > policies.grace_us:
        if policies.catch_up is CatchUp.SKIP:
            return Verdict(due_us, RunState.MISSED, source, _missed(late_us, policies, absence))
        source = Source.CATCHUP
    if active is not None:
        return Verdict(due_us, RunState.SKIPPED, source, f"overlap: {active} is still active")
    return Verdict(due_us, None, source, None)


def _older(
    due_us: int,
    now_us: int,
    policies: Effective,
    newest: Verdict,
    newest_us: int,
    active: str | None,
    absence: str | None,
) -> Verdict:
    late_us = now_us - due_us
    if late_us > policies.grace_us:
        reason = _missed(late_us, policies, absence)
        return Verdict(due_us, RunState.MISSED, Source.SCHEDULE, reason)
    if newest.state is None:
        reason = f"overlap: found together with {from_us(newest_us):%H:%M:%S}Z, which runs"
    else:
        reason = f"overlap: {active} is still active"
    return Verdict(due_us, RunState.SKIPPED, Source.SCHEDULE, reason)


def _missed(late_us: int, policies: Effective, absence: str | None) -> str:
    late = f"found {late_us / 1e6:.1f} s late, past its grace of {policies.grace_us / 1e6:g} s"
    return f"{late}: {absence}" if absence else late
