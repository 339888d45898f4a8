"""Which periods of a job with ``run_once_key`` are taken: in memory, on the engine's loop.

A period is taken while a run of it is active and once one has succeeded. The first follows from
the runs of the job, so that whichever way one of them ends gives the period back; the second is in
the store too, written with the outcome. Moments are kept, not names, so that another template or
zone finds what has succeeded as well.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from schedtui.clock import from_us
from schedtui.engine.tick.decide import Verdict
from schedtui.models import RunState
from schedtui.protocols import KEPT_SUCCESSES

if TYPE_CHECKING:
    from schedtui.engine.live.job import LiveJob
    from schedtui.engine.live.run import LiveRun


class Once:
    """The periods of one job.

    Args:
        running: Its runs that are queued or running, by id; read as they come and go.
    """

    __slots__ = ("_active", "_done", "_held", "_moments", "_running", "_template", "_zone", "known")

    def __init__(self, running: Mapping[int, LiveRun]) -> None:
        self._running = running
        self._held: dict[int, int] = {run.id: run.moment_us for run in running.values()}
        self._active: dict[str, dict[int, None]] = {}  # the runs that hold each period
        self._template = ""
        self._zone = ZoneInfo("UTC")
        self._moments: list[tuple[int, int]] = []  # each with its run's id, smallest first
        self._done: dict[str, tuple[int, int]] = {}  # the greatest one of each period
        self.known = False
        """Whether what has succeeded so far was looked up."""

    def rule(self, template: str, timezone: str) -> None:
        """Name periods by this template and zone from now on; an empty one guards nothing."""
        if (template, timezone) != (self._template, self._zone.key):
            self._template = template
            try:
                self._zone = ZoneInfo(timezone)
            except (ValueError, LookupError, OSError):  # then its trigger cannot be read either
                self._zone = ZoneInfo("UTC")
            self._name_all()

    @property
    def guards(self) -> bool:
        """Whether there is a template."""
        return bool(self._template)

    def period(self, moment_us: int) -> str:
        """The name of a moment's period."""
        return from_us(moment_us).astimezone(self._zone).strftime(self._template)

    def hold(self, run_id: int, moment_us: int) -> None:
        """A run is on its way to the store, or there: nobody else has its period meanwhile."""
        if run_id not in self._held:
            self._held[run_id] = moment_us
            if self._template:
                self._active.setdefault(self.period(moment_us), {})[run_id] = None

    def release(self, run_id: int) -> None:
        """It has ended, or was never made."""
        moment_us = self._held.pop(run_id, None)
        if moment_us is not None and self._template:
            name = self.period(moment_us)
            holders = self._active[name]
            del holders[run_id]
            if not holders:
                del self._active[name]

    def remember(self, moments: Iterable[tuple[int, int]]) -> None:
        """Runs that have succeeded: the id of each, and its moment."""
        self.known = True
        for run_id, moment_us in moments:
            self.succeeded(run_id, moment_us)

    def succeeded(self, run_id: int, moment_us: int) -> None:
        """The outcome of a run is committed."""
        one = moment_us, run_id
        place = bisect_left(self._moments, one)
        if self._moments[place : place + 1] == [one]:
            return
        self._moments.insert(place, one)
        if self._template:
            self._name(one)
        if len(self._moments) > KEPT_SUCCESSES:
            oldest = self._moments.pop(0)
            name = self.period(oldest[0])
            if self._done.get(name) == oldest:
                del self._done[name]

    def taken(self, moment_us: int) -> str | None:
        """Why no run of the period of a due time, or what stands for it, may begin; else None."""
        if not self._template:
            return None
        name = self.period(moment_us)
        done = self._done.get(name)
        if done is not None:
            return _reason(name, f"run {done[1]} succeeded")
        holder = next(iter(self._active.get(name, ())), None)
        if holder is None:
            return None
        run = self._running.get(holder)
        what = "is about to start"
        if run is not None:
            what = "is queued" if run.state is RunState.QUEUED else "is running"
        return _reason(name, f"run {holder} {what}")

    def free(self, moments_us: Iterable[int]) -> set[int]:
        """Of these moments, in order, the first one of each period that is not taken."""
        held = self._active.keys() | self._done.keys()
        found: set[int] = set()
        for moment_us in moments_us:
            name = self.period(moment_us)
            if name not in held:
                held.add(name)
                found.add(moment_us)
        return found

    def verdicts(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        """The same, where those whose period is taken are skipped; the first of a period runs."""
        found: list[Verdict] = []
        runs: dict[str, int] = {}
        for verdict in verdicts:
            if not self._template or verdict.state not in (None, RunState.SKIPPED):
                found.append(verdict)
                continue
            moment_us = verdict.scheduled_for_us
            reason = self.taken(moment_us)
            name = self.period(moment_us)
            if reason is None and name in runs:
                due = from_us(runs[name])
                reason = _reason(name, f"the due time {due:%H:%M:%S}Z, found together, runs")
            if reason is not None:
                verdict = verdict._replace(state=RunState.SKIPPED, reason=reason)
            elif verdict.state is None:
                runs[name] = moment_us
            found.append(verdict)
        return found

    def _name_all(self) -> None:
        self._done, self._active = {}, {}
        if self._template:
            for run_id, moment_us in self._held.items():
                self._active.setdefault(self.period(moment_us), {})[run_id] = None
            for one in self._moments:
                self._name(one)

    def _name(self, one: tuple[int, int]) -> None:
        name = self.period(one[0])
        self._done[name] = max(one, self._done.get(name, one))


def guard(live: LiveJob) -> Once:
    """The periods of a job, which are kept from here on."""
    if live.once is None:
        live.once = Once(live.running)
    return live.once


def _reason(name: str, why: str) -> str:
    return f"once per {name}: {why}"
