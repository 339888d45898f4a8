"""What becomes of due times: pure, from a job's trigger and policies, and the time.

Nothing here reads a clock, a store or a registry. Every due time that is passed comes out in
exactly one `Verdict`, alone or in one that stands for a stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from schedtui.clock import from_us
from schedtui.errors import ForeignTriggerError
from schedtui.models import CatchUp, Overlap, RunState, Source
from schedtui.policies import Effective
from schedtui.triggers import Trigger

SINGLE_ROWS = 100
"""So many of the newest due times of a stretch get a row each; the rest share one."""

FINISHED = "finished: as many of its due times have run as max_runs says"

Absence = Callable[[int, int], str | None]
"""Why nobody was there to find in time what was due from one moment to another."""


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


class Found(NamedTuple):
    """What a trigger says of the time up to now: all that a decision needs of it."""

    next_us: int | None
    """Its first due time after now."""
    moments: tuple[int, ...]
    """The newest due times up to now, ascending; never empty."""
    older_until_us: int
    """The newest due time before them."""
    older: int
    """How many there are before them."""
    names: Mapping[int, str] | None = None
    """Which of several schedules are due at a moment; None where they were not asked for."""


class Decision(NamedTuple):
    """All due times up to now decided, and where the job goes on."""

    next_due_us: int | None
    last_due_us: int
    verdicts: tuple[Verdict, ...]


class Active(NamedTuple):
    """The runs of a job that are active, without its backfills.

    A backfill lets everything else of its job go first. So no due time is skipped because of one,
    and none replaces it: at most the run waits until a backfill that has started has ended.
    """

    runs: int
    """How many are claimed and have not ended."""
    name: str
    """What to call the newest of them in a reason."""


NOBODY = Active(0, "")


def _always_there(_first_us: int, _last_us: int) -> None:
    return None


def find(trigger: Trigger, due_us: int, last_us: int, policies: Effective) -> Found:
    """Ask a trigger for the due times from ``due_us`` up to ``last_us``, and for the next one.

    Args:
        trigger: The job's.
        due_us: Its first due time that is not accounted for; not after ``last_us``.
        last_us: The last moment that is asked about: now, or before.
        policies: What rules the job.
    """
    next_us = trigger.next_after_us(due_us)
    if next_us is None or next_us > last_us:
        return Found(next_us, (due_us,), due_us, 0)
    limit = SINGLE_ROWS
    if policies.catch_up is CatchUp.ALL:
        limit = max(limit, policies.catch_up_limit)
    singles, until_us, older = _stretch(trigger, due_us, last_us, limit)
    return Found(trigger.next_after_us(singles[-1]), tuple(singles), until_us, older)


def decide(
    trigger: Trigger,
    due_us: int,
    now_us: int,
    policies: Effective,
    *,
    active: Active = NOBODY,
    fired: int = 0,
    absence: Absence = _always_there,
    once: Callable[[list[Verdict]], list[Verdict]] | None = None,
    until_us: int | None = None,
) -> Decision:
    """Decide every due time of a job up to ``now_us``, or ``until_us``: `find`, then `judge`."""
    found = find(trigger, due_us, now_us if until_us is None else until_us, policies)
    return judge(
        found, due_us, now_us, policies, active=active, fired=fired, absence=absence, once=once
    )


def judge(
    found: Found,
    due_us: int,
    now_us: int,
    policies: Effective,
    *,
    active: Active = NOBODY,
    fired: int = 0,
    absence: Absence = _always_there,
    once: Callable[[list[Verdict]], list[Verdict]] | None = None,
) -> Decision:
    """What becomes of every due time that a trigger named.

    Where several are found together, those that are late are caught up with or missed; of the
    others as many run as overlap allows, the newest ones.

    Args:
        found: What its trigger said (`find`).
        due_us: Its first due time that is not accounted for; not after ``now_us``.
        now_us: The engine's wall clock, when they are found.
        policies: What rules the job.
        active: Its runs that are still active.
        fired: How many of its due times have run.
        absence: Asked for the reason of a ``missed`` row.
        once: Skips those whose period is taken; for a job that guards its periods.
    """
    next_us, moments = found.next_us, found.moments
    in_time = len(moments) == 1 and now_us - due_us <= policies.grace_us
    if in_time and not policies.max_runs and once is None:
        reason = overlap(policies, active) if active.runs else None
        state = None if reason is None else RunState.SKIPPED
        return Decision(next_us, due_us, (Verdict(due_us, state, Source.SCHEDULE, reason),))
    plan = _Plan(policies, now_us, active, absence)
    verdicts = plan.verdicts(moments)
    if once is not None:
        verdicts = once(verdicts)
    if policies.max_runs:
        verdicts = _at_most(verdicts, policies.max_runs - fired)
        if fired + sum(verdict.state is None for verdict in verdicts) >= policies.max_runs:
            next_us = None
    if found.older:
        verdict = plan.older(due_us, found.older_until_us, moments)
        verdicts.insert(0, verdict._replace(range_from_us=due_us, range_count=found.older))
    return Decision(next_us, moments[-1], tuple(verdicts))


def overlap(policies: Effective, active: Active) -> str | None:
    """Why a run that nobody decided in advance is skipped; None where it may run, or wait."""
    over = active.runs - policies.concurrency
    if policies.overlap is Overlap.ALLOW or over < 0:
        return None
    if policies.overlap is Overlap.SKIP:
        return f"overlap: {active.name} is still active"
    if policies.overlap is Overlap.QUEUE_ONE and over > 0:
        return f"overlap: {active.name} is already waiting for its turn"
    return None


class _Plan:
    """What becomes of some due times that are found together."""

    def __init__(self, policies: Effective, now_us: int, active: Active, absence: Absence) -> None:
        self._policies = policies
        self._now_us = now_us
        self._active = active
        self._absence = absence

    def verdicts(self, moments: Sequence[int]) -> list[Verdict]:
        """One for each, oldest first."""
        policies = self._policies
        late = sum(self._late(moment_us) for moment_us in moments)
        caught_up = {CatchUp.SKIP: 0, CatchUp.LATEST: 1}.get(
            policies.catch_up, policies.catch_up_limit
        )
        if policies.catch_up is CatchUp.LATEST and late < len(moments):
            caught_up = 0  # one that is in time is newer
        found = []
        for number, moment_us in enumerate(moments):
            if number >= late:
                found.append(self._on_time(moment_us, moments, len(moments) - number))
            elif number < late - caught_up:
                found.append(self._missed(moment_us))
            elif policies.catch_up is CatchUp.ALL:
                found.append(Verdict(moment_us, None, Source.CATCHUP, None))
            else:
                found.append(self._candidate(moment_us, Source.CATCHUP, room=1))
        return found

    def older(self, first_us: int, moment_us: int, moments: Sequence[int]) -> Verdict:
        """For those before the ones with a row each, from the first to the last."""
        if self._late(moment_us):
            return self._missed(moment_us, first_us)
        return self._on_time(moment_us, moments, len(moments) + 1)

    def _on_time(self, moment_us: int, moments: Sequence[int], room: int) -> Verdict:
        """``room``: how many runs it and the newer ones would be."""
        policies = self._policies
        if policies.overlap not in (Overlap.ALLOW, Overlap.QUEUE_ALL):
            free = max(1, policies.concurrency - self._active.runs)
            if room > free and overlap(policies, self._active) is None:
                newest = from_us(moments[-1])
                reason = f"overlap: found together with {newest:%H:%M:%S}Z, which runs"
                return Verdict(moment_us, RunState.SKIPPED, Source.SCHEDULE, reason)
        return self._candidate(moment_us, Source.SCHEDULE, room=room)

    def _candidate(self, moment_us: int, source: Source, *, room: int) -> Verdict:
        if room > SINGLE_ROWS:
            reason = f"overlap: more than {SINGLE_ROWS} due times were found together"
            return Verdict(moment_us, RunState.SKIPPED, source, reason)
        skipped = overlap(self._policies, self._active)
        state = None if skipped is None else RunState.SKIPPED
        return Verdict(moment_us, state, source, skipped)

    def _late(self, moment_us: int) -> bool:
        return self._now_us - moment_us > self._policies.grace_us

    def _missed(self, moment_us: int, first_us: int | None = None) -> Verdict:
        late_us = self._now_us - moment_us
        grace_s = self._policies.grace_us / 1e6
        reason = f"found {late_us / 1e6:.1f} s late, past its grace of {grace_s:g} s"
        if why := self._absence(moment_us if first_us is None else first_us, moment_us):
            reason = f"{reason}: {why}"
        return Verdict(moment_us, RunState.MISSED, Source.SCHEDULE, reason)


def _at_most(verdicts: list[Verdict], runs: int) -> list[Verdict]:
    """The first ``runs`` of those that run do; the others are skipped, the job being finished."""
    found = []
    for verdict in verdicts:
        if verdict.state is None:
            if runs <= 0:
                verdict = verdict._replace(state=RunState.SKIPPED, reason=FINISHED)
            runs -= 1
        found.append(verdict)
    return found


def account(
    trigger: Trigger, due_us: int, now_us: int, state: RunState, reason: str
) -> tuple[Verdict, ...]:
    """Rows for the due times from ``due_us`` up to ``now_us`` that nobody decides: all alike."""
    if due_us > now_us:
        return ()
    stretch = _stretch(trigger, due_us, now_us, SINGLE_ROWS)
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


def _stretch(trigger: Trigger, due_us: int, now_us: int, limit: int) -> _Stretch:
    # ``due_us`` counts even where the trigger no longer knows it: zone data may have changed.
    singles = trigger.newest(due_us, now_us, limit)
    if len(singles) < limit:
        return _Stretch([due_us, *singles], due_us, 0)
    older = _older(trigger, due_us, singles[0])
    # One answer that leaves some out would make the row stand for others than there are.
    if trigger.foreign and _older(trigger, due_us, singles[0]) != older:
        name = f"the trigger {trigger.short()!r}"
        raise ForeignTriggerError(f"{name} counted the same due times twice, and not alike")
    return _Stretch(singles, *older)


def _older(trigger: Trigger, due_us: int, first_us: int) -> tuple[int, int]:
    """The newest due time before the ones with a row each, and how many there are."""
    before = trigger.newest(due_us, first_us - 1, 1) or [due_us]
    return before[0], 1 + trigger.count(due_us, first_us - 1)
