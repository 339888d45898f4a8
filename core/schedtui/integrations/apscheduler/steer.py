"""Commands that APScheduler carries out, and the reasons for those that it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from apscheduler.executors.base import MaxInstancesReachedError
from apscheduler.jobstores.base import JobLookupError

from schedtui.engine.jobs.commands import Commands
from schedtui.engine.jobs.holds import check_version
from schedtui.engine.jobs.keys import Asked, Made, asked
from schedtui.engine.live.job import LiveJob
from schedtui.engine.running import Running
from schedtui.errors import (
    ConflictError,
    EngineStoppedError,
    InvalidArgumentsError,
    InvalidError,
    JobNotFoundError,
    StoreUnavailableError,
    VersionConflictError,
)
from schedtui.integrations.apscheduler import inside
from schedtui.integrations.apscheduler.inside import Key
from schedtui.integrations.apscheduler.ledger import NOT_RUNNING, Ledger
from schedtui.integrations.apscheduler.mirror import MirroredJob
from schedtui.integrations.apscheduler.refusals import RefusedRuns, refused
from schedtui.integrations.apscheduler.seen import is_json
from schedtui.integrations.apscheduler.triggers import Theirs, is_over, write
from schedtui.integrations.apscheduler.watch import Manual, Watch
from schedtui.models import Job, JobPatch, JobSpec, RunState, Source
from schedtui.models.names import check_reason
from schedtui.registry import json_arguments
from schedtui.triggers import Never, Trigger, check_timezone, parse_trigger

T = TypeVar("T")

LOOP_S = 10.0
"""Seconds that the application's event loop has to take a run that was asked for."""
_FIXED = ("function", "policies", "after", "tags", "name")


