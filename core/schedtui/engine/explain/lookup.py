"""Finds out what there is to know about one job at one moment; reads the store, on a thread."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from schedtui.clock import MAX_US, MIN_US, from_us, to_us
from schedtui.engine.backfill.notes import own_reason
from schedtui.engine.core import Core
from schedtui.engine.explain.case import Case, Present, halt_at, step_over
from schedtui.engine.explain.failing import failing
from schedtui.engine.explain.history import JobHistory, by_the_clock
from schedtui.errors import InvalidError, JobNotFoundError, StoreDataError
from schedtui.models import AuditEvent, Job, Policies, Run, RunFilter, Source
from schedtui.models.wire import from_wire
from schedtui.policies import Effective, resolve
from schedtui.protocols import ENGINE, PastBoot
from schedtui.triggers import LeftOut, Trigger, left_out, parse_past_moment, parse_trigger

T = TypeVar("T")

SECOND_US = 1_000_000
NEAR_US = 30 * SECOND_US
"""A minute means also a due time that is so near to it."""
MAX_LINES = 2_000
"""Changes of one job that are looked at."""
MAX_ROWS = 200
MAX_BACKFILLS = 20
MAX_JOBS = 20
"""Jobs that had the same name one after the other."""
_EDGE_US = 400 * 86_400 * SECOND_US
_FIRST_US, _LAST_US = MIN_US + _EDGE_US, MAX_US - _EDGE_US
"""What is beyond means these: a zone's clock looks for its changes around a moment."""
_RUN = re.compile(r"\brun (\d{1,18})\b")


class _Moment(NamedTuple):
    """What was asked about."""

    from_us: int
    until_us: int
    """The first microsecond after it."""
    skipped: str = ""
    """The wall time that was meant, where the zone's clock skipped it."""

    @property
    def is_minute(self) -> bool:
        return self.until_us - self.from_us == 60 * SECOND_US


