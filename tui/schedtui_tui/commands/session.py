"""A console from its first paint to its end, with an engine of its own or attached to another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from schedtui.errors import SchedtuiError, StoreLockedError
from schedtui_tui.commands.host import DIED, GRACE_S, TRIM_EVERY_S, Host, tune
from schedtui_tui.exits import CutShort, Exit, report, tell
from schedtui_tui.logfile import log_to, trim
from schedtui_tui.process import RESET, Child
from schedtui_tui.signals import Signals
from schedtui_tui.tables import print_line
from schedtui_tui.terminal import Terminal, displayed, is_terminal

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient
    from schedtui_tui.app import Console, QuitChoice
    from schedtui_tui.display import Display

T = TypeVar("T")

_LOOK_S = 0.5

logger = logging.getLogger("schedtui.console")


class AttachedSession:
    """A console on an engine of another process.

    Args:
        client: That engine.
        title: What the header says.
        read_only: Whether to hide everything that changes.
        again: The command line that opens a console on the engine again.
    """

    def __init__(self, client: EngineClient, *, title: str, read_only: bool, again: str) -> None:
        self._client = client
        self._title = title
        self._read_only = read_only
        self._again = again

    def run(self) -> int:
        """Show it until the person leaves; returns the exit code."""
        tune()
        logging.getLogger().addHandler(logging.NullHandler())  # else it ends on the screen
        from schedtui_tui.app import Console

        signals = Signals()

        async def connect() -> EngineClient:
            _leave_on_signal(app, signals)
            return self._client

        app = Console(connect, title=self._title, embedded=None, read_only=self._read_only)
        with (
            displayed() as display,
            _left_in_time(signals, display, partial(display.give_up, RESET)),
        ):
            choice = app.run()
        _say_that_it_goes_on(app, choice, self._again)
        return _outcome(app)


class EmbeddedSession:
    """A console and its engine in one process; see `schedtui_tui.process`.

    Args:
        host: The engine, not opened yet.
        child: The other end to the parent; None where there is none: then the engine cannot stay.
        title: What the header says.
        read_only: Whether to hide everything that changes.
        again: The command line that opens a console on the engine again.
        demo: Whether `q` just quits, and nothing waits for runs.
    """

    def __init__(
        self,
        host: Host,
        child: Child | None,
        *,
        title: str,
        read_only: bool,
        again: str,
        demo: bool = False,
    ) -> None:
        self._host = host
        self._child = child
        self._title = title
        self._read_only = read_only
        self._again = again
        self._demo = demo
        self._detached = False
        self._opening: threading.Thread | None = None

    def run(self) -> int:
        """Show it until the person leaves, and further without a screen if they wish so."""
        self._terminal = Terminal.claim()
        self._signals = Signals()
        if self._child is not None:
            self._child.watch_parent(self._orphaned)
        try:
            app, choice = self._show()
            in_order = self._finish()
        finally:
            if not self._detached:
                self._terminal.release()
        # Only now does what is printed reach the person.
        _say_that_it_goes_on(app, choice, self._again)
        if not in_order:
            raise CutShort
        return _outcome(app)

    def _show(self) -> tuple[Console, QuitChoice | None]:
        tune()
        from schedtui_tui.app import Console, Embedded, QuitChoice

        app: Console = Console(
            lambda: self._connect(app),
            title=self._title,
            embedded=Embedded(
                demo=self._demo,
                can_detach=self._child is not None,
                active_runs=self._host.active_runs,
            ),
            read_only=self._read_only,
        )
        with _left_in_time(self._signals, self._terminal.display, self._terminal.give_up):
            self._terminal.capture()
            choice = app.run()
        if choice is QuitChoice.DETACH and self._child is not None and self._signals.got is None:
            self._stay(self._child)
        return app, choice

    async def _connect(self, app: Console) -> EngineClient:
        """Bring the engine up; called once the screen is painted."""
        _leave_on_signal(app, self._signals)
        self._host.on_death = self._leaver(app)
        try:
            client = await self._in_thread(self._open)
        except StoreLockedError as error:
            if not error.address:
                raise
            from schedtui_tui.commands.connect import local

            # Somebody was faster, and theirs is the engine now.
            app.embedded = None
            app.toast(f"attached to the engine of process {error.pid}, which runs already")
            return local(Path(error.address))
        if self._host.notice:
            app.toast(self._host.notice, severity="warning")
        threading.Thread(target=self._listen, name="schedtui-listen", daemon=True).start()
        app.set_interval(TRIM_EVERY_S, lambda: trim(self._host.state.log))
        return client

    def _leaver(self, app: Console) -> Callable[[], None]:
        """What makes ``app``, or the engine that stays without it, leave when the engine died."""
        from schedtui_tui.app import QuitChoice

        loop = asyncio.get_running_loop()

        def leave() -> None:
            app.failure = SchedtuiError(DIED)
            self._signals.wake()
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(app.exit, QuitChoice.FAILED)

        return leave

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """As `asyncio.to_thread`, but leaving does not wait for user code that hangs."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - an import of user code may raise anything
                _settle(loop, future, error=error)
            else:
                _settle(loop, future, result=result)

        self._opening = threading.Thread(target=run, name="schedtui-open", daemon=True)
        self._opening.start()
        return await future

    def _open(self) -> EngineClient:
        self._terminal.hide()
        self._host.open(before_start=self._collect)
        return self._host.client()

    def _collect(self) -> None:
        trim(self._host.state.log)
        self._terminal.collect(self._host.state.log)
        log_to()
        self._terminal.capture()

    def _listen(self) -> None:
        """Let commands and other consoles reach the engine; after the table has been filled."""
        try:
            self._host.listen()
        except SchedtuiError as error:
            logger.warning("other programs cannot reach this engine: %s", error)
        tune()

    def _stay(self, child: Child) -> None:
        """Go on without a terminal until a signal says to stop."""
        self._detached = True
        self._signals.ignore_hangup()
        self._terminal.leave()
        pid = os.getpid()
        stop = f"kill {pid}"
        width = max(len(self._again), len(stop))
        child.detach(
            f"The engine goes on in the background as process {pid}.\n"
            f"  {self._again:{width}}  opens the console on it again\n"
            f"  {stop:{width}}  stops it in order\n"
            f"Its log is {self._host.state.log}"
        )
        logger.info("detached from the terminal; process %d, stopped in order by SIGTERM", pid)
        while not self._host.died and not self._signals.wait(TRIM_EVERY_S):
            trim(self._host.state.log)

    def _finish(self) -> bool:
        """Stop the engine in order. False when a second signal cut that short."""
        if self._signals.got is None:  # the person has asked for it already, by a key
            self._signals.at_once = True
            self._signals.ignore_hangup()
        self._signals.hurry = True
        grace_s = 0 if self._demo else GRACE_S
        try:
            # Before that, the user's code may hang, and has started nothing.
            soon_over = self._host.give_up() or self._demo
            alive = self._host.is_open and not self._host.died
            if alive:
                logger.info(self._host.stopping(grace_s))
            active = self._host.active_runs()
            if active and not self._detached and not self._demo:
                runs = "1 run has" if active == 1 else f"{active} runs have"
                self._terminal.say(f"Stopping: {runs} {GRACE_S:.0f} s to end. Ctrl-C: at once")
            self._host.close(grace_s)
            if self._opening is not None and soon_over:
                self._opening.join(GRACE_S)
            if alive:
                logger.info("stopped")
        except KeyboardInterrupt:
            logger.warning("stopped at once by a second signal; runs that were active are lost")
            return False
        return True

    def _orphaned(self) -> None:
        """The parent is gone, and with it the right to the terminal."""
        if not self._detached:
            self._terminal.abandon()
            os.kill(os.getpid(), signal.SIGTERM)


