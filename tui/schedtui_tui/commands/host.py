"""An engine of this process: loaded, started in its own thread, opened to others, stopped."""

from __future__ import annotations

import asyncio
import gc
import getpass
import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from schedtui.errors import (
    EngineStoppedError,
    InvalidError,
    StoreUnavailableError,
    TargetError,
)
from schedtui.locations import StateDir
from schedtui_tui.exits import UsageError

if TYPE_CHECKING:
    from schedtui import Engine
    from schedtui.api import Listen
    from schedtui.api.server import Server
    from schedtui.models import EngineInfo
    from schedtui.protocols import EngineClient
    from schedtui.target import Target
    from schedtui.target.settings import Settings

GRACE_S = 10.0
"""Seconds that running jobs get when their engine is stopped."""
_CLOSING_S = 5.0
_COUNTS = ("threads", "async_slots", "processes")
TRIM_EVERY_S = 60.0
"""Between two looks at how long a log has grown."""
DIED = "the engine ended by accident, and no job fires any more; start it again (see the log)"

logger = logging.getLogger("schedtui.host")


class Host:
    """Brings an engine up in steps, so that each may wait for what is more urgent.

    Args:
        load: Imports the user's code.
        state: Where the engine keeps its files.
        store: A store's URL; None: what the target says, else the one in ``state``.
        timezone: The default zone; None: what the target says, else UTC.
        reload: Whether changed files are loaded while it runs; False: only when somebody says so,
            None: never, because it is no code of the user's.
        paused: Whether the whole engine is paused from its start on.
    """

    def __init__(
        self,
        load: Callable[[], Target],
        *,
        state: StateDir,
        store: str | None = None,
        timezone: str | None = None,
        reload: bool | None = None,
        paused: bool = False,
    ) -> None:
        self.state = state
        self._load = load
        self._store = store
        self._timezone = timezone
        self._reload = reload
        self._paused = paused
        self._lock = threading.Lock()
        self._given_up = self._loaded = False
        self._engine: Engine | None = None
        self._server: Server | None = None
        self.notice = ""
        """What the person should know about what was loaded; empty for nothing."""
        self.died = False
        """Whether the engine has ended without being asked to."""
        self.on_death: Callable[[], object] | None = None
        """Called then, in the engine's thread."""

    @property
    def engine(self) -> Engine:
        """The engine, once it is open."""
        if self._engine is None:
            raise RuntimeError("the engine is not open")
        return self._engine

    @property
    def is_open(self) -> bool:
        """Whether there is an engine to stop."""
        return self._engine is not None

    def open(
        self,
        before_start: Callable[[], object] | None = None,
        *,
        address: Callable[[], Listen | None] | None = None,
    ) -> None:
        """Load the target and start the engine; blocks until it runs.

        Args:
            before_start: Called when the target is loaded and the state folder is there.
            address: Asked then for where `listen` will listen on TCP. It is taken, and the socket
                too, before anything fires: a program that may not listen runs nothing.

        Raises:
            TargetError, StoreError, StoreUnavailableError, UsageError: it cannot.
            EngineStoppedError: `give_up` or `close` was called meanwhile.
            RefusedError, InvalidError: with ``address``, as `listen`.
        """
        target = self._load()
        with self._lock:
            self._check_wanted()
            self._loaded = True
        engine = self._engine_of(target)
        try:
            self.state = engine.state_dir.create()
        except OSError as error:
            where = engine.state_dir.path
            raise StoreUnavailableError(
                f"{where} cannot be used: {error.strerror}; it must be a folder of your own"
            ) from error
        if before_start is not None:
            before_start()
        self.notice = target.notice
        if self.notice:
            logger.warning(self.notice)
        if self._reload is not None:
            from schedtui.target import Code

            engine.follow_code(Code(target), watch=self._reload)
        engine.address = str(self.state.socket)
        if address is not None:
            tcp = address()
            engine.on_start.append(lambda: self._bind(engine, tcp))
        engine.on_death.append(self._died)
        if self._paused:
            engine.start_paused = True
        with self._lock:
            self._check_wanted()
            self._engine = engine
        try:
            engine.run_in_thread()
        except BaseException:
            if not engine.is_running:
                self._engine = None
            raise

    def give_up(self) -> bool:
        """Start nothing from now on, whatever `open` does in another thread.

        Returns:
            Whether that is past the user's code, which may hang, and will soon be over.
        """
        with self._lock:
            self._given_up = True
            return self._loaded

    def _check_wanted(self) -> None:
        if self._given_up:
            raise EngineStoppedError("the engine was not wanted any more when it could start")

    def _died(self) -> None:
        self.died = True
        if self.on_death is not None:
            self.on_death()

    def _engine_of(self, target: Target) -> Engine:
        from schedtui import Engine
        from schedtui.policies import words

        if isinstance(target.engine, Engine):
            if self._store or self._timezone:
                raise UsageError(
                    f"{target.name} brings an engine of its own; --store and --timezone are for "
                    "targets that do not"
                )
            return target.engine
        settings = target.settings
        counts = {field: getattr(settings, field) for field in _COUNTS}
        return Engine(
            groups=target.groups,
            store=self._store or named_store(settings) or self.state.store_url,
            timezone=self._timezone or settings.timezone or "UTC",
            pools=settings.pools,
            secrets=settings.secrets,
            alerts=settings.alerts,
            **words(settings.policies),
            **{field: count for field, count in counts.items() if count is not None},
            telemetry=settings.telemetry,
            state_dir=self.state,
            # What runs print is in the store; here it would mix with the log.
            echo=False,
            log_level=logging.INFO,
        )

    async def _bind(self, engine: Engine, tcp: Listen | None) -> None:
        from schedtui.api import bind_server

        self.state.leave_store(engine.store.url)
        self._server = await bind_server(engine, listen=tcp, socket=self.state.socket)

    def listen(self) -> None:
        """Open the engine to other processes; blocks until they can come.

        That is on the socket only, where `open` was given no address.

        Raises:
            RefusedError, InvalidError: see `schedtui.api.start_server`.
        """
        engine = self.engine

        async def start() -> None:
            if self._server is None:
                await self._bind(engine, None)
            if self._server is not None:
                await self._server.start()

        asyncio.run_coroutine_threadsafe(start(), engine.loop).result()

    @property
    def url(self) -> str:
        """Where it listens on TCP; empty where it does not."""
        return "" if self._server is None else self._server.url

    def client(self) -> EngineClient:
        """A client of the engine for the person at this terminal."""
        from schedtui.client.local import LocalClient

        return LocalClient(self.engine, actor=user())

    def info(self) -> EngineInfo:
        """The engine now."""
        return asyncio.run(self.client().info())

    def active_runs(self) -> int:
        """How many runs an orderly stop would wait for; 0 where the engine cannot say."""
        if self._engine is None:
            return 0
        try:
            # Not by way of the engine's loop, which a function may hold.
            return len(self._engine.running.supervisor.running)
        except EngineStoppedError:
            return 0

    def stopping(self, grace_s: float) -> str:
        """What is logged when a stop begins that gives runs ``grace_s`` seconds."""
        active = self.active_runs()
        if not active:
            return "stopping"
        runs = "1 active run has" if active == 1 else f"{active} active runs have"
        return f"stopping: {runs} {grace_s:g} s to end, a second signal does not wait"

    def close(self, grace_s: float = GRACE_S) -> None:
        """Stop the engine: no new runs, ``grace_s`` seconds for those that run, then cancel.

        One that `open` is starting in another thread is given up.
        """
        engine, self._engine = self._engine, None
        if engine is None:
            return
        try:
            if self._server is not None and engine.is_running:
                stopping = self._server.stop()
                asyncio.run_coroutine_threadsafe(stopping, engine.loop).result(_CLOSING_S)
        except TimeoutError:
            logger.warning("the API did not close within %g s", _CLOSING_S)
        finally:
            engine.close(grace_s)


def named_store(settings: Settings) -> str | None:
    """The store's URL that a ``schedtui.toml`` gives; None where it gives none.

    Raises:
        TargetError: no store is meant by it.
    """
    if settings.store is None or settings.file is None:
        return None
    from schedtui.store import open_store
    from schedtui.target.find import show

    try:
        open_store(settings.store)
    except InvalidError as error:
        raise TargetError(str(error), file=show(settings.file, Path.cwd())) from error
    return settings.store


def user() -> str:
    """How the audit trail names the person who uses this machine's own engine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "local"


def tune() -> None:
    """Settings of the whole process, for one that is an engine, a console, or both."""
    # A loop that competes with threads of jobs waits this long for its turn, 5 ms by default.
    sys.setswitchinterval(0.0005)
    # What exists by now stays: it is not looked at again, and new garbage is looked for less often.
    # Reading a table of 10,000 jobs from the wire takes half as long so.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