class Lookup:
    """Everything about one job at one moment.

    Args:
        core: The engine's parts; only what is thread-safe is used.
        name: ``group/name``.
        live: The job of that name that lives now.
        trigger: Its trigger.
        present: What else only memory knew, a moment ago.
    """

    def __init__(
        self, core: Core, name: str, live: Job | None, trigger: Trigger | None, present: Present
    ) -> None:
        self._core = core
        self._store = core.store
        self._name = name
        self._live = live
        self._trigger = trigger
        self._present = present
        self._errors: dict[int, Exception] = {}
        """What triggers raised, by their id."""

    def case(self, at: datetime | str | None) -> Case:
        """What is known about a moment; None: about the newest due time.

        Raises:
            JobNotFoundError: no job has, or had last, this name.
            InvalidError: ``at`` is no moment.
        """
        job_id, history = self._job_of(at)
        moment = self._moment(at, job_id, history)
        asked = from_us(moment.from_us)
        known = history.at(asked)
        trigger = self._trigger_of(known)
        due_us, found = self._due(job_id, history, moment)
        backfills = self._backfills(job_id, moment, due_us)
        if due_us is None and backfills and backfills[0].scheduled_for is not None:
            due_us = to_us(backfills[0].scheduled_for)  # from before its creation, perhaps
        if due_us is not None:
            # The moment may lie on either side of an edit in the same minute.
            known = history.at(from_us(due_us))
            trigger = self._trigger_of(known)
        rows = sorted((run for run in found if _stands_for(run, due_us)), key=lambda run: -run.id)
        run = rows[0] if rows else None
        at_us = moment.from_us if due_us is None else due_us
        line = history.rescheduled(asked)
        changes = by_the_clock(self._store.changes_of(ENGINE, limit=MAX_LINES, before=None))
        case = Case(
            name=self._name,
            job_id=job_id,
            zone=_zone(known),
            asked=asked,
            skipped=moment.skipped,
            due=None if due_us is None else from_us(due_us),
            known=known,
            history=history,
            present=self._present,
            accounted=None if self._live is None else self._live.last_due,
            trigger=trigger,
            policies=self._policies(known),
            rows=tuple(rows),
            attempts=() if run is None else tuple(self._store.attempts(run.id)),
            related=() if run is None else tuple(self._related(run)),
            backfills=tuple(run for run in backfills if _stands_for(run, due_us)),
            unscheduled=tuple(self._unscheduled(job_id, moment)),
            waits="",
            down=self._down(at_us),
            step=step_over(changes, at_us),
            halt=halt_at(changes, at_us),
            held=None if run is None else halt_at(changes, to_us(run.claimed_at) - 1),
            left_out=self._left_out(trigger, moment) if due_us is None else None,
            group_limit=self._core.registry.limit_of(str(known.get("group", ""))),
            today=None,
            failing=None,
            later_due=line is not None
            and self._first(self._trigger_of(history.at(line.at)), moment) is not None,
            before=self._before(trigger, history, at_us),
            after=self._after(trigger, history, at_us if due_us else moment.until_us - 1),
        )
        if history.deleted is None:
            error = self._errors.get(id(trigger))
            said = failing(
                self._store, job_id, case.accounted, history, self._present.problem, error
            )
            case = replace(case, failing=said)
        if at is not None or history.deleted is not None:
            return case
        return replace(case, today=self._today(case, changes))

    def _today(self, case: Case, changes: Sequence[AuditEvent]) -> Case:
        """What the job is now."""
        now = self._present.now
        known = case.history.at(now)
        return replace(
            case,
            asked=now,
            due=None,
            known=known,
            policies=self._policies(known),
            halt=halt_at(changes, to_us(now)),
            before=self._before(self._trigger, case.history, to_us(now) + 1),
        )

    def _job_of(self, at: datetime | str | None) -> tuple[int, JobHistory]:
        """The job that had the name at a moment, else the newest one."""
        group, _, name = self._name.partition("/")
        ids = self._store.job_ids(group, name)[:MAX_JOBS]
        if self._live is not None and self._live.id not in ids:
            ids.insert(0, self._live.id)
        if not ids:
            raise JobNotFoundError(self._name)
        first = ids[0], self._history(ids[0])
        if at is None or len(ids) == 1:
            return first
        moment = from_us(self._typed(at, first[1]).from_us)
        if first[1].lived(moment):
            return first
        others = ((job_id, self._history(job_id)) for job_id in ids[1:])
        return next((one for one in others if one[1].lived(moment)), first)

    def _history(self, job_id: int) -> JobHistory:
        lines = self._store.changes_of(job_id, limit=MAX_LINES, before=None)
        live = self._live if self._live is not None and self._live.id == job_id else None
        return JobHistory(live, lines)

    def _moment(self, at: datetime | str | None, job_id: int, history: JobHistory) -> _Moment:
        if at is not None:
            return self._typed(at, history)
        newest_us = self._newest(job_id, history)
        return _Moment(newest_us, newest_us + 1)

    def _typed(self, at: datetime | str, history: JobHistory) -> _Moment:
        skipped = ""
        if isinstance(at, str):
            now = self._present.now
            zone = _zone(history.at(now))
            at, skipped = parse_past_moment(at, zone, to_us(now), "at")
        elif at.tzinfo is None:
            raise InvalidError.one("at", at.isoformat(), "a datetime with a time zone")
        at = from_us(max(_FIRST_US, min(to_us(at), _LAST_US)))
        length = 1 if at.microsecond else SECOND_US if at.second else 60 * SECOND_US
        return _Moment(to_us(at), to_us(at) + length, skipped)

    def _newest(self, job_id: int, history: JobHistory) -> int:
        """The newest due time up to now; without one, now, or the end of the job.

        Of a job without a schedule that follows others, when its newest run was made.
        """
        now_us = to_us(self._present.now)
        if history.deleted is not None:
            runs = self._store.runs(RunFilter(job_id=job_id), limit=MAX_ROWS, before=None)
            due = [to_us(run.scheduled_for) for run in runs if run.scheduled_for is not None]
            return max(due, default=to_us(history.deleted.at))
        if self._live is not None and self._live.after and self._trigger and self._trigger.dueless:
            runs = self._store.runs(RunFilter(job_id=job_id), limit=1, before=None)
            return to_us(runs[0].claimed_at) if runs else now_us
        begun = history.created_at
        after_us = 0 if begun is None else to_us(begun)
        trigger = self._trigger
        found = (
            self._tried(trigger, lambda: trigger.newest(after_us, now_us, 1)) if trigger else None
        )
        last = None if self._live is None else self._live.last_due
        known = [*(found or []), *([] if last is None else [to_us(last)])]
        return min(max(known, default=now_us), now_us)

    # --- the schedule

    def _trigger_of(self, known: Any) -> Trigger | None:
        live = self._live
        data, zone = known.get("trigger"), _zone(known)
        if live is not None and (live.trigger, live.timezone) == (data, zone):
            return self._trigger
        if not data:
            return None
        try:
            return parse_trigger(data, zone, to_us(self._present.now))
        except Exception:  # noqa: BLE001 - a trigger object of the code has no form to read
            return None

    def _policies(self, known: Any) -> Effective:
        try:
            own = from_wire(Policies, known.get("policies") or {}, strict=False)
        except InvalidError:  # damaged in the store
            own = Policies()
        group = self._core.registry.groups.get(str(known.get("group", "")))
        return resolve(own, group.policies if group else Policies(), self._core.policies)

    def _due(
        self, job_id: int, history: JobHistory, moment: _Moment
    ) -> tuple[int | None, list[Run]]:
        """The due time that is meant, and the rows around it."""
        stretches = [moment]
        if moment.is_minute:
            stretches.append(_Moment(moment.from_us - NEAR_US, moment.from_us))
            stretches.append(_Moment(moment.until_us, moment.until_us + NEAR_US))
        for stretch in stretches:
            first, last = stretch.from_us, stretch.until_us - 1
            rows = self._store.due_runs(job_id, first, last, limit=MAX_ROWS)
            due = [to_us(run.scheduled_for) for run in rows if run.scheduled_for is not None]
            inside = [one for one in due if first <= one <= last]
            planned = self._planned(history, stretch)
            if planned is not None:
                inside.append(planned)
            if inside:
                nearest = max(inside) if stretch.until_us == moment.from_us else min(inside)
                return nearest, rows
        return None, []

    def _planned(self, history: JobHistory, moment: _Moment) -> int | None:
        """The first due time by the schedules that the job had in this time, one after the other.

        A job is due after its creation, and by a new schedule after the edit that made it.
        """
        begun_us = 0 if history.created_at is None else to_us(history.created_at)
        after_us = max(moment.from_us - 1, begun_us)
        while after_us < moment.until_us:
            at = from_us(after_us)
            trigger = self._trigger_of(history.at(at))
            due_us = self._first(trigger, moment._replace(from_us=after_us + 1))
            line = history.rescheduled(at)
            if line is None or (due_us is not None and due_us <= to_us(line.at)):
                return due_us if due_us is not None and history.lived(from_us(due_us)) else None
            after_us = to_us(line.at)
        return None

    def _first(self, trigger: Trigger | None, moment: _Moment) -> int | None:
        if trigger is None:
            return None
        due_us = self._tried(trigger, lambda: trigger.next_after_us(moment.from_us - 1))
        return due_us if due_us is not None and due_us < moment.until_us else None

    def _left_out(self, trigger: Trigger | None, moment: _Moment) -> LeftOut | None:
        if trigger is None:
            return None
        return self._tried(trigger, lambda: left_out(trigger, moment.from_us, moment.until_us))

    def _tried(self, trigger: Trigger, ask: Callable[[], T]) -> T | None:
        """What a trigger answers; None where it fails, as one of the user's own may."""
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - told with the moment
            self._errors.setdefault(id(trigger), error)
            return None

    def _before(self, trigger: Trigger | None, history: JobHistory, us: int) -> datetime | None:
        begun_us = 0 if history.created_at is None else to_us(history.created_at)
        if trigger is None or us <= begun_us:
            return None
        found = self._tried(trigger, lambda: trigger.newest(begun_us, us - 1, 1))
        return from_us(found[-1]) if found else None

    def _after(self, trigger: Trigger | None, history: JobHistory, us: int) -> datetime | None:
        begun_us = 0 if history.created_at is None else to_us(history.created_at)
        if trigger is None:
            return None
        found = self._tried(trigger, lambda: trigger.next_after_us(max(us, begun_us)))
        due = None if found is None else from_us(found)
        gone = history.deleted is not None and due is not None and due >= history.deleted.at
        return None if gone else due

    # --- what else happened

    def _related(self, run: Run) -> list[Run]:
        """The runs that its reason names; those of its job that ended while it waited."""
        named = [
            int(found) for found in _RUN.findall(own_reason(run.reason)) if int(found) != run.id
        ]
        if named:
            found = (self._run(run_id) for run_id in named[:5])
            return [one for one in found if one is not None and one.job_id == run.job_id]
        if run.started_at is None or run.started_at - run.claimed_at <= timedelta(seconds=1):
            return []
        before = self._store.runs(RunFilter(job_id=run.job_id), limit=20, before=run.id)
        return [
            one
            for one in before
            if one.started_at is not None
            and one.finished_at is not None
            and run.claimed_at < one.finished_at <= run.started_at
        ][:1]

    def _run(self, run_id: int) -> Run | None:
        try:
            return self._store.run(run_id)
        except StoreDataError:  # its row is damaged, which the store tells
            return None

    def _backfills(self, job_id: int, moment: _Moment, due_us: int | None) -> list[Run]:
        """The backfills of the due time; without one, those of the moment."""
        first = moment.from_us if due_us is None else due_us
        last = moment.until_us - 1 if due_us is None else due_us
        return self._store.backfills(job_id, first, last, limit=MAX_BACKFILLS)

    def _unscheduled(self, job_id: int, moment: _Moment) -> list[Run]:
        """The runs of the job that no schedule asked for, claimed at that time."""
        begun, end = from_us(moment.from_us), from_us(moment.until_us)
        page = self._store.runs(RunFilter(job_id=job_id), limit=50, before=self._id_at(end))
        planned = (Source.SCHEDULE, Source.CATCHUP)
        return [run for run in page if run.claimed_at >= begun and run.source not in planned][::-1]

    def _id_at(self, moment: datetime) -> int:
        """The first id of a run that was claimed at a moment or after it; ids grow with time."""
        newest = self._store.runs(RunFilter(), limit=1, before=None)
        low, high = 1, newest[0].id + 1 if newest else 1
        while low < high:
            middle = (low + high) // 2
            found = self._store.runs(RunFilter(), limit=1, before=middle + 1)
            if not found or found[0].claimed_at < moment:
                low = middle + 1
            else:
                high = found[0].id
        return low

    def _down(self, us: int) -> tuple[PastBoot, PastBoot] | None:
        before, after = self._store.boots_around(us)
        if before is None or after is None or us < before.ended_at_us:
            return None
        return before, after


def _zone(known: Any) -> str:
    return str(known.get("timezone") or "UTC")


def _stands_for(run: Run, due_us: int | None) -> bool:
    if due_us is None or run.scheduled_for is None:
        return False
    last_us = to_us(run.scheduled_for)
    first_us = last_us if run.range_from is None else to_us(run.range_from)
    return first_us <= due_us <= last_us
