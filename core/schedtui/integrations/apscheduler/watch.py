"""Watching an APScheduler: its events, and what it hands to its executors and job stores.

All of it is called in the application's threads, some under APScheduler's locks. So nothing here
reads a job store, waits, or raises.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from apscheduler import events as aps
from apscheduler.executors.base import MaxInstancesReachedError

from schedtui.clock import to_us
from schedtui.execution.ended import ended_error, ended_ok
from schedtui.integrations.apscheduler import inside
from schedtui.integrations.apscheduler.handle import Handle
from schedtui.integrations.apscheduler.inside import Key
from schedtui.integrations.apscheduler.ledger import Ledger
from schedtui.integrations.apscheduler.mirror import MirroredJob
from schedtui.integrations.apscheduler.seen import Seen
from schedtui.integrations.apscheduler.submission import ObservedJob, Times
from schedtui.models import RunState
from schedtui.protocols import Ended

logger = logging.getLogger("schedtui.apscheduler")

MOST_ROWS = 100
"""Due times of one submission that get a row each where they were skipped."""
_MASK = (
    aps.EVENT_SCHEDULER_STARTED
    | aps.EVENT_SCHEDULER_SHUTDOWN
    | aps.EVENT_SCHEDULER_PAUSED
    | aps.EVENT_SCHEDULER_RESUMED
    | aps.EVENT_EXECUTOR_ADDED
    | aps.EVENT_JOBSTORE_ADDED
    | aps.EVENT_JOBSTORE_REMOVED
    | aps.EVENT_ALL_JOBS_REMOVED
    | aps.EVENT_JOB_REMOVED
    | aps.EVENT_JOB_EXECUTED
    | aps.EVENT_JOB_ERROR
    | aps.EVENT_JOB_MISSED
    | aps.EVENT_JOB_MAX_INSTANCES
)
_Firing = tuple[str, str, datetime]


@dataclass(kw_only=True, slots=True)
class Manual:
    """A run that somebody asked for."""

    run_id: int
    kwargs: Mapping[str, Any] | None


@dataclass(kw_only=True, slots=True)
class _Submission:
    """A job in the hands of an executor."""

    ledger: Ledger
    seen: Seen
    manual: Manual | None
    in_processes: bool
    """Whether its runs cannot say themselves when they begin and end."""
    begun: dict[datetime, Handle] = field(default_factory=dict)
    """Its runs that have begun, by due time."""
    live: MirroredJob | None = None
    """Its job; set on the engine's loop, before anything else of it is told there."""

    async def identify(self) -> None:
        """Find its job."""
        self.live = await self.ledger.mirror.known(self.seen)