def _settle(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[T],
    *,
    result: T | None = None,
    error: BaseException | None = None,
) -> None:
    def settle() -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # what the work returned

    # The loop is gone when the person has left in the meantime.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)


@contextlib.contextmanager
def _left_in_time(
    signals: Signals, display: Display, give_up: Callable[[], object]
) -> Iterator[None]:
    """Have the app, which is run meanwhile, leave when asked to even if its terminal is not read.

    Args:
        signals: Whatever they tell makes the app leave.
        display: What it draws on, and may hang on.
        give_up: Lets it go on without.
    """
    left = threading.Event()

    def watch() -> None:
        signals.wait()
        while not left.wait(_LOOK_S):
            if display.stuck:
                give_up()  # first: where nothing else is told, the log's way is that terminal
                logger.warning("the terminal was not read, and is given up")
                return

    threading.Thread(target=watch, name="schedtui-leave", daemon=True).start()
    try:
        yield
    finally:
        left.set()


def _leave_on_signal(app: Console, signals: Signals) -> None:
    """From now on a signal makes ``app`` leave, and one that came before does so at once."""
    from schedtui_tui.app import QuitChoice

    loop = asyncio.get_running_loop()

    def leave() -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(app.exit, QuitChoice.STOP)

    signals.asked = leave
    if signals.got is not None:
        leave()


def _say_that_it_goes_on(app: Console, choice: QuitChoice | None, again: str) -> None:
    """What becomes of an engine that is not this console's; for somebody who just left it."""
    from schedtui_tui.app import QuitChoice

    engine = app.connection.engine
    if choice is not QuitChoice.LEFT or engine is None or not is_terminal():
        return
    if app.connection.live:
        print_line(f"The engine goes on as process {engine.pid}; `{again}` opens the console on it")
    else:
        why = app.connection.reason
        print_line(f"The engine, last seen as process {engine.pid}, cannot be reached: {why}")


def _outcome(app: Console) -> int:
    """The exit code of a console that was left; tells why it failed, if it did."""
    if app.failure is None:
        return Exit.DONE
    if isinstance(app.failure, SchedtuiError):
        return report(app.failure)
    tell(f"{type(app.failure).__name__}: {app.failure}")
    return Exit.FAILED
