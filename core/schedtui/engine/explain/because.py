"""Why a due time did not run, or a moment was no due time: in facts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schedtui.clock import from_us, to_us
from schedtui.engine.explain.case import Case
from schedtui.engine.explain.failing import MEANWHILE, Failing
from schedtui.models import After, AuditEvent, Fact, FactKind
from schedtui.models.after import after_words
from schedtui.models.wire import from_wire
from schedtui.triggers import Every, duration_words, parse_trigger
from schedtui.triggers.wallclock import wall_clock
from schedtui.triggers.words import joined

BY_CODE = "its declaration"


def moment_text(at: datetime, zone: str) -> str:
    """``2026-03-02 09:00:00 CET``."""
    local = at.astimezone(ZoneInfo(zone))
    micro = f".{local.microsecond:06d}".rstrip("0") if local.microsecond else ""
    return f"{local:%Y-%m-%d %H:%M:%S}{micro} {local.tzname()}"


def span_text(seconds: float) -> str:
    """``1 h 30 min``, ``2.5 s``."""
    exact = 3 if seconds < 1 else 1 if seconds < 600 else 0
    return duration_words(timedelta(seconds=round(seconds, exact)))


def of_moment(case: Case) -> Iterator[Fact]:
    """Why there is no row for a moment."""
    history = case.history
    if not history.lived(case.moment):
        yield from _not_there(case)
    elif case.moment > case.present.now:
        yield from _upcoming(case)
    elif case.due is None:
        yield from _not_due(case)
    else:
        yield from _not_decided(case)


def _not_there(case: Case) -> Iterator[Fact]:
    created, deleted = case.history.created, case.history.deleted
    if deleted is not None and case.moment >= deleted.at:
        text = f"{deleted.actor} deleted the job at {moment_text(deleted.at, case.zone)}"
        yield Fact(kind=FactKind.DELETED, text=text, since=deleted.at, actor=deleted.actor)
        return
    at = case.history.created_at
    if at is None:
        return
    by = created.actor if created is not None else ""
    text = f"the job was created at {moment_text(at, case.zone)}{f' by {by}' if by else ''}"
    yield Fact(kind=FactKind.NOT_CREATED, text=text, until=at, actor=by)


def _upcoming(case: Case) -> Iterator[Fact]:
    ahead_s = (case.moment - case.present.now).total_seconds()
    if case.due is None:
        yield from _not_due(case)
        return
    yield from idle_facts(case)
    text = f"that is in {span_text(ahead_s)}"
    yield Fact(kind=FactKind.UPCOMING, text=text, until=case.due, lasted_s=ahead_s)


def of_present(case: Case) -> Iterator[Fact]:
    """What keeps the job from firing now, where no moment was asked about; its end does not."""
    if case.today is None:
        return
    yield from (one for one in idle_facts(case.today) if one.kind is not FactKind.FINISHED)
    if case.failing is not None and not case.present.problem:
        yield failing(case, case.failing)


def failing(case: Case, found: Failing) -> Fact:
    """That the trigger fails, since when, and what becomes of due times."""
    since = "" if found.since is None else f", since {moment_text(found.since, case.zone)}"
    text = f"{found.said}{since}; {MEANWHILE}"
    return Fact(kind=FactKind.BROKEN, text=text, since=found.since)


def idle_facts(case: Case) -> Iterator[Fact]:
    """Why the job did not fire at all at that moment."""
    if case.known.get("orphaned"):
        line = case.history.before(case.moment, "orphaned")
        text = "its declaration was gone from the code"
        yield Fact(kind=FactKind.ORPHANED, text=text, since=None if line is None else line.at)
    if case.known.get("paused"):
        yield paused(case)
    if case.halt is not None:
        yield halted(case, case.halt)
    undecided = case.accounted is None or case.moment > case.accounted
    if undecided and case.failing is not None:
        yield failing(case, case.failing)
    elif undecided and case.present.problem:
        yield Fact(kind=FactKind.BROKEN, text=case.present.problem)
    elif undecided and case.present.finished and case.history.deleted is None:
        most = case.policies.max_runs
        text = f"as many of its due times had run as max_runs={most} says" if most else _ended(case)
        yield Fact(kind=FactKind.FINISHED, text=text, since=case.accounted)


def paused(case: Case) -> Fact:
    """The pause of the job, with who, why, since and until when."""
    since = case.history.paused_since(case.moment)
    end = case.history.paused_until(case.moment)
    known = case.known.get("paused_until")
    until = None if not known else datetime.fromisoformat(known)
    if end is not None and until is not None and end.at >= until:
        end = None  # it ended by itself, whenever that was written
    by = str(case.known.get("paused_by") or BY_CODE)
    reason = case.known.get("pause_reason")
    text = f"paused by {by}{f': {reason}' if reason else ''}, {_stretch(case, since, end, until)}"
    return Fact(
        kind=FactKind.PAUSED,
        text=text,
        actor=by,
        since=None if since is None else since.at,
        until=until if end is None else end.at,
    )


def halted(case: Case, line: AuditEvent) -> Fact:
    """The pause of the whole engine."""
    reason = line.detail.get("reason")
    text = f"the engine was paused by {line.actor}{f': {reason}' if reason else ''}"
    since = moment_text(line.at, case.zone)
    return Fact(
        kind=FactKind.PAUSED, text=f"{text}, since {since}", actor=line.actor, since=line.at
    )


def _stretch(
    case: Case, since: AuditEvent | None, end: AuditEvent | None, until: datetime | None
) -> str:
    begun = "from its beginning" if since is None else f"since {moment_text(since.at, case.zone)}"
    if end is None:
        return f"{begun}, until {moment_text(until, case.zone)}" if until else begun
    how = "paused again" if end.action == "job.pause" else "resumed"
    return f"{begun}, {how} by {end.actor} at {moment_text(end.at, case.zone)}"


def _not_due(case: Case) -> Iterator[Fact]:
    if case.failing is not None and case.unasked:
        yield failing(case, case.failing)
        yield from (one for one in idle_facts(case) if one.kind is not FactKind.BROKEN)
        return
    yield from _left_out(case)
    if case.later_due:
        yield from edited(case)
    if case.trigger is None:
        text = "its schedule of that time cannot be read any more"
        yield Fact(kind=FactKind.BROKEN, text=text)
    elif case.trigger.dueless:
        yield Fact(kind=FactKind.NOT_DUE, text=f"it has no schedule: it runs {_without(case)}")
    else:
        yield Fact(kind=FactKind.NOT_DUE, text=_neighbours(case))
        if case.after is None:
            yield Fact(kind=FactKind.FINISHED, text=_ended(case), since=case.before)


def _without(case: Case) -> str:
    after = tuple(from_wire(After, one, strict=False) for one in case.known.get("after") or ())
    return after_words(after) or "by hand"


def _left_out(case: Case) -> Iterator[Fact]:
    if case.left_out is not None:
        text = f"its schedule leaves that time out: {joined(case.left_out.by)}"
        yield Fact(kind=FactKind.BLACKOUT, text=text)


def _neighbours(case: Case) -> str:
    parts = []
    if case.before is not None:
        parts.append(f"at {moment_text(case.before, case.zone)} before that")
    if case.after is not None:
        parts.append(f"at {moment_text(case.after, case.zone)} after it")
    return f"by its schedule, {_schedule(case.known)}, it is due {' and '.join(parts) or 'never'}"


def _ended(case: Case) -> str:
    if case.before is None:
        return "its schedule has no due time left"
    return f"its schedule had no due time left after {moment_text(case.before, case.zone)}"


def _not_decided(case: Case) -> Iterator[Fact]:
    """A due time that has come and has no row."""
    idle = list(idle_facts(case))
    yield from idle
    if idle:
        return
    clock = list(clock_step(case))
    yield from clock
    undecided = case.accounted is None or case.moment > case.accounted
    if undecided and case.present.pending is not None:
        text = case.present.pending or "it is being decided right now"
        yield Fact(kind=FactKind.PENDING, text=text)
    elif not clock:
        text = "it has no row: rows are removed after a while, and nothing else says why"
        yield Fact(kind=FactKind.NO_ROW, text=text)


def edited(case: Case) -> Iterator[Fact]:
    """That the job has another schedule since."""
    line = case.history.rescheduled(case.moment)
    if line is None:
        return
    then, since = case.known, case.history.at(line.at)
    text = (
        f"its schedule was {_schedule(then)} then; {line.actor} changed it to "
        f"{_schedule(since)} at {moment_text(line.at, case.zone)}"
    )
    yield Fact(kind=FactKind.EDITED, text=text, until=line.at, actor=line.actor)


def _schedule(known: Any) -> str:
    data, zone = dict(known.get("trigger") or {}), str(known.get("timezone") or "UTC")
    try:
        short = parse_trigger(data, zone, 0).short()
    except Exception:  # noqa: BLE001 - a trigger object of the code has words instead
        short = str(data.get("words") or data.get("type") or "unreadable")
    return f"{short} ({zone})"


def clock_step(case: Case) -> Iterator[Fact]:
    """The step of the engine's clock that went over the moment."""
    step = case.step
    if step is None:
        return
    how = span_text(abs(step.step_s))
    to = moment_text(step.at, case.zone)
    if step.step_s > 0:
        text = f"the engine's clock was set forward by {how} to {to} (or its machine slept)"
    else:
        text = f"the engine's clock was set back by {how} to {to}, so that this time came twice"
    yield Fact(kind=FactKind.CLOCK, text=text, since=step.at, lasted_s=step.step_s)


