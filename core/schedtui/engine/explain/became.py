"""What became of a due time that has a row: in facts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from schedtui.clock import to_us
from schedtui.engine.backfill.notes import own_reason
from schedtui.engine.explain.because import (
    clock_step,
    engine_down,
    halted,
    moment_text,
    paused,
    span_text,
)
from schedtui.engine.explain.case import Case
from schedtui.models import Attempt, Fact, FactKind, Run, RunState, Source
from schedtui.triggers import jitter_us

LATE_S = 1.0
"""What starts so much after its due time is late."""

_REASONS = (
    ("overlap:", FactKind.OVERLAP),
    ("once per ", FactKind.ONCE),
    ("paused by", FactKind.PAUSED),
    ("engine paused by", FactKind.PAUSED),
    ("orphaned:", FactKind.ORPHANED),
    ("finished:", FactKind.FINISHED),
    ("its trigger", FactKind.BROKEN),
    ("the store refused", FactKind.BROKEN),
    ("found ", FactKind.GRACE),
    ("waited ", FactKind.WAITING),
    ("changed by", FactKind.EDITED),
    ("its declaration changed", FactKind.EDITED),
    ("deleted by", FactKind.DELETED),
    ("the engine did not run", FactKind.ENGINE_DOWN),
)
"""How the reasons in rows begin."""
_ENDS = {
    RunState.SUCCEEDED: "succeeded",
    RunState.FAILED: "failed",
    RunState.TIMED_OUT: "ran into its timeout",
    RunState.CANCELLED: "was cancelled",
    RunState.LOST: "was lost",
}


def of_row(case: Case, run: Run) -> Iterator[Fact]:
    """Why a due time ran, or did not, or does not yet."""
    if run.state is RunState.QUEUED:
        yield _waiting(case, run)
    elif run.started_at is None:
        yield from _decided(case, run)
    else:
        yield _ran(case, run)
        if own_reason(run.reason):
            kind = FactKind.LOST if run.state is RunState.LOST else FactKind.CANCELLED
            kind = FactKind.RUN if run.state is RunState.TIMED_OUT else kind
            yield Fact(kind=kind, text=own_reason(run.reason), run_id=run.id)
        if run.error_type and run.state in {RunState.FAILED, RunState.TIMED_OUT}:
            yield Fact(kind=FactKind.ERROR, text=_error(run.error_type, run.error), run_id=run.id)
    yield from _attempts(case, run)
    yield from _lateness(case, run)
    if run.range_count is not None and run.range_from is not None and run.scheduled_for is not None:
        text = (
            f"one row stands for {run.range_count:,} due times, from "
            f"{moment_text(run.range_from, case.zone)} to "
            f"{moment_text(run.scheduled_for, case.zone)}"
        )
        yield Fact(
            kind=FactKind.STRETCH,
            text=text,
            run_id=run.id,
            since=run.range_from,
            until=run.scheduled_for,
        )
    for other in case.rows[1:]:
        text = f"this due time came twice; {_words(case, other)}"
        yield Fact(kind=FactKind.CLOCK, text=text, run_id=other.id)


def backfilled(case: Case) -> Iterator[Fact]:
    """The runs that were asked for later, the newest first."""
    for run in case.backfills:
        by = f", asked for by {run.actor}" if run.actor else ""
        yield Fact(
            kind=FactKind.BACKFILL,
            text=f"backfill {_words(case, run)}{by}",
            run_id=run.id,
            since=run.started_at,
            until=run.finished_at,
            actor=run.actor,
        )


def unscheduled(case: Case) -> Iterator[Fact]:
    """The runs of that time that no schedule asked for; many of one backfill are one fact."""
    many = [run for run in case.unscheduled if run.source is Source.BACKFILL]
    if many:
        by = f" by {many[0].actor}" if many[0].actor else ""
        others = " and others" if many[1:] else ""
        text = f"a backfill was asked for{by}: run {many[0].id}{others}"
        yield Fact(kind=FactKind.UNSCHEDULED, text=text, run_id=many[0].id, actor=many[0].actor)
    for run in case.unscheduled:
        if run.source is Source.BACKFILL:
            continue
        by = f" by {run.actor}" if run.actor else ""
        why = f"for the reason {run.source.value}{by}"
        if run.source is Source.CHAIN:
            why = f"chain: {run.actor}"
        text = f"{_words(case, run)}, {why}"
        yield Fact(
            kind=FactKind.UNSCHEDULED,
            text=text,
            run_id=run.id,
            since=run.started_at,
            actor=run.actor,
        )


def _ran(case: Case, run: Run) -> Fact:
    return Fact(
        kind=FactKind.RUN,
        text=_words(case, run),
        run_id=run.id,
        since=run.started_at,
        until=run.finished_at,
        lasted_s=run.duration_s,
    )


def _words(case: Case, run: Run) -> str:
    if run.started_at is None:
        why = f": {own_reason(run.reason)}" if own_reason(run.reason) else ""
        return f"run {run.id} is {run.state.value}{why}"
    started = moment_text(run.started_at, case.zone)
    if run.finished_at is None or run.duration_s is None:
        return f"run {run.id} has been running since {started}"
    return f"run {run.id} started at {started} and {_ENDS[run.state]} after " + span_text(
        run.duration_s
    )


def _waiting(case: Case, run: Run) -> Fact:
    text = f"run {run.id} waits {case.waits or 'to be started'}"
    return Fact(
        kind=FactKind.WAITING, text=text, run_id=run.id, since=run.claimed_at, until=run.not_before
    )


def _decided(case: Case, run: Run) -> Iterator[Fact]:
    """It never started, and its row says why."""
    kinds = (kind for start, kind in _REASONS if run.reason.startswith(start))
    fallback = FactKind.CANCELLED if run.state is RunState.CANCELLED else FactKind.RUN
    kind = next(kinds, fallback)
    text = own_reason(run.reason) or f"it was {run.state.value}"
    if kind is FactKind.PAUSED and case.known.get("paused"):
        yield paused(case)
    elif kind is FactKind.PAUSED and case.halt is not None:
        yield halted(case, case.halt)
    elif kind is FactKind.GRACE:
        late_s = (run.claimed_at - case.moment).total_seconds()
        found, _, _ = text.partition(": ")
        yield Fact(kind=kind, text=found, run_id=run.id, lasted_s=late_s)
        yield from _absence(case, run)
    else:
        yield Fact(kind=kind, text=text, run_id=run.id)
        if kind is FactKind.EDITED:
            yield from _absence(case, run)
    for other in case.related:
        due = "" if other.scheduled_for is None else f" (due {_due(case, other.scheduled_for)})"
        yield Fact(
            kind=kind if kind in {FactKind.OVERLAP, FactKind.ONCE} else FactKind.CANCELLED,
            text=f"{_words(case, other)}{due}",
            run_id=other.id,
            since=other.started_at,
            until=other.finished_at,
        )


def _due(case: Case, due: datetime) -> str:
    return moment_text(due, case.zone)


def _absence(case: Case, run: Run) -> Iterator[Fact]:
    """Why nobody found it in time."""
    if case.down is not None and to_us(run.claimed_at) >= case.down[1].started_at_us:
        yield from engine_down(case)
    elif case.step is not None and run.claimed_at >= case.step.at:
        yield from clock_step(case)
    if case.held is not None and case.moment < case.held.at:
        grace = timedelta(microseconds=case.policies.grace_us)
        if run.state is not RunState.MISSED or case.held.at - case.moment <= grace:
            yield halted(case, case.held)  # else it was late before that


def _attempts(case: Case, run: Run) -> Iterator[Fact]:
    """Those that were not the last one."""
    earlier = [one for one in case.attempts if one.number < run.attempt]
    if run.state is RunState.QUEUED:
        earlier = list(case.attempts)
    starts: list[datetime | None] = [one.started_at for one in case.attempts[1:]]
    if run.state in {RunState.QUEUED, RunState.RUNNING}:
        starts.append(run.started_at if run.state is RunState.RUNNING else run.not_before)
    for one, again in zip(earlier, [*starts, None], strict=False):
        after = ""
        if again is not None:
            delay_s = (again - one.finished_at).total_seconds()
            after = f"; the next one followed {span_text(max(0.0, delay_s))} later"
            if again > case.present.now:
                after = f"; the next one is due at {moment_text(again, case.zone)}"
        yield Fact(
            kind=FactKind.ATTEMPT,
            text=f"attempt {one.number} {_ENDS.get(one.state, one.state.value)}"
            f"{f' ({_error(one.error_type, one.error)})' if one.error_type else ''}{after}",
            run_id=run.id,
            since=one.started_at,
            until=one.finished_at,
        )


def _error(kind: str, message: str | None) -> str:
    return f"{kind}: {message}" if message else kind


def _first_start(case: Case, run: Run) -> datetime | None:
    first: Attempt | None = case.attempts[0] if case.attempts else None
    return first.started_at if first is not None else run.started_at


def _lateness(case: Case, run: Run) -> Iterator[Fact]:
    """How late it started, and why."""
    started = _first_start(case, run)
    if case.due is None or (started is None and run.state is not RunState.QUEUED):
        return
    found_s = (run.claimed_at - case.due).total_seconds()
    if started is not None and (late_s := (started - case.due).total_seconds()) > LATE_S:
        text = f"it started {span_text(late_s)} after its due time"
        yield Fact(kind=FactKind.LATE, text=text, run_id=run.id, lasted_s=late_s)
    if run.source is Source.CATCHUP:
        grace_s = case.policies.grace_us / 1e6
        text = (
            f"it was found {span_text(found_s)} late, past its grace of {grace_s:g} s, and made "
            f"up for: catch_up is {case.policies.catch_up.value!r}"
        )
        yield Fact(kind=FactKind.CATCH_UP, text=text, run_id=run.id, lasted_s=found_s)
    if found_s > LATE_S:
        reasons = list(_absence(case, run))
        if not reasons:
            text = f"it was found {span_text(found_s)} late: the engine, or its store, was busy"
            reasons = [Fact(kind=FactKind.LATE, text=text, run_id=run.id, lasted_s=found_s)]
        yield from reasons
    if started is not None:
        yield from _waited(case, run, started)


def _waited(case: Case, run: Run, started: datetime) -> Iterator[Fact]:
    """Between its claim and its first start."""
    ready = run.claimed_at
    if case.due is not None and run.source is Source.SCHEDULE:
        spread_us = jitter_us(run.job_id, to_us(case.due), case.policies.jitter_us)
        spread = case.due + timedelta(microseconds=spread_us)
        if spread > ready and started >= spread:
            text = f"its jitter spread it by {span_text(spread_us / 1e6)}"
            yield Fact(
                kind=FactKind.WAITING,
                text=text,
                run_id=run.id,
                until=spread,
                lasted_s=spread_us / 1e6,
            )
            ready = spread
    waited_s = (started - ready).total_seconds()
    if waited_s <= LATE_S:
        return
    for other in case.related:
        text = f"it waited {span_text(waited_s)} for its turn: {_words(case, other)}"
        yield Fact(kind=FactKind.WAITING, text=text, run_id=other.id, lasted_s=waited_s)
    if not case.related:
        place = f", or a place in pool {case.policies.pool!r}" if case.policies.pool else ""
        limit = f", or one of the {case.group_limit} of its group" if case.group_limit else ""
        text = f"it waited {span_text(waited_s)} for a free slot{place}{limit}"
        yield Fact(kind=FactKind.WAITING, text=text, run_id=run.id, lasted_s=waited_s)
