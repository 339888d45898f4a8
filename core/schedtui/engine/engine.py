"""`Engine`: what a program embeds. Wires the parts together; inert until it is started."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack

from schedtui import policies as policy_rules
from schedtui.clock import Clock, SystemClock
from schedtui.engine import forks
from schedtui.engine.embedded import Embedded, Membership
from schedtui.engine.running import Running
from schedtui.engine.runs.reads import Reads
from schedtui.engine.runs.spans import check_telemetry
from schedtui.engine.settings import Settings
from schedtui.engine.store_choice import StoreChoice
from schedtui.engine.sync import Sync
from schedtui.engine.thread import Start, close_at_exit, drive
from schedtui.errors import EngineStoppedError, RefusedError
from schedtui.execution import CPUS
from schedtui.locations import StateDir
from schedtui.models.alert import Alert, check_alerts
from schedtui.models.secret import check_secrets
from schedtui.policies import PolicyWords
from schedtui.protocols import Store
from schedtui.registry import Group, Registry
from schedtui.triggers import check_timezone

if TYPE_CHECKING:
    from schedtui.target.code import Code

P = ParamSpec("P")
T = TypeVar("T")

START_GRACE_S = 3.0
"""What a start that is given up gets to put back what it has begun."""

logger = logging.getLogger("schedtui.engine")


class Engine(Embedded):
    """Fires the jobs of some groups, and keeps what became of every due time.

    Started with `start` it runs on the present event loop, so that the jobs of a service share the
    loop of the service; with `run_in_thread` it has a loop and a thread of its own.

    `sys.exit()` in a function is a failed run. In a further task that an async function makes
    (`asyncio.gather`, `create_task`) asyncio also raises it out of the loop: a loop of the engine's
    own goes on, that of a service ends, as it would for any other task of the service.

    Args:
        groups: Where functions and static jobs are registered.
        store: ``sqlite:///path``, ``memory://``, or a `Store`. None: ``.schedtui/state.db`` in the
            working directory, or in ``state_dir``.
        timezone: IANA zone of jobs whose group names none.
        pools: How many runs of the jobs of each named pool may be active at once.
        threads: Sync functions that run at once.
        async_slots: Async functions that run at once.
        processes: Functions with ``executor="process"`` that run at once.
        secrets: Names of arguments that are secret, of whichever function, as if their parameters
            were typed `Secret`.
        state_dir: Where the default store, the socket and the log are.
        clock: Where time comes from; for tests.
        echo: Whether what runs print also goes where it went before.
        log_level: Lower the root logger to this level while the engine runs, where no logging is
            set up; None leaves logging alone.
        stop_grace_s: Seconds that running functions have to end by themselves when it is stopped.
        telemetry: Whether there is a span of OpenTelemetry for each attempt of a run; needs the
            extra ``schedtui[otel]``.
        alerts: `schedtui.Webhook` and `schedtui.Email`, who are told of failures and the like.
        own: Policies of all jobs whose group says none; see `schedtui.models.Policies`.

    Attributes:
        address: The Unix socket on which the program opens it to others, to be set before the
            start by whoever does (`schedtui.api.start_server`): who finds the store in use is sent
            there. Empty where nobody listens.
        start_paused: Whether it is paused from its start on, as by `pause_engine`.
        on_start: Awaited, each on the engine's own loop, when its store is open and nothing fires
            yet; one that raises ends the start.
        on_death: Called, each in the engine's own thread, when that thread ended without having
            been asked to: nothing fires any more, and the program should say so or end.

    Raises:
        InvalidError: a time zone, policy, store URL or number that cannot be.
    """

    def __init__(
        self,
        *,
        groups: Iterable[Group] = (),
        store: str | Store | None = None,
        timezone: str = "UTC",
        pools: Mapping[str, int] | None = None,
        threads: int = 32,
        async_slots: int = 1_000,
        processes: int = CPUS,
        secrets: Iterable[str] = (),
        state_dir: StateDir | None = None,
        clock: Clock | None = None,
        echo: bool = True,
        log_level: int | None = None,
        stop_grace_s: float = 10.0,
        telemetry: bool = False,
        alerts: Sequence[Alert] = (),
        **own: Unpack[PolicyWords],
    ) -> None:
        self.registry = Registry(groups)
        self.state_dir = state_dir if state_dir is not None else StateDir.beside(Path.cwd())
        self._choice = StoreChoice(store, self.state_dir)
        self._settings = Settings(
            clock=clock if clock is not None else SystemClock(),
            registry=self.registry,
            timezone=check_timezone(timezone),
            policies=policy_rules.make(**own),
            pools=policy_rules.check_pools(pools or {}),
            threads=threads,
            async_slots=async_slots,
            processes=processes,
            secrets=check_secrets(secrets),
            echo=echo,
            log_level=log_level,
            telemetry=check_telemetry(telemetry),
            alerts=check_alerts(alerts),
        )
        self._running: Running | None = None
        self._thread: threading.Thread | None = None
        self._start: Start | None = None
        self._code: tuple[Code, bool] | None = None
        self.address = ""
        self.start_paused = False
        self.on_start: list[Callable[[], Awaitable[object]]] = []
        self.on_death: list[Callable[[], object]] = []
        self.sync = Sync(self)
        self.stop_grace_s = stop_grace_s
        self._copied: list[object] = []
        forks.know(self)

    # --- life ---------------------------------------------------------------------------------

    @property
    def running(self) -> Running:
        """The engine's parts while it runs.

        Raises:
            EngineStoppedError: it does not.
        """
        if self._running is None or not self._running.ready:
            raise EngineStoppedError(self.why_not())
        return self._running

    @property
    def is_running(self) -> bool:
        """Whether it is started and not stopped."""
        return self._running is not None and self._running.ready

    @property
    def store(self) -> Store:
        """The store of the running engine, or of one that calls `on_start`."""
        running = self._running
        return running.store if running is not None and running.opened else self.running.store

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop it runs on, or would."""
        away = self.away
        return away.loop if away is not None else self.running.core.loop

    @property
    def store_url(self) -> str:
        """The URL of its store, also while it does not run."""
        return self._choice.url

    @property
    def reads(self) -> Reads:
        """Queries of the running engine."""
        return Reads(self.running)

    async def start(self) -> None:
        """Start on the present event loop.

        Raises:
            RefusedError: it runs already.
            StoreLockedError: another engine owns the store.
            StoreSchemaError: the store was written by a newer schedtui.
            StoreUnavailableError: the store cannot be opened now.
        """
        if self._running is not None:
            raise RefusedError("this engine runs already; an Engine is started once at a time")
        settings = replace(self._settings, paused=self.start_paused)
        self._running = running = Running(settings, self._choice.make(), self.address)
        try:
            await running.start(self.on_start)
        except BaseException:
            self._running = None
            raise
        if self._code is not None:
            running.reloading.follow(self._code[0], watch=self._code[1])

    async def stop(self, grace_s: float | None = None) -> None:
        """Stop in order: claim nothing more, let runs finish, cancel, record, close. Idempotent.

        Args:
            grace_s: Seconds that running functions have to end by themselves; None: as the engine
                was told.
        """
        running, grace_s = self._running, self._grace(grace_s)
        if running is not None:
            try:
                await running.on_loop(lambda: running.stop(grace_s))
            finally:
                if running.ended.is_set():
                    self._forget(running)

    async def __aenter__(self) -> Engine:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    def run_in_thread(self, *, stand_by: bool = False) -> Engine:
        """Start with a thread and an event loop of its own; returns when it runs.

        It is stopped when the interpreter exits, if not before.

        Args:
            stand_by: Where another process has the store: do not fail, but pass on to that one what
                this one is asked to do, and take over when it dies; see `lifespan`.

        Raises:
            What `start` raises.
        """
        if self._running is not None or self._thread is threading.current_thread():
            raise RefusedError("this engine runs already; an Engine is started once at a time")
        if self._thread is not None:
            self._thread.join()  # `stop` has ended its engine
        ended: list[asyncio.Event] = []

        async def begin() -> None:
            if stand_by:
                await self.membership.start()
                ended.append(self.membership.ended)
            else:
                await self.start()
                ended.append(self.running.ended)

        if self._start is None:
            close_at_exit(self)
        self._start = start = Start(begin)

        async def main() -> None:
            await start.run()
            if start.left:
                await (self.membership.stop(0) if stand_by else self.stop(0))
            elif ended:
                await ended[0].wait()

        def work() -> None:
            self._thread_ended(drive(main))

        self._thread = threading.Thread(target=work, name="schedtui-engine", daemon=True)
        self._thread.start()
        try:
            start.wait()
        except BaseException:  # a signal's, in the main thread
            self.close(0)
            raise
        if start.failure is not None:
            self._join(start)
            raise start.failure
        return self

    def close(self, grace_s: float | None = None) -> None:
        """Stop an engine that was started with `run_in_thread`, and end its thread. Idempotent.

        One that is still starting is given up: nothing has run.

        Raises:
            RefusedError: called in that very thread, which would wait for itself.
        """
        thread, start = self._thread, self._start
        if thread is None or start is None:
            return
        if thread is threading.current_thread():
            raise RefusedError(
                "close() was called on the engine's own event loop, which would wait for itself "
                "for ever: await stop() instead, or call close() from another thread"
            )
        start.give_up(START_GRACE_S)
        grace_s = self._grace(grace_s)
        running = None if start.left else self._running
        failure: Exception | None = None
        member = self._membership
        begun: Running | Membership | None = running
        if running is None or running.ended.is_set():
            begun = None
        if member is not None and member.begun and not start.left:
            begun = member
        if begun is not None:
            try:
                asyncio.run_coroutine_threadsafe(begun.stop(grace_s), begun.loop).result()
            except RuntimeError:  # the loop has ended meanwhile
                pass
            except Exception as error:  # noqa: BLE001 - raised below, after what must happen anyway
                failure = error
        self._join(start)
        if running is not None:
            self._forget(running)
        if failure is not None:
            raise failure

    def _join(self, start: Start) -> None:
        """Wait for the thread of an engine that has ended, unless its start could not be ended."""
        thread, self._thread = self._thread, None
        if start.left:
            logger.warning(
                "the start of the engine did not end within %g s and is left to itself; most "
                "likely its store does not answer",
                START_GRACE_S,
            )
        elif thread is not None:
            thread.join()

    def _thread_ended(self, cause: BaseException | None) -> None:
        running = self._running
        if cause is not None:
            self._membership = self.elsewhere = None
        if running is None or running.ended.is_set():
            return
        logger.critical(
            "the engine's thread has ended without being asked to; no job fires any more, and "
            "this process must be started again",
            exc_info=cause,
        )
        for call in (running.abandon, *self.on_death):
            try:
                call()
            except Exception:  # the next one must still be told
                logger.exception("%r failed after the engine's thread had ended", call)
        self._forget(running)

    def left_in_parent(self, pid: int) -> None:
        """Be inert in a process that was forked from the one in which this engine is started."""
        member = self._membership
        if self._running is None and (member is None or not member.begun):
            return
        # Kept whole: what closed here would be closed under the engine that goes on.
        self._copied += [self._running, self._thread, member, self.elsewhere]
        self._running = self._thread = self._start = self._membership = self.elsewhere = None
        self._forked_from, self.address = pid, ""

    def _grace(self, given_s: float | None) -> float:
        return self.stop_grace_s if given_s is None else given_s

    def _forget(self, running: Running) -> None:
        if self._running is running:
            self._running = None

    async def on_loop(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await a coroutine on the engine's loop, from any loop.

        Raises:
            EngineStoppedError: the engine does not run.
        """
        return await self.running.on_loop(make)

    async def off_loop(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `asyncio.to_thread`, in the engine's own threads; from any loop.

        What functions leave in the threads that `asyncio.to_thread` uses does not hold this up.

        Raises:
            EngineStoppedError: the engine does not run.
        """
        running = self._running if self._running is not None else self.running
        return await running.off_loop(work, *args, **kwargs)

    # --- code ---------------------------------------------------------------------------------

    def follow_code(self, code: Code, *, watch: bool = True) -> None:
        """Run what a target's files hold, not what they held at the start; from the next start on.

        The groups that the code gives become all that the engine knows.

        Args:
            code: Of the target whose groups this engine has.
            watch: Reload whenever its files change; False: only when `reload` is called.
        """
        self._code = (code, watch)