class Steering(RefusedRuns, Commands):
    """The commands of an engine whose jobs are APScheduler's; on the engine's loop.

    Args:
        running: The engine.
        ledger: Knows the jobs.
        watch: Hands runs to executors.
        scheduler: The scheduler.
    """

    def __init__(self, running: Running, ledger: Ledger, watch: Watch, scheduler: Any) -> None:
        super().__init__(
            running.core,
            running.writes,
            running.claims,
            running.admission,
            running.cancels,
            running.supervisor.start,
        )
        self._running = running
        self._ledger = ledger
        self._watch = watch
        self._scheduler = scheduler

    # --- what works

    async def pause(
        self,
        name: str,
        reason: str,
        actor: str,
        *,
        expect_id: int | None,
        until: datetime | None = None,
        shorten: bool = True,  # noqa: ARG002 - a pause there has no end
        still: Callable[[LiveJob], bool] = lambda _: True,  # noqa: ARG002 - nobody there is paused for failures
        version: int | None = None,
    ) -> Job:
        """Take a job's next due time away, as APScheduler pauses jobs."""
        check_reason(reason)
        if until is not None:
            raise refused("a pause has no end there", "resume it yourself")
        live = self._found(name, expect_id)
        check_version(live, version)
        if not live.current().paused:
            with self._acting(live, actor, reason) as (alias, job_id):
                await self._call(name, self._scheduler.pause_job, job_id, alias)
        return live.current()

    async def resume(
        self, name: str, actor: str, *, expect_id: int | None, version: int | None = None
    ) -> Job:
        """Give a job its next due time back."""
        live = self._found(name, expect_id)
        check_version(live, version)
        seen = live.seen
        if seen is None or not seen.paused:
            return live.current()
        if await self._core.off_loop(is_over, seen.trigger, self._core.clock.now_us()):
            raise ConflictError(
                f"{name} is never due again, and APScheduler would delete it instead of resuming "
                "it: give it another trigger first"
            )
        with self._acting(live, actor) as (alias, job_id):
            await self._call(name, self._scheduler.resume_job, job_id, alias)
        return live.current()

    async def delete(
        self, name: str, actor: str, *, expect_id: int | None, version: int | None = None
    ) -> None:
        """Remove a job from its job store; one that is in none any more, from the history's."""
        live = self._found(name, expect_id, orphans=True)
        check_version(live, version)
        if live.seen is None:
            await self._ledger.mirror.delete(live, actor)
            return
        with self._acting(live, actor) as (alias, job_id):
            await self._call(name, self._scheduler.remove_job, job_id, alias)

    async def trigger(
        self,
        name: str,
        kwargs: Mapping[str, Any] | None,
        actor: str,
        *,
        expect_id: int | None,
        key: str | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> Made:
        """Hand a job to its executor now; its schedule is not touched, paused or not."""
        live = self._found(name, expect_id)
        call = asked(f"job {live.id}", key, kwargs if where is None else {"where": where})
        async with self._keys.turn(call) as made:
            return made or await self._trigger_now(name, live, kwargs, actor, call)

    async def _trigger_now(
        self,
        name: str,
        live: MirroredJob,
        kwargs: Mapping[str, Any] | None,
        actor: str,
        call: Asked | None,
    ) -> Made:
        given = json_arguments(kwargs or {})
        alias, job_id = _key(live)
        job = await self._call(name, self._scheduler.get_job, job_id, alias)
        if job is None:
            raise JobNotFoundError(name)
        executor = inside.executors(self._scheduler).get(job.executor)
        if given and inside.in_processes(executor):
            raise refused("arguments of one run do not reach its processes", "leave them out")
        if given:
            await self._call(name, inside.check_arguments, job, given)
        run_id = await self._ledger.record.asked(live, given, actor, call)
        try:
            await self._hand_over(job, Manual(run_id=run_id, kwargs=given or None))
        except MaxInstancesReachedError:
            state = RunState.SKIPPED
            reason = f"max_instances ({job.max_instances}) of its runs are active already"
        except Exception as error:  # noqa: BLE001 - an executor of any kind; it is the run's outcome
            state, reason = RunState.FAILED, f"it could not be started: {_words(error)}"
        else:
            return Made(run_id)
        await self._ledger.record.settled(run_id, live, state, reason)
        return Made(run_id)

    async def edit(
        self,
        name: str,
        patch: JobPatch,
        actor: str,
        *,
        version: int | None,
        expect_id: int | None,
        instead: bool = False,  # noqa: ARG002 - nothing is replaced in place here
    ) -> Job:
        """Reschedule a job, or give it other arguments or another title."""
        live = self._found(name, expect_id)
        job = live.current()
        if version is not None and live.version != version:
            raise VersionConflictError(
                f"{name} has version {live.version}, not {version}: it was changed meanwhile; "
                "read it again and repeat the edit on what it is now"
            )
        for field in _FIXED:
            given = getattr(patch, field)
            if given is not None and given != getattr(job, field):
                raise refused(f"{field} of a job cannot be changed there", "change it in the code")
        changes = self._changes(live, job, patch)
        if changes:
            with self._acting(live, actor) as (alias, job_id):
                modify = partial(self._scheduler.modify_job, job_id, alias, **changes)
                await self._call(name, modify)
        return live.current()

    def _changes(self, live: MirroredJob, job: Job, patch: JobPatch) -> dict[str, Any]:
        """What APScheduler is told to change."""
        seen = live.seen
        if seen is None:
            raise JobNotFoundError(live.full_name)
        changes: dict[str, Any] = {}
        if patch.description is not None and patch.description != job.description:
            if not patch.description or seen.args:
                raise refused("this is the job's name and arguments there", "leave it as it is")
            changes["name"] = patch.description
        if patch.kwargs is not None and dict(patch.kwargs) != dict(job.kwargs):
            if not is_json(seen.kwargs):
                raise refused(
                    "some arguments of this job are objects that have no JSON form",
                    "change them in the code",
                )
            changes["kwargs"] = json_arguments(patch.kwargs)
        zone = job.timezone if patch.timezone is None else check_timezone(patch.timezone)
        rescheduled = patch.trigger is not None and dict(patch.trigger) != dict(job.trigger)
        if rescheduled or zone != job.timezone:
            changes["trigger"] = trigger = self._trigger(live, patch, zone)
            if not seen.paused:
                now = datetime.now(self._scheduler.timezone)
                changes["next_run_time"] = trigger.get_next_fire_time(None, now)
        return changes

    def _trigger(self, live: MirroredJob, patch: JobPatch, zone: str) -> Any:
        now_us = self._core.clock.now_us()
        ours: Trigger | None = None
        if patch.trigger is not None:
            try:
                ours = parse_trigger(patch.trigger, zone, now_us)
            except InvalidError as error:
                raise error.below("trigger") from error
        elif isinstance(live.trigger, Theirs):
            ours = live.trigger.moved(zone)
        if ours is None:
            raise refused("the zone of this trigger cannot be changed alone", "give a trigger")
        if isinstance(ours, Never):
            raise refused("a job there always has a next due time", "pause it instead")
        trigger = write(ours, zone, now_us)
        if is_over(trigger, now_us):
            raise ours.refusal()
        return trigger

    # --- what does not

    async def create(
        self,
        spec: JobSpec,  # noqa: ARG002 - refused
        actor: str,  # noqa: ARG002 - refused
        *,
        key: str | None = None,  # noqa: ARG002 - refused
    ) -> Job:
        """Refused: a function is an object of the application there, and no name."""
        raise refused(
            "a job there is made of a function of the application, never of its name",
            "call add_job() in its code",
        )

    async def revert(
        self,
        name: str,  # noqa: ARG002 - refused
        actor: str,  # noqa: ARG002 - refused
        *,
        expect_id: int | None,  # noqa: ARG002 - refused
        version: int | None = None,  # noqa: ARG002 - refused
    ) -> Job:
        """Refused: no declaration is known."""
        raise refused("no declaration in code is known of its jobs", "edit the job")

    async def run_function(
        self,
        function: str,
        kwargs: Mapping[str, Any],  # noqa: ARG002 - refused
        actor: str,  # noqa: ARG002 - refused
        *,
        key: str | None = None,  # noqa: ARG002 - refused
    ) -> Made:
        """Refused: functions have no names there."""
        raise refused(f"it has no function {function!r} but those of jobs", "trigger a job")

    async def fire(self, live: LiveJob, source: Source, actor: str) -> Made:  # noqa: ARG002 - refused
        """Refused: APScheduler fires."""
        raise refused("jobs are fired by it alone", "trigger the job")

    async def cancel(self, run_id: int, actor: str, *, reason: str, force: bool) -> None:  # noqa: ARG002 - refused
        """Refused: nothing there ends a run."""
        raise refused(f"nothing there ends a function that runs (run {run_id})", "wait")

    # --- how

    def _found(self, name: str, expect_id: int | None, *, orphans: bool = False) -> MirroredJob:
        live = self.holds.find(name, expect_id)
        if not isinstance(live, MirroredJob):
            raise JobNotFoundError(name)
        if live.seen is None and not orphans:
            raise ConflictError(
                f"{name} is in none of APScheduler's job stores (any more, or yet); "
                "its history stays until you delete it"
            )
        return live

    @contextmanager
    def _acting(self, live: MirroredJob, actor: str, reason: str = "") -> Iterator[Key]:
        """What APScheduler now does to a job was asked for."""
        key = _key(live)
        acting = self._ledger.mirror.acting
        acting[key] = (actor, reason)
        try:
            yield key
        finally:
            acting.pop(key, None)

    async def _call(self, name: str, work: Callable[..., T], *args: Any) -> T:
        """Have APScheduler do something, off the loop, and what it changed taken over."""
        if not self._scheduler.running:
            raise EngineStoppedError(f"{NOT_RUNNING}; nothing was done")
        try:
            result = await self._core.off_loop(work, *args)
        except JobLookupError:
            raise JobNotFoundError(name) from None
        except (TypeError, ValueError) as error:
            raise InvalidArgumentsError(f"{name}: APScheduler refuses this: {error}") from error
        except Exception as error:
            raise StoreUnavailableError(
                f"{name}: APScheduler could not do this: {_words(error)}"
            ) from error
        await self._ledger.caught_up()
        return result

    async def _hand_over(self, job: Any, manual: Manual) -> None:
        """Give a job to its executor, on the loop that this belongs to if it has one."""
        loop = inside.loop_of(self._scheduler)
        if loop is None:
            await self._core.off_loop(self._watch.submit, job, manual)
            return
        over: asyncio.Future[None] = self._core.loop.create_future()

        def submit() -> None:
            if over.done():  # nobody waits any more, and the run is said not to have started
                return
            try:
                self._watch.submit(job, manual)
            except Exception as error:  # noqa: BLE001 - told to who asked
                self._core.deliver([partial(_fail, over, error)])
            else:
                self._core.deliver([partial(_succeed, over)])

        loop.call_soon_threadsafe(submit)
        async with asyncio.timeout(LOOP_S):
            await over


def _key(live: MirroredJob) -> Key:
    if live.seen is None:
        raise JobNotFoundError(live.full_name)
    return live.seen.key


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _succeed(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