class Watch:
    """Watches one APScheduler, from `begin` to `end`.

    Args:
        scheduler: The scheduler.
        on_state: Called with the event's code when it starts, stops, pauses or resumes.
    """

    def __init__(self, scheduler: Any, on_state: Callable[[int], object]) -> None:
        self._scheduler = scheduler
        self._on_state = on_state
        self._open: dict[_Firing, _Submission] = {}
        self._lock = threading.Lock()
        self._hooked: list[tuple[Any, str]] = []
        self.ledger: Ledger | None = None
        """Where what is seen is told; None: nowhere."""

    def begin(self) -> None:
        """Hook into the scheduler, its executors and its job stores."""
        self._scheduler.add_listener(self._heard, _MASK)
        for alias in inside.executors(self._scheduler):
            self._hook_executor(alias)
        for alias in inside.jobstores(self._scheduler):
            self._hook_store(alias)

    def end(self) -> None:
        """Take every hook out again."""
        self.ledger = None
        self._scheduler.remove_listener(self._heard)
        hooked, self._hooked = self._hooked, []
        for owner, name in hooked:
            vars(owner).pop(name, None)

    def submit(self, job: Any, manual: Manual) -> None:
        """Hand a job to its executor now; the schedule is not touched.

        Raises:
            MaxInstancesReachedError: as many runs of it are active as may be.
            Exception: whatever the executor raises.
        """
        executor = inside.executors(self._scheduler)[job.executor]
        hook = vars(executor)["submit_job"]
        self._submit(hook.args[0], hook.args[1], job, [datetime.now(UTC)], manual)

    def list_jobs(self) -> None:
        """Tell of all jobs in all job stores. Blocks; reads what it needs and changes nothing."""
        ledger, scheduler = self.ledger, self._scheduler
        if ledger is None or not scheduler.running:
            return
        with inside.jobstores_lock(scheduler):
            listing: dict[str, Sequence[Seen]] = {}
            lasting: set[str] = set()
            for alias, store in inside.jobstores(scheduler).items():
                in_memory = inside.in_memory(store)
                try:
                    with inside.reading_only(store) as problems:
                        jobs = inside.readable(store.get_all_jobs())
                    listing[alias] = [Seen.of(job, in_memory=in_memory) for job in jobs]
                except Exception as error:  # noqa: BLE001 - a job store of any kind
                    logger.warning("the jobs of job store %r cannot be listed: %s", alias, error)
                    continue
                if not in_memory and not problems:
                    lasting.add(alias)
                if problems:
                    logger.warning(
                        "%d jobs of job store %r cannot be restored, and APScheduler deletes them "
                        "when it comes to them: %s",
                        len(problems),
                        alias,
                        problems[0],
                    )
            # While the lock is held, so that no later change is overtaken.
            ledger.tell(ledger.mirror.listed, listing, frozenset(lasting))

    # --- hooks

    def _hook(self, owner: Any, name: str, hook: Any) -> None:
        if name not in vars(owner):
            setattr(owner, name, hook)
            self._hooked.append((owner, name))

    def _hook_executor(self, alias: str) -> None:
        executor = inside.executors(self._scheduler).get(alias)
        if executor is not None:
            submit = executor.submit_job
            self._hook(executor, "submit_job", partial(self._submit, executor, submit))
            failed = executor._run_job_error  # noqa: SLF001 - the only place that is told of it
            self._hook(executor, "_run_job_error", partial(self._broke, failed))

    def _hook_store(self, alias: str) -> None:
        store = inside.jobstores(self._scheduler).get(alias)
        if store is not None:
            for name in ("add_job", "update_job"):
                self._hook(store, name, partial(self._stored, store, getattr(store, name), alias))

    def _stored(self, store: Any, original: Callable[[Any], Any], alias: str, job: Any) -> Any:
        result = original(job)
        ledger = self.ledger
        if ledger is not None:
            try:
                seen = Seen.of(job, in_memory=inside.in_memory(store))
                # A new one learns its job store only after this.
                seen = seen if seen.key[0] == alias else seen.within(alias)
                ledger.tell(ledger.mirror.seen, seen)
            except Exception:
                logger.exception("a job cannot be observed")
        return result

    def _submit(
        self,
        executor: Any,
        original: Callable[[Any, Any], Any],
        job: Any,
        run_times: Sequence[datetime],
        manual: Manual | None = None,
    ) -> Any:
        ledger = self.ledger
        if ledger is None or not ledger.is_open:
            return original(job, run_times)
        try:
            key = inside.key_of(job)
            store = inside.jobstores(self._scheduler).get(key[0])
            seen = Seen.of(job, in_memory=inside.in_memory(store))
            submission = _Submission(
                ledger=ledger,
                seen=seen,
                manual=manual,
                in_processes=inside.in_processes(executor),
            )
            # Before it can run, and be removed: one that is due once is removed at once.
            ledger.tell(submission.identify)
            times = Times(run_times)
            with self._lock:
                for one in run_times:
                    self._open[(*key, one)] = submission
            observed: Any = ObservedJob(
                job,
                lambda: self._began(submission, times.current),
                manual=manual is not None,
                kwargs=None if manual is None else manual.kwargs,
            )
        except Exception:
            logger.exception("a run of %s cannot be observed", job)
            return original(job, run_times)
        try:
            result = original(observed, times)
        except BaseException as error:
            self._not_submitted(submission, run_times, error)
            raise
        if submission.in_processes:
            self._begin_elsewhere(submission, run_times)
        return result

    # --- what follows from it

    def _began(self, submission: _Submission, due: datetime | None) -> Handle | None:
        try:
            ledger, manual = submission.ledger, submission.manual
            handle = Handle(
                ledger, submission.seen.key, due, None if manual is None else manual.run_id
            )
            if due is not None:
                submission.begun[due] = handle
            ledger.tell(_begin, submission, handle)
        except Exception:
            logger.exception("a run cannot be observed")
            return None
        return handle

    def _begin_elsewhere(self, submission: _Submission, run_times: Sequence[datetime]) -> None:
        for due in run_times:
            with self._lock:
                if self._open.get((*submission.seen.key, due)) is submission:
                    self._began(submission, due)

    def _not_submitted(
        self, submission: _Submission, run_times: Sequence[datetime], error: BaseException
    ) -> None:
        for due in run_times:
            self._closed((*submission.seen.key, due))
        if submission.manual is None and not isinstance(error, MaxInstancesReachedError):
            ledger = submission.ledger
            reason = f"APScheduler could not hand it to its executor: {_words(error)}"
            for due in run_times[-MOST_ROWS:]:
                ledger.tell(_decide, submission, RunState.FAILED, to_us(due), reason)

    def _broke(
        self, original: Callable[..., Any], job_id: str, exc: Any, traceback: Any = None
    ) -> Any:
        """An executor lost a job on its way: its pool is broken, or was shut down."""
        try:
            with self._lock:
                lost = [firing for firing in self._open if firing[1] == job_id]
            for firing in lost:
                submission = self._closed(firing)
                if submission is not None:
                    self._end(submission, firing, ended_error(exc, submission.ledger.clock))
        except Exception:
            logger.exception("the end of a run cannot be observed")
        return original(job_id, exc, traceback)

    def _closed(self, firing: _Firing) -> _Submission | None:
        with self._lock:
            return self._open.pop(firing, None)

    def _end(self, submission: _Submission, firing: _Firing, ended: Ended) -> None:
        """What an event says of a run that cannot say itself how it ended."""
        ledger, manual = submission.ledger, submission.manual
        handle = submission.begun.pop(firing[2], None)
        ran = ended.state is not RunState.MISSED
        if submission.in_processes and handle is None and ran:
            handle = self._began(submission, firing[2])  # it was faster than its submission
        if handle is not None:
            handle.end(ended)
        elif manual is not None:
            reason = ended.reason or f"{ended.error_type}: {ended.error}"
            ledger.tell(_settle, submission, manual.run_id, ended.state, reason)
        else:
            reason = ended.reason or f"it never began: {ended.error_type}: {ended.error}"
            ledger.tell(_decide, submission, ended.state, to_us(firing[2]), reason)

    # --- events

    def _heard(self, event: Any) -> None:
        try:
            self._hear(event)
        except Exception:
            logger.exception("an event of APScheduler cannot be observed")

    def _hear(self, event: Any) -> None:
        code, ledger = event.code, self.ledger
        if code == aps.EVENT_EXECUTOR_ADDED:
            self._hook_executor(event.alias)
        elif code == aps.EVENT_JOBSTORE_ADDED:
            self._hook_store(event.alias)
        elif isinstance(event, aps.JobExecutionEvent):
            self._executed(event)
        elif isinstance(event, aps.JobSubmissionEvent):
            self._skipped(event)
        elif code == aps.EVENT_JOBSTORE_REMOVED and ledger is not None:
            ledger.tell(ledger.mirror.hidden, event.alias)
        elif code == aps.EVENT_ALL_JOBS_REMOVED and ledger is not None:
            ledger.tell(ledger.mirror.all_gone, event.alias)
        elif code == aps.EVENT_JOB_REMOVED and ledger is not None:
            ledger.tell(ledger.mirror.gone, (event.jobstore, event.job_id))
        else:
            self._on_state(code)

    def _executed(self, event: Any) -> None:
        due = event.scheduled_run_time
        firing = (event.jobstore or "default", event.job_id, due)
        submission = self._closed(firing)
        ledger = self.ledger if submission is None else submission.ledger
        if ledger is None:
            return
        ended = _ended(event, ledger)
        if submission is not None:
            self._end(submission, firing, ended)
        elif ended.state is RunState.MISSED:
            ledger.tell(ledger.decided, firing[:2], ended.state, to_us(due), ended.reason)
        else:
            reason = "it began before schedtui was attached, so that only its end was seen"
            if ended.error_type:
                reason = f"{reason}: {ended.error_type}: {ended.error}"
            ledger.tell(ledger.decided, firing[:2], ended.state, to_us(due), reason)

    def _skipped(self, event: Any) -> None:
        ledger = self.ledger
        if ledger is None:
            return
        reason = "as many runs of it were active as APScheduler allows it (max_instances)"
        key: Key = (event.jobstore or "default", event.job_id)
        for due in event.scheduled_run_times[-MOST_ROWS:]:
            ledger.tell(ledger.decided, key, RunState.SKIPPED, to_us(due), reason)


async def _begin(submission: _Submission, handle: Handle) -> None:
    if submission.live is not None:
        await submission.ledger.record.began(handle, submission.live)


async def _settle(submission: _Submission, run_id: int, state: RunState, reason: str) -> None:
    if submission.live is not None:
        await submission.ledger.record.settled(run_id, submission.live, state, reason)


async def _decide(submission: _Submission, state: RunState, due_us: int, reason: str) -> None:
    if submission.live is not None:
        await submission.ledger.record.decided(submission.live, state, due_us, reason)


def _ended(event: Any, ledger: Ledger) -> Ended:
    """How a run ended, from an event."""
    clock = ledger.clock
    if event.code == aps.EVENT_JOB_MISSED:
        late_s = (clock.now_us() - to_us(event.scheduled_run_time)) / 1e6
        reason = f"found {late_s:.1f} s late, which is more than its misfire_grace_time"
        return Ended(RunState.MISSED, clock.now_us(), reason=reason)
    if event.exception is None:
        return ended_ok(event.retval, clock)
    ended = ended_error(event.exception, clock)
    # What comes from another process has its traceback as text.
    return ended._replace(traceback=event.traceback) if event.traceback else ended


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
