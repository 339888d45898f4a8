"""Backfill: a run for each due time of a range of the past that was not made good yet.

All runs of one backfill are written in one transaction, with their line in the audit trail, so
that a crash leaves all of them queued or none. They then wait as other queued runs do, behind all
that is no backfill (`schedtui.engine.live.slots`), and a restart finds them in the store.

A job's backfills are planned while the job is held, one after the other, and the transaction
refuses where the store has a newer one: no due time is run by two of them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from schedtui.clock import from_us, to_us
from schedtui.engine.backfill.keys import ACTION, kept_detail
from schedtui.engine.backfill.notes import notes
from schedtui.engine.backfill.undecided import undecided
from schedtui.engine.core import Core
from schedtui.engine.jobs.keys import Asked
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob, dump_kwargs
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.admit import Admission
from schedtui.engine.tick.newruns import names_at, new_run, waiting_row
from schedtui.engine.upkeep import damage
from schedtui.errors import ConflictError, FieldError, InvalidError
from schedtui.models import Backfill, DueTime, RunState, Source
from schedtui.protocols import DueRow, NewRun, StoreTx
from schedtui.triggers import Trigger, parse_past_moment

MAX_LIMIT = 10_000
"""The most due times of one backfill."""
SHOWN = 5
SHOWN_IDS = 100
SLICE = 500
"""Runs that are made, or let in, before others have the loop."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|today|yesterday", re.IGNORECASE)
_ACTIVE = frozenset({RunState.QUEUED, RunState.RUNNING})
_MADE_GOOD = _ACTIVE | {RunState.SUCCEEDED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What was asked for; see `EngineClient.backfill_job`."""

    start: datetime | str
    end: datetime | str | None
    limit: int
    again: bool
    dry_run: bool


class Plan(NamedTuple):
    """What becomes of each due time."""

    due: tuple[tuple[int, int | None], ...]
    """Those that get a run, oldest first, each with the run that it makes good."""
    backfilled: int
    succeeded: int
    active: int
    once: int = 0
    forgotten: int = 0


def plan(
    due: Sequence[int],
    rows: Iterable[DueRow],
    *,
    again: bool,
    gone: tuple[int, int] | None = None,
    undecided: range = range(0),
) -> Plan:
    """Decide which due times get a run.

    Args:
        due: All of the range, oldest first.
        rows: What became of them so far; several of one due time where the clock was set back.
        again: Whether those that succeeded when they were due run all the same, and those of
            which that is not known any more.
        gone: Between which due times rows have been removed.
        undecided: Where its schedule may still run what is due.
    """
    own: dict[int, list[DueRow]] = {}
    backfills: set[int] = set()
    for row in rows:
        if row.source is not Source.BACKFILL:
            own.setdefault(row.due_us, []).append(row)
        elif row.state in _MADE_GOOD:
            backfills.add(row.due_us)
    chosen: list[tuple[int, int | None]] = []
    backfilled = succeeded = active = forgotten = 0
    for due_us in due:
        found = own.get(due_us, ())
        states = {row.state for row in found}
        if due_us in backfills:
            backfilled += 1
        elif states & _ACTIVE or due_us in undecided:
            active += 1
        elif RunState.SUCCEEDED in states and not again:
            succeeded += 1
        elif not found and gone is not None and gone[0] <= due_us <= gone[1] and not again:
            forgotten += 1
        else:
            chosen.append((due_us, max((row.run_id for row in found), default=None)))
    return Plan(tuple(chosen), backfilled, succeeded, active, forgotten=forgotten)


def list_due(trigger: Trigger, start_us: int, end_us: int, limit: int, name: str) -> list[int]:
    """The due times from ``start_us`` to before ``end_us``.

    Raises:
        InvalidError: there are more than ``limit``; that many are counted and not listed.
        ConflictError: the trigger, one of the user's own, failed.
    """
    found: list[int] = []
    try:
        due_us = trigger.next_after_us(start_us - 1)
        while due_us is not None and due_us < end_us and len(found) <= limit:
            found.append(due_us)
            due_us = trigger.next_after_us(due_us)
        number = len(found) if len(found) <= limit else trigger.count(start_us - 1, end_us - 1)
    except Exception as error:
        raise ConflictError(
            f"{name}: nothing was queued, because its trigger failed: {error}"
        ) from error
    if number > limit:
        expected = f"a shorter range: this one has {number:,} due times"
        expected += (
            f" (or {number:,})" if number <= MAX_LIMIT else f", and {MAX_LIMIT:,} is the most"
        )
        raise InvalidError(
            f"{name}: limit: got {limit:,}; expected {expected}; nothing was queued",
            (FieldError(field="limit", got=limit, expected=expected),),
        )
    return found


class Backfills:
    """Plans, writes and lets in backfills; on the engine's loop.

    Args:
        core: The engine's parts.
        writes: Writes to the store.
        admission: Lets queued runs wait.
    """

    def __init__(self, core: Core, writes: JobWrites, admission: Admission) -> None:
        self._core = core
        self._writes = writes
        self._admission = admission

    async def plan(self, live: LiveJob, wanted: Wanted) -> tuple[Plan, Backfill, int]:
        """What a backfill would do now.

        Returns:
            The plan, the answer, and the newest run of the job when it was made.

        Raises:
            ConflictError: the job can have none.
            InvalidError: the range or the limit cannot be, or the range holds too much.
        """
        core, job = self._core, live.job
        trigger = _trigger_of(live)
        if not 1 <= wanted.limit <= MAX_LIMIT:
            expected = f"a whole number from 1 to {MAX_LIMIT:,}"
            raise InvalidError.one("limit", wanted.limit, expected)
        start, end = self._range(live, wanted)
        first_us, end_us, limit = to_us(start), to_us(end), wanted.limit
        due = await core.off_loop_asking(
            trigger, lambda: list_due(trigger, first_us, end_us, limit, live.full_name)
        )
        rows, newest_id, gone = await core.off_loop(core.store.due_rows, job.id, due)
        made = plan(due, rows, again=wanted.again, gone=gone, undecided=undecided(core, live))
        if live.once is not None and live.once.guards:
            free = live.once.free(due_us for due_us, _ in made.due)
            kept = tuple(one for one in made.due if one[0] in free)
            made = made._replace(due=kept, once=len(made.due) - len(kept))
        times = [due_us for due_us, _ in made.due]
        answer = Backfill(
            job=live.full_name,
            job_id=job.id,
            timezone=job.timezone,
            start=start,
            end=end,
            dry_run=wanted.dry_run,
            found=len(due),
            queued=len(times),
            backfilled=made.backfilled,
            succeeded=made.succeeded,
            active=made.active,
            once=made.once,
            forgotten=made.forgotten,
            first=_shown(times[:SHOWN], job.timezone),
            last=_shown(times[SHOWN:][-SHOWN:], job.timezone),
        )
        return made, answer, newest_id

    async def queue(
        self,
        live: LiveJob,
        plan: Plan,
        answer: Backfill,
        *,
        seen_id: int,
        kwargs: Mapping[str, Any],
        actor: str,
        call: Asked | None = None,
    ) -> Backfill:
        """Write the runs of a plan, and let them wait. Returns the answer with their ids.

        Raises:
            ConflictError: the job was backfilled meanwhile, or the key of the call was used just
                then; nothing was written.
            StoreUnavailableError: nothing was written.
        """
        if not plan.due and call is None:
            return answer
        ids = [next(self._core.run_ids) for _ in plan.due]
        answer = replace(answer, runs=tuple(ids[:SHOWN_IDS]))
        if live.once is not None:
            for run_id, (due_us, _) in zip(ids, plan.due, strict=True):
                live.once.hold(run_id, due_us)
        try:
            runs = await self._written(live, plan, answer, ids, seen_id, kwargs, actor, call)
        except BaseException:
            if live.once is not None:
                for run_id in ids:
                    live.once.release(run_id)
            raise
        live.backfilled = live.backfilled or bool(runs)
        for run in runs:  # at once: from here on each can be asked for and cancelled
            live.enter(run)
        for number, run in enumerate(runs, start=1):
            if run.state is RunState.QUEUED:
                self._admission.wait(run)
                self._core.hub.run(run.id, live.id, RunState.QUEUED, live.job.group)
            if number % SLICE == 0:
                await asyncio.sleep(0)
        return answer

    async def _written(
        self,
        live: LiveJob,
        plan: Plan,
        answer: Backfill,
        ids: Sequence[int],
        seen_id: int,
        kwargs: Mapping[str, Any],
        actor: str,
        call: Asked | None,
    ) -> list[LiveRun]:
        runs, rows = await self._made(live, plan, ids, kwargs, actor)
        made_good = list(notes(rows))
        detail = {
            "job_id": live.id,
            "from": f"{answer.start:%FT%TZ}",
            "to": f"{answer.end:%FT%TZ}",
            "queued": len(rows),
            "runs": [one.id for one in (rows[:1] + rows[-1:])],
            **kept_detail(call, answer),
        }
        now_us = self._core.clock.now_us()

        def apply(tx: StoreTx) -> None:
            if call is not None and call.keep(tx, ids[0] if ids else 0, now_us) is not None:
                raise ConflictError(
                    f"the idempotency key {call.key!r} was used just then by the same call; "
                    "nothing was queued by this one: send it again to see what that came to"
                )
            if rows:
                tx.insert_backfill(live.id, rows, seen_id=seen_id, notes=made_good)
                tx.handle(made_good)
            self._writes.audit(tx, actor, ACTION, live.job, detail)

        await self._writes.write(apply)
        return runs

    async def cancel(self, live: LiveJob, reason: str, actor: str) -> int:
        """End all queued backfill runs of a job. Returns how many.

        Raises:
            StoreUnavailableError: nothing was written.
        """
        now_us = self._core.clock.now_us()
        why = f"backfill cancelled by {actor}{f': {reason}' if reason else ''}"

        async with self._admission.ending(live, _is_backfill, why) as ending:

            def apply(tx: StoreTx) -> None:
                ended = tx.cancel_queued(live.id, why, now_us, among=ending.ids)
                ending.write(tx, ended)
                detail = {"cancelled": len(ended), "reason": reason}
                self._writes.audit(tx, actor, "job.backfill_cancel", live.job, detail)

            await self._writes.write(apply)
        return len(ending.ended) + ending.later

    def _range(self, live: LiveJob, wanted: Wanted) -> tuple[datetime, datetime]:
        now_us = self._core.clock.now_us()
        zone = live.job.timezone
        start = _moment(wanted.start, "start", zone, now_us)
        end = from_us(now_us + 1)
        if wanted.end is not None:
            asked = _moment(wanted.end, "end", zone, now_us)
            if asked <= start:
                raise InvalidError.one("end", asked.isoformat(), f"a moment after {start:%FT%TZ}")
            end = min(end, asked)
        if start >= end:
            raise InvalidError.one("start", start.isoformat(), "a moment that has come")
        due_us = live.next_due_us
        if live.fires and due_us is not None and due_us <= now_us:
            end = max(start, min(end, from_us(due_us)))  # its schedule is about to decide these
        return start, end

    async def _made(
        self,
        live: LiveJob,
        plan: Plan,
        ids: Sequence[int],
        kwargs: Mapping[str, Any],
        actor: str,
    ) -> tuple[list[LiveRun], list[NewRun]]:
        core = self._core
        pool = core.pool_of(live.job.function)
        now_us = core.clock.now_us()
        given = dump_kwargs(kwargs)
        trigger = _trigger_of(live)
        moments = [due_us for due_us, _ in plan.due]
        names = await core.off_loop_asking(
            trigger, lambda: [names_at(trigger, due_us) for due_us in moments]
        )
        runs: list[LiveRun] = []
        rows: list[NewRun] = []
        made = zip(ids, plan.due, strict=True)
        for number, (run_id, (due_us, parent_id)) in enumerate(made, start=1):
            run = new_run(
                run_id,
                live,
                pool,
                source=Source.BACKFILL,
                scheduled_for_us=due_us,
                kwargs=kwargs,
                now_us=now_us,
            )
            runs.append(run)
            row = waiting_row(core, run, given, now_us, names[number - 1])
            rows.append(row._replace(actor=actor, parent_id=parent_id))
            if number % SLICE == 0:
                await asyncio.sleep(0)
        return runs, rows


def _is_backfill(run: LiveRun) -> bool:
    return run.source is Source.BACKFILL


def _trigger_of(live: LiveJob) -> Trigger:
    """The trigger whose due times are meant.

    Raises:
        ConflictError: there is none that could tell.
    """
    damage.refuse(live)
    why = ""
    if live.job.orphaned:
        why = "it is orphaned: its declaration is gone from the code"
    elif live.trigger is None or live.problem:
        why = f"it is broken: {live.problem}; edit its trigger"
    elif live.trigger.dueless:
        why = "it has no schedule; trigger it instead"
    if why or live.trigger is None:
        raise ConflictError(f"{live.full_name} cannot be backfilled: {why}; nothing was queued")
    return live.trigger


def _moment(given: datetime | str, field: str, zone: str, now_us: int) -> datetime:
    if isinstance(given, str):
        text = f"{given.strip()} 0:00" if _DAY.fullmatch(given.strip()) else given
        return parse_past_moment(text, zone, now_us, field)[0]
    if given.tzinfo is None:
        raise InvalidError.one(field, given.isoformat(), "a datetime with a time zone")
    return given.astimezone(UTC)


def _shown(due: Sequence[int], zone: str) -> tuple[DueTime, ...]:
    local = ZoneInfo(zone)
    moments = [from_us(due_us) for due_us in due]
    return tuple(DueTime(at=at, local=at.astimezone(local).isoformat()) for at in moments)
