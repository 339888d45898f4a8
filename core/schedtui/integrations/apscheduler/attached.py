"""`attach`: one line for an APScheduler 3 application."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from apscheduler import events as aps
from apscheduler.schedulers.base import BaseScheduler

from schedtui.errors import (
    EngineStoppedError,
    InvalidError,
    RefusedError,
    SchedtuiError,
    StoreLockedError,
    UnavailableError,
)
from schedtui.integrations.apscheduler import inside
from schedtui.integrations.apscheduler.engine import ObservingClient, ObservingEngine, serve
from schedtui.integrations.apscheduler.halt import SchedulerHalt
from schedtui.integrations.apscheduler.watch import Watch
from schedtui.locations import StateDir
from schedtui.store import open_store

if TYPE_CHECKING:
    from schedtui.api.listen import Listen
    from schedtui.api.server import Server

logger = logging.getLogger("schedtui.apscheduler")

GRACE_S = 5.0
"""Seconds that runs have to end once APScheduler has shut down, for their ends to be seen."""
RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Between two attempts to open a store that another process still has, or that does not answer."""
_CLOSING_S = 10.0

_ATTACHED: WeakKeyDictionary[Any, Attached] = WeakKeyDictionary()


def attach(
    scheduler: BaseScheduler,
    *,
    store: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    listen: Listen | None = None,
    echo: bool = True,
) -> Attached:
    """Give a scheduler of APScheduler 3 a history, the HTTP API and the console.

    Before or after its start, and in the process in which it runs. Its jobs stay in its job
    stores, and it alone fires them: what it does is written down as it is seen, after the fact.
    `schedtui` in ``folder`` opens the console on it. It ends with the scheduler's shutdown, and
    begins again with its next start.

    Nothing of it raises into the application later. Where the history cannot be kept now (another
    process of the application has it), the application runs all the same: that is logged, told by
    `Attached.problem`, and tried again.

    Args:
        scheduler: A ``BackgroundScheduler``, ``AsyncIOScheduler`` or ``BlockingScheduler``.
        store: URL of the history's store; None: ``.schedtui/state.db`` in ``folder``.
        folder: Where ``.schedtui`` is, with the socket for the console; None: the working
            directory.
        listen: Where to listen on TCP too, and how it is protected; None: not at all.
        echo: Whether what runs print also goes where it went before.

    Raises:
        InvalidError: this is no scheduler of APScheduler 3, or the store's URL is none.
        RefusedError: it has been attached already.
    """
    if not isinstance(scheduler, BaseScheduler):
        raise InvalidError.one("scheduler", scheduler, "a scheduler of APScheduler 3")
    if store is not None:
        open_store(store)
    if scheduler in _ATTACHED:
        raise RefusedError("this scheduler is attached already; detach() it first")
    place = StateDir.beside(Path.cwd() if folder is None else Path(folder))
    attached = Attached(scheduler, store=store, state_dir=place, listen=listen, echo=echo)
    _ATTACHED[scheduler] = attached
    attached.open()
    return attached


