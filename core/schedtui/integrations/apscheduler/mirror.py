"""The jobs of APScheduler as the engine shows them. None of them is ever fired by the engine.

What the store has of them is what a history needs: their names. Their triggers are not kept, so
that nothing would fire them either if the store were opened without APScheduler.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from schedtui.clock import from_us
from schedtui.engine.jobs.audited import told
from schedtui.engine.live.job import LiveJob
from schedtui.engine.running import Running
from schedtui.errors import SchedtuiError
from schedtui.integrations.apscheduler.inside import Key
from schedtui.integrations.apscheduler.seen import Seen
from schedtui.integrations.apscheduler.triggers import Theirs, zone_name
from schedtui.models import CatchUp, FunctionInfo, Job, JobState, Overlap, Policies
from schedtui.policies import MAX_GRACE_S, Effective, spell
from schedtui.protocols import StoreTx
from schedtui.registry import Function
from schedtui.triggers import Never, Trigger

ACTOR = "apscheduler"
"""Who is named where the application changed a job itself."""
LEFT = 1_000
"""Jobs that are gone and may still be heard of."""
_ONE_START = re.compile(r".*-[0-9a-f]{8}")
"""The names of jobs in memory that the next start of their program does not make again."""


class MirroredJob(LiveJob):
    """A job that another scheduler fires."""

    __slots__ = ("seen",)

    def __init__(
        self, job: Job, trigger: Trigger | None, policies: Effective, problem: str = ""
    ) -> None:
        self.seen: Seen | None = None
        """What it is; None: it is not there (any more, or yet)."""
        super().__init__(job, trigger, policies, problem)

    def show(self, seen: Seen | None) -> None:
        """Take over what APScheduler has."""
        self.seen = seen
        self._overlay()

    def set(
        self, job: Job, trigger: Trigger | None, policies: Effective, problem: str = ""
    ) -> None:
        """Take over what the store holds; the rest is APScheduler's."""
        super().set(job, trigger, policies, problem)
        self._overlay()

    def _overlay(self) -> None:
        seen = self.seen
        if seen is None:
            return
        self.next_due_us = seen.next_us
        known = self.trigger
        if not isinstance(known, Theirs) or not known.is_of(seen.trigger):
            self.trigger = known = Theirs(seen.trigger)
        self.schedule = known.short()

    @property
    def fires(self) -> bool:
        """Never by the engine."""
        return False

    @property
    def state(self) -> JobState:
        """Orphaned where APScheduler has no such job."""
        if self.seen is None:
            return JobState.ORPHANED
        return JobState.PAUSED if self.seen.paused else JobState.SCHEDULED

    def current(self) -> Job:
        """The job, with the trigger and the rules that APScheduler has for it."""
        job = super().current()
        seen, trigger = self.seen, self.trigger
        if seen is None or trigger is None:
            return replace(job, orphaned=True)
        rules = replace(
            spell(self.policies),
            overlap=Overlap.SKIP,
            concurrency=seen.max_instances,
            grace_s=MAX_GRACE_S if seen.grace_s is None else float(seen.grace_s),
            catch_up=CatchUp.SKIP,
        )
        return replace(job, trigger=trigger.to_json(), effective=rules)