def engine_down(case: Case) -> Iterator[Fact]:
    """That no engine ran at the moment."""
    if case.down is None:
        return
    before, after = case.down
    since, until = from_us(before.ended_at_us), from_us(after.started_at_us)
    how = "" if before.clean else " (it did not stop in order)"
    text = (
        f"the engine did not run from {moment_text(since, case.zone)} "
        f"to {moment_text(until, case.zone)}{how}"
    )
    yield Fact(kind=FactKind.ENGINE_DOWN, text=text, since=since, until=until)


def daylight_saving(case: Case) -> Iterator[Fact]:
    """What a change of the zone's clock has to do with the moment."""
    if case.skipped:
        text = f"{case.skipped} did not exist in {case.zone}: its clock was set forward over it"
        yield Fact(kind=FactKind.DST, text=text)
        return
    trigger = case.trigger
    if trigger is None or isinstance(trigger, Every):
        return
    clock, second = wall_clock(case.zone), to_us(case.moment) // 1_000_000
    span = clock.span_at(second)
    wall = second + span.offset
    ahead = span.offset - clock.span_at(second - 1).offset
    if second == span.start and ahead > 0 and trigger.fixed and case.due is not None:
        text = (
            f"the clock of {case.zone} was set forward by {span_text(ahead)} right then: a fixed "
            "time in the hours it skipped is due when they are over"
        )
        yield Fact(kind=FactKind.DST, text=text)
    passes = clock.instants(wall)
    if len(passes) < 2 or not _concerned(case, passes):
        return
    which = "first" if second == passes[0] else "second"
    first, last = (f"{from_us(one * 1_000_000):%H:%M:%S}Z" for one in (passes[0], passes[-1]))
    rule = "a fixed time is due at the first one only" if trigger.fixed else "it is due at both"
    text = (
        f"that time came twice in {case.zone}, at {first} and at {last}, when its clock was set "
        f"back; this is the {which} one, and {rule}"
    )
    yield Fact(kind=FactKind.DST, text=text)


def _concerned(case: Case, passes: tuple[int, ...]) -> bool:
    """Whether the job is due in one of the passes."""
    if case.due is not None or case.trigger is None:
        return True
    ends = ((one * 1_000_000, (one + 60) * 1_000_000) for one in passes)
    found = ((case.trigger.next_after_us(start - 1), end) for start, end in ends)
    return any(due is not None and due < end for due, end in found)