class Attached:
    """A scheduler of APScheduler that is watched; see `attach`."""

    def __init__(
        self,
        scheduler: Any,
        *,
        store: str | None,
        state_dir: StateDir,
        listen: Listen | None,
        echo: bool,
    ) -> None:
        self._scheduler = scheduler
        self._store = store
        self._state_dir = state_dir
        self._listen = listen
        self._echo = echo
        self._watch = Watch(scheduler, self._turned)
        self._lock = threading.RLock()
        self._engine: ObservingEngine | None = None
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._opening: threading.Thread | None = None
        self._detached = threading.Event()
        self._pid = os.getpid()
        self.problem = ""
        """Why no history is kept just now; empty while it is."""

    @property
    def url(self) -> str:
        """The URL of the API on TCP; empty where it does not listen there, or not yet."""
        return "" if self._server is None else self._server.url

    @property
    def socket(self) -> Path:
        """The Unix socket of the API, for the console and the command line."""
        return self._state_dir.socket

    def client(self, actor: str = "python") -> ObservingClient:
        """A client, from any event loop.

        Raises:
            EngineStoppedError: no history is kept just now.
        """
        engine = self._engine
        if engine is None:
            raise EngineStoppedError(self.problem or "APScheduler is not watched any more")
        return ObservingClient(engine, actor=actor)

    def open(self) -> None:
        """Begin to watch; see `attach`, which has done so."""
        self._watch.begin()
        atexit.register(self.detach)
        if not self._try():
            self._begin_opening()

    def detach(self) -> None:
        """Watch no more: take every hook out, write what was seen, and close. Idempotent.

        The scheduler goes on.
        """
        if self._detached.is_set() or os.getpid() != self._pid:
            return
        self._detached.set()
        atexit.unregister(self.detach)
        _ATTACHED.pop(self._scheduler, None)
        self._close(0.0)
        self._watch.end()

    # --- opening

    def _try(self) -> bool:
        """Open the history; False where that is worth another attempt."""
        with self._lock:
            if self._engine is not None or self._detached.is_set():
                return True
            try:
                engine = self._start()
            except (SchedtuiError, OSError) as error:
                told = _taken(error) if isinstance(error, StoreLockedError) else str(error)
                if self.problem != told:
                    self.problem = told
                    logger.error("APScheduler runs without a history: %s", told)
                return not isinstance(error, UnavailableError | StoreLockedError)
            self.problem = ""
            # What is registered last comes first, and the engine has registered its own end.
            atexit.unregister(self.detach)
            atexit.register(self.detach)
            self._engine = engine
            self._watch.ledger = engine.ledger
            asyncio.run_coroutine_threadsafe(self._begin_serving(engine), engine.loop)
        logger.info(
            "APScheduler is watched, its history is kept in %s; jobs are fired and kept by it "
            "alone, and rows are written after the fact",
            engine.store.url,
        )
        return True

    def _start(self) -> ObservingEngine:
        try:
            return self._started()
        except StoreLockedError as error:
            # Closes those of this process that would hold it for ever, and no others; this one
            # may be among them, and takes nothing any more.
            if error.pid != self._pid or not _close_ended() or self._detached.is_set():
                raise
            return self._started()

    def _started(self) -> ObservingEngine:
        engine = ObservingEngine(
            self._scheduler,
            self._watch,
            store=self._store,
            state_dir=self._state_dir,
            echo=self._echo,
        )
        engine.address = str(self._state_dir.create().socket)
        engine.run_in_thread()
        return engine

    async def _begin_serving(self, engine: ObservingEngine) -> None:
        self._serving = asyncio.create_task(self._serve(engine))

    async def _serve(self, engine: ObservingEngine) -> None:
        """What can wait until the application has started."""
        try:
            await engine.off_loop(self._watch.list_jobs)
            await engine.off_loop(self._state_dir.leave_store, engine.store.url)
            self._server = await serve(engine, self._listen, self._state_dir.socket)
        except (SchedtuiError, OSError) as error:
            self.problem = f"nobody can reach it: {error}"
            logger.error("schedtui cannot be reached from outside: %s", error)

    def _begin_opening(self) -> None:
        """Open, or try again to, in a thread of its own."""
        with self._lock:
            if self._opening is None or not self._opening.is_alive():
                self._opening = threading.Thread(
                    target=self._open_at_last, name="schedtui-attach", daemon=True
                )
                self._opening.start()

    def _open_at_last(self) -> None:
        attempt = 0
        while not self._detached.is_set() and not self._try():
            self._detached.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1

    # --- following the scheduler; in the application's threads

    def _turned(self, code: int) -> None:
        if os.getpid() != self._pid:
            return
        if code == aps.EVENT_SCHEDULER_SHUTDOWN:
            # Not a daemon: what was seen is written before the process ends.
            threading.Thread(target=self._close, args=(GRACE_S,), name="schedtui-detach").start()
            return
        engine, ledger = self._engine, self._watch.ledger
        if engine is None or ledger is None:
            if code == aps.EVENT_SCHEDULER_STARTED:
                self._begin_opening()
            return
        if code == aps.EVENT_SCHEDULER_STARTED:
            ledger.tell(engine.off_loop, self._watch.list_jobs)
        halt = engine.running.halt
        if isinstance(halt, SchedulerHalt):
            ledger.tell(halt.follow)

    def _close(self, grace_s: float) -> None:
        """Write what was seen, let runs that still execute end for a while, and close."""
        with self._lock:
            engine, self._engine = self._engine, None
            if engine is None:
                return
            try:
                loop = engine.loop
                closing = asyncio.run_coroutine_threadsafe(self._shut(engine, grace_s), loop)
                closing.result(grace_s + _CLOSING_S)
            except EngineStoppedError:
                logger.debug("schedtui has closed already")
            except Exception:
                logger.exception("schedtui did not close in order")
            finally:
                self._server = self._serving = None
                self._watch.ledger = None
                engine.close(0.0)
                if not self._detached.is_set():
                    self.problem = "APScheduler has shut down"

    async def _shut(self, engine: ObservingEngine, grace_s: float) -> None:
        serving, ledger, running = self._serving, engine.ledger, engine.running
        if serving is not None:
            # Not cancelled: a socket that is just being made would be left open.
            await asyncio.wait([serving], timeout=_CLOSING_S / 2)
        if self._server is not None:
            await self._server.stop()
        await ledger.caught_up()
        try:
            async with asyncio.timeout(grace_s):
                await running.supervisor.idle.wait()
        except TimeoutError:
            pass
        await ledger.close()


def _close_ended() -> bool:
    """Detach the schedulers that will never fire again, nor be shut down; whether there were any.

    Such as that of an ``asyncio.run(main())`` that is over.
    """
    loops = [(inside.loop_of(scheduler), one) for scheduler, one in list(_ATTACHED.items())]
    ended = [one for loop, one in loops if loop is not None and loop.is_closed()]
    for one in ended:
        one.detach()
    return bool(ended)


def _taken(error: StoreLockedError) -> str:
    """Who has the history; to stop that one, which the error advises, would be the wrong end."""
    own = "needs a store of its own: attach(..., store=...) or folder=..."
    if error.pid == os.getpid():
        return (
            f"{error.path} is in use in this process already, by another scheduler that is "
            "attached or by an engine; this one takes over when that one is detached or closed. "
            f"Otherwise one of them {own}"
        )
    who = f"process {error.pid}" if error.pid else "another process"
    return (
        f"{error.path} is in use by {who}. Where that is another worker of this application all is "
        "well: it keeps the history of its own scheduler, and this one takes over when it ends. "
        f"Another application {own}"
    )