class Mirror:
    """All jobs of an APScheduler, with the rows that they have in the store. On the loop only.

    Args:
        running: The engine.
    """

    def __init__(self, running: Running) -> None:
        self._running = running
        self._core = running.core
        self.by_key: dict[Key, MirroredJob] = {}
        """Read from other threads too."""
        self.acting: dict[Key, tuple[str, str]] = {}
        """Who is changing a job just now, and why."""

        self._left: dict[Key, MirroredJob] = {}

    def find(self, key: Key) -> MirroredJob | None:
        """A job that is there, or was until a moment ago: one that is due once goes at once."""
        return self.by_key.get(key) or self._left.get(key)

    def take_over(self) -> None:
        """Make the jobs that the store holds such that cannot be fired; before anything is."""
        core = self._core
        for live in core.jobs:
            core.heap.drop(live)
            core.jobs.remove(live)
            core.problem(f"job {live.id}", None)
            ours = MirroredJob(live.job, Never(), core.effective(live.job))
            ours.recent.extend(live.recent)
            core.jobs.add(ours)

    async def seen(self, seen: Seen) -> MirroredJob:
        """A job is there, or has changed."""
        live = self.by_key.get(seen.key)
        if live is None:
            live = self._known(seen) or await self._new(seen)
            self.by_key[seen.key] = live
        await self._update(live, seen)
        return live

    async def known(self, seen: Seen) -> MirroredJob:
        """A job that may have been seen before; it has not changed."""
        live = self.by_key.get(seen.key)
        return live if live is not None else await self.seen(seen)

    async def gone(self, key: Key) -> None:
        """A job is not there any more."""
        live = self.by_key.pop(key, None)
        if live is not None:
            self._left[key] = live
            while len(self._left) > LEFT:
                del self._left[next(iter(self._left))]
            await self.delete(live, self.acting.get(key, (ACTOR, ""))[0])

    async def all_gone(self, alias: str | None) -> None:
        """All jobs of a job store are not there any more; None: of every one."""
        for key in [key for key in self.by_key if alias in (None, key[0])]:
            await self.gone(key)

    async def hidden(self, alias: str) -> None:
        """A job store was taken away; its jobs may come back with it."""
        for key in [key for key in self.by_key if key[0] == alias]:
            live = self.by_key.pop(key)
            live.show(None)
            self._core.hub.job(live.id)

    async def listed(self, listing: Mapping[str, Sequence[Seen]], lasting: frozenset[str]) -> None:
        """All jobs of some job stores.

        Args:
            listing: By the alias of the job store.
            lasting: Those of them that outlive their program: what they do not list is gone.
        """
        for alias, jobs in listing.items():
            for seen in jobs:
                await self.seen(seen)
            there = {seen.key for seen in jobs}
            for key in [key for key in self.by_key if key[0] == alias and key not in there]:
                await self.gone(key)
        for live in self._core.jobs:
            if isinstance(live, MirroredJob) and live.seen is None:
                passing = live.job.group not in lasting and _ONE_START.fullmatch(live.job.name)
                if live.job.group in lasting or passing:
                    await self.delete(live, ACTOR)

    async def delete(self, live: MirroredJob, actor: str) -> None:
        """Make a tombstone of a job; its history stays."""
        core, job, now_us = self._core, live.job, self._core.clock.now_us()

        def apply(tx: StoreTx) -> None:
            tx.delete_job(live.id, version=live.version, now_us=now_us)
            self._running.writes.audit(tx, actor, "job.delete", job, {"before": told(job)})

        await self._running.writes.write(apply)
        core.jobs.remove(live)
        core.hub.removed(live.id, live.job.group)

    def functions(self, group: str | None) -> tuple[FunctionInfo, ...]:
        """The functions of its jobs, sorted by name. Blocks: some take a while to describe."""
        found: dict[str, FunctionInfo] = {}
        for live in list(self.by_key.values()):
            seen = live.seen
            if seen is not None and seen.function not in found:
                found[seen.function] = _described(seen)
        wanted = (one for one in found.values() if group in (None, one.group))
        return tuple(sorted(wanted, key=lambda one: one.full_name))

    def overdue_s(self, now_us: int) -> float:
        """For how many seconds the first job has been due."""
        due = [live.next_due_us for live in self.by_key.values() if live.next_due_us is not None]
        return max(0.0, (now_us - min(due)) / 1e6) if due else 0.0

    def _known(self, seen: Seen) -> MirroredJob | None:
        """A job of an earlier start that this one is."""
        for name in (seen.longer_name, seen.name):
            found = self._core.jobs.find(seen.group, name)
            if isinstance(found, MirroredJob) and found.seen is None:
                return found
        return None

    async def _new(self, seen: Seen) -> MirroredJob:
        core = self._core
        taken = core.jobs.find(seen.group, seen.name) is not None
        now = from_us(core.clock.now_us())
        job = Job(
            id=0,
            group=seen.group,
            name=seen.longer_name if taken else seen.name,
            trigger=Never().to_json(),
            created_at=now,
            updated_at=now,
            **self._kept(seen),
        )

        def apply(tx: StoreTx) -> Job:
            created = tx.insert_job(job)
            self._running.writes.audit(tx, ACTOR, "job.create", created, {"after": told(created)})
            return created

        created = await self._running.writes.write(apply)
        live = MirroredJob(created, Never(), core.effective(created))
        live.show(seen)
        core.jobs.add(live)
        core.hub.job(live.id)
        return live

    async def _update(self, live: MirroredJob, seen: Seen) -> None:
        before, job = live.seen, live.job
        words = live.trigger.words if isinstance(live.trigger, Theirs) else ""
        live.show(seen)
        now = live.trigger.words if isinstance(live.trigger, Theirs) else ""
        kept = self._kept(seen)
        actor, reason = self.acting.get(seen.key, (ACTOR, ""))
        turned = kept["paused"] != job.paused
        if not turned:  # who paused it, and why, only a pause changes
            kept = {name: value for name, value in kept.items() if not name.startswith("pause")}
        elif seen.paused:
            kept |= {"paused_by": actor, "pause_reason": reason}
        changed = replace(job, **kept)
        if changed != job or (before is not None and words != now):
            action = "job.edit" if not turned else "job.pause" if seen.paused else "job.resume"
            await self._running.writes.replace(live, changed, actor, action)
        self._core.hub.job(live.id)

    def _kept(self, seen: Seen) -> dict[str, Any]:
        """What the store keeps of a job."""
        zone = zone_name(getattr(seen.trigger, "timezone", None))
        return {
            "function": seen.function,
            "timezone": zone or self._core.timezone,
            "kwargs": seen.arguments(),
            "policies": Policies(),
            "description": seen.described,
            "paused": seen.paused,
            "pause_reason": "",
            "paused_by": "",
        }


def _described(seen: Seen) -> FunctionInfo:
    """A function of a job, as far as it can be described."""
    group, _, name = seen.function.partition("/")
    try:
        return Function.of(seen.call, group=group, name=name).info()
    except SchedtuiError:  # a method or a class, which APScheduler takes as well
        return FunctionInfo(group=group, name=name, parameters={"type": "object"})
