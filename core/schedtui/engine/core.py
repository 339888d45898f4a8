"""What the steps of the pipeline share: one object per started engine."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import ParamSpec, TypeVar

from schedtui.clock import Clock, from_us
from schedtui.engine.daemons import DaemonThreads
from schedtui.engine.events import Hub
from schedtui.engine.jobs.arguments import Arguments
from schedtui.engine.jobs.secrets import Secrets
from schedtui.engine.live.downtimes import Downtimes
from schedtui.engine.live.due import DueHeap
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.jobs import LiveJobs
from schedtui.engine.live.run import LiveRun
from schedtui.engine.live.slots import Pool, Slots
from schedtui.engine.notices.alerting import Alerts
from schedtui.engine.runs.direct import NO_JOB, Direct
from schedtui.engine.tick.asking import Asking
from schedtui.engine.upkeep import damage
from schedtui.errors import FunctionNotFoundError, InvalidError
from schedtui.models import Job, Policies
from schedtui.models.alert import Alert
from schedtui.policies import Effective, resolve
from schedtui.protocols import Store
from schedtui.registry import Registry
from schedtui.store.writer import Writer
from schedtui.triggers import Trigger, check_timezone, parse_trigger

logger = logging.getLogger("schedtui.engine")

P = ParamSpec("P")
T = TypeVar("T")


class Core:
    """The parts of a started engine. On the engine's loop only, but for what is thread-safe."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        registry: Registry,
        policies: Policies,
        timezone: str,
        boot: str,
        last_run_id: int,
        clock_epoch: int,
        threads: DaemonThreads,
        secrets: frozenset[str] = frozenset(),
        alerts: Sequence[Alert] = (),
    ) -> None:
        self.clock = clock
        self.store = store
        self.registry = registry
        self.policies = policies
        self.timezone = timezone
        self.boot = boot
        self.epoch = clock_epoch
        """How often the wall clock has been stepped in the life of the store."""
        self.run_ids = count(last_run_id + 1)
        # Tokens only have to differ from those of earlier boots, which may still be running.
        self.tokens = count(random.getrandbits(62) & ~0xFFFF_FFFF)
        self.arguments = Arguments(registry)
        self.asking = Asking()
        self.secrets = Secrets(registry, secrets)
        self.jobs = LiveJobs()
        self._threads = threads
        self.direct = Direct(self)
        self.heap = DueHeap()
        self.loop = asyncio.get_running_loop()
        self.slots: Slots
        self.secret = b""
        """The store's own key, for fingerprints."""
        self.store_id = ""
        """A name of the store; nobody can tell from it what the key is."""
        self.problems: dict[str, str] = {}
        """What is wrong with the engine, by a key that clears it again."""
        self.downtimes = Downtimes()
        """When no engine ran, before this one did."""
        self.begun_us = clock.now_us()
        """Since when this engine has the store."""
        self.backfilled: set[int | str] | None = None
        """The jobs that were backfilled before that, by id or name; None until somebody asks."""
        self.revision = 0
        """The newest revision of the jobs; 0: there is none."""
        self.halted = ""
        """Why the whole engine claims nothing; empty while it does."""
        self.halted_us = 0
        """Since when; what was due before, and is not decided yet, has other reasons."""
        self.hub: Hub
        self.alerts = Alerts(self, alerts)
        self.writer: Writer
        self.wakeup: Callable[[], None] = _nothing
        self.on_change: Callable[[LiveJob], None] = _ignored
        """Called with a job that was changed."""

    @property
    def pools(self) -> Mapping[str, Pool]:
        """The slots by the kind of their executor."""
        return self.slots.pools

    async def off_loop(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `asyncio.to_thread`, in the engine's own threads; from any event loop.

        What functions leave in the threads that `asyncio.to_thread` uses does not hold this up.

        Raises:
            EngineStoppedError: the engine has stopped meanwhile.
        """
        return await self._threads.call(work, *args, **kwargs)

    async def off_loop_asking(self, trigger: Trigger | None, work: Callable[[], T]) -> T:
        """Work that asks a trigger so often that it is not for the loop; on the engine's loop.

        Raises:
            EngineStoppedError: the engine has stopped meanwhile.
            ForeignTriggerError: the trigger is the user's, and took too long.
        """
        if trigger is not None and trigger.foreign:
            return await self.asking.ask(trigger, work)
        return await self.off_loop(work)

    def deliver(self, calls: list[Callable[[], object]]) -> None:
        """Run calls on the engine's loop; from any thread. Silent once the loop has ended."""
        try:
            self.loop.call_soon_threadsafe(_run_all, calls)
        except RuntimeError:
            return

    def pool_of(self, function: str) -> Pool:
        """The slots that a function's runs need."""
        try:
            kind = self.registry.resolve(function).executor
        except FunctionNotFoundError:
            kind = "async"  # it will fail there, and needs no thread for that
        except Exception:  # the tick asks here: a registry must not end it
            logger.exception("%s cannot be looked up", function)
            kind = "async"
        return self.slots.pools[kind]

    def live(self, job: Job) -> LiveJob:
        """A job as it is held in memory; one whose trigger is unreadable does not fire."""
        trigger, problem = self.trigger_of(job)
        live = LiveJob(job, trigger, self.effective(job), problem)
        live.limits = self.slots.limits_of(live)
        live.halted = self.halted
        return live

    def run(self, run_id: int) -> LiveRun | None:
        """A run of a living job, or of none, that is queued or running."""
        for live in self.jobs:
            if run_id in live.running:
                return live.running[run_id]
        return self.direct.find(run_id)

    def holder(self, job_id: int, function: str) -> LiveJob | None:
        """What a run belongs to: its job, or what stands for one; None where its job is gone."""
        return self.direct.of(function) if job_id == NO_JOB else self.jobs.by_id(job_id)

    def adopt(self, live: LiveJob, job: Job) -> None:
        """Let a living job become what the store now holds."""
        old, failed = live.job, live.problem
        trigger, problem = self.trigger_of(job)
        same = (old.trigger, old.timezone) == (job.trigger, job.timezone)
        if failed and same and job.next_due is None and not old.damage:
            problem = failed  # an edit of something else does not mend a trigger that failed
        live.set(job, trigger, self.effective(job), problem)
        live.limits = self.slots.limits_of(live)
        self.slots.turns(live, self.clock.now_us())
        self.problem(f"job {job.id}", f"{job.full_name}: {problem}" if problem else None)
        self.jobs.changed(live, old)
        self.heap.push(live)
        self.hub.job(live.id)
        self.on_change(live)
        self.names_changed()
        self.wakeup()

    def names_changed(self) -> None:
        """Jobs came, went or changed: those that are followed and not there may be others now."""
        if self.jobs.followers:
            self.hub.engine()

    def effective(self, job: Job) -> Effective:
        """The policies that rule a job."""
        return self.policies_of(job.group, job.policies)

    def policies_of(self, group: str, own: Policies) -> Effective:
        """The policies that rule a job of a group."""
        found = self.registry.groups.get(group)
        return resolve(own, found.policies if found else Policies(), self.policies)

    def finishes(self, live: LiveJob, job: Job) -> bool:
        """Whether as many due times of a living job have run as are to once it is ``job``."""
        return 0 < self.effective(job).max_runs <= live.fired

    def zone_for(self, name: str | None, group: str | None) -> str:
        """The IANA zone of a new job: the named one, else its group's, else the engine's.

        Raises:
            InvalidTriggerError: there is no zone of that name.
        """
        if name is not None:
            return check_timezone(name)
        found = None if group is None else self.registry.groups.get(group)
        return (found.timezone if found is not None else None) or self.timezone

    def trigger_of(self, job: Job) -> tuple[Trigger | None, str]:
        """A job's trigger, None where it cannot be read; and why the job does not fire."""
        if job.damage:
            readable = not job.damage.keys() & {"trigger", "timezone"}
            return self._trigger_of(job)[0] if readable else None, damage.told(job)
        return self._trigger_of(job)

    def _trigger_of(self, job: Job) -> tuple[Trigger | None, str]:
        try:
            declared = self.declared_trigger(job)
            if declared is not None:
                return declared.with_timezone(job.timezone), ""
            return parse_trigger(job.trigger, job.timezone, self.clock.now_us()), ""
        except InvalidError as error:
            # Without its declaration it does not fire anyway, and that is what it says.
            return None, "" if job.orphaned else f"its trigger cannot be read: {error}"
        except Exception as error:  # a trigger of the user's own may raise anything
            logger.exception("the trigger of %s failed", job.full_name)
            return None, f"its trigger failed: {type(error).__name__}: {error}"

    def declared_trigger(self, job: Job) -> Trigger | None:
        """The trigger object that a static job has in the code; None where another one rules.

        Not every object can be made again from its JSON form.
        """
        if not job.static or job.orphaned or job.declared is None:
            return None
        group = self.registry.groups.get(job.declared.get("group", ""))
        found = None if group is None else group.declaration(job.declared.get("name", ""))
        same = found is not None and found.trigger.to_json() == job.trigger
        return found.trigger if found is not None and same else None

    def absence(self, first_us: int, last_us: int) -> str | None:
        """Why nobody found what was due from one moment to another, both the same for one due time.

        It was due before this engine was ready, or before it was paused.
        """
        down = self.downtimes.why(first_us, last_us)
        if not self.halted or first_us >= self.halted_us:
            return down
        halted = _since(self.halted, self.halted_us)
        return f"{down}; then {halted}" if down else halted

    def problem(self, key: str, text: str | None) -> None:
        """Enter a problem, or clear it with None."""
        if self.problems.get(key) != text:
            if text is None:
                self.problems.pop(key, None)
            else:
                self.problems[key] = text
            self.hub.engine()


@lru_cache(maxsize=4)
def _since(what: str, since_us: int) -> str:
    """What the rows say of it, all of those that wait for its end alike."""
    return f"{what}, since {from_us(since_us):%FT%TZ}"


def _run_all(calls: list[Callable[[], object]]) -> None:
    for call in calls:
        try:
            call()
        except Exception:
            # One failing callback must not keep the others of its transaction from being told.
            logger.exception("a callback of the writer failed")


def _nothing() -> None:
    return None


def _ignored(_live: LiveJob) -> None:
    return None
