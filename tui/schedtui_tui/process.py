"""Two processes, so that the engine can stay when the terminal goes.

The parent is what the shell waits for: it does nothing but pass signals on and leave with the
child's exit code. The child is the console with its engine. When the person leaves and the engine
is to stay, the child says so, the parent leaves, and the child goes on: the very engine, with the
runs it has. The child is a session of its own from the start. So neither it nor what its jobs
start can reach the terminal by ``/dev/tty``, and job control never stops it for touching it.

`split` is called before anything heavy is imported and before any thread exists.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schedtui_tui.display import Display

# By name, because Windows, where nothing is split, has only two of them.
_WAITED_FOR = {
    getattr(signal, name)
    for name in (
        *("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGWINCH"),
        *("SIGCONT", "SIGCHLD", "SIGUSR1"),
    )
    if hasattr(signal, name)
}

# Textual's own way out, for a child that could not take it: keyboard protocol, mouse, focus and
# paste reports, alternate screen, cursor, line wrap, colours.
RESET = (
    b"\x1b[<u\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?1015l\x1b[?1016l"
    b"\x1b[?2004l\x1b[?2048l\x1b[?1049l\x1b[?25h\x1b[?7h\x1b[0m"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """The child's side of the pair."""

    lifeline: int
    """Read end of a pipe that the parent holds open and never writes to: it ends as it does."""
    news: int
    """Write end of a pipe on which the child tells that it stays."""
    parent: int
    """The parent's process id."""

    def watch_parent(self, orphaned: Callable[[], None]) -> None:
        """Call ``orphaned`` from a thread when the parent is gone, unless `detach` came first."""
        from threading import Thread

        def wait() -> None:
            if os.read(self.lifeline, 1) == b"":
                orphaned()

        Thread(target=wait, name="schedtui-parent", daemon=True).start()

    def detach(self, farewell: str) -> None:
        """Let the parent print ``farewell`` and leave with code 0."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.news, farewell.encode("utf-8", "replace"))
        if os.getppid() == self.parent:
            os.kill(self.parent, signal.SIGUSR1)


def can_split() -> bool:
    """Whether this system has processes that fork."""
    return hasattr(os, "fork") and hasattr(os, "setsid")


def split() -> Child | int:
    """Fork. Returns a `Child` in the child, and in the parent the exit code, once there is one."""
    sys.stdout.flush()
    sys.stderr.flush()
    lifeline, held = os.pipe()
    heard, news = os.pipe()
    # Blocked before the fork and waited for one by one: no signal is lost, and none interrupts.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(held)
        os.close(heard)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return Child(lifeline=lifeline, news=news, parent=parent)
    os.close(lifeline)
    os.close(news)
    try:
        return _Parent(pid, heard).wait()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(held)


class _Parent:
    def __init__(self, child: int, news: int) -> None:
        self._child = child
        self._news = news
        self._stopped = False
        self._tty = _tty_modes()
        os.set_blocking(news, False)
        for ignored in (signal.SIGCHLD, signal.SIGWINCH):
            # Ignored by default; some systems do not keep an ignored signal for sigwait().
            signal.signal(ignored, lambda *_: None)

    def wait(self) -> int:
        """Pass signals on until the child ends or says that it stays."""
        while True:
            got = signal.sigwait(_WAITED_FOR)
            if got == signal.SIGUSR1:
                farewell = self._farewell()
                if farewell:
                    sys.stdout.write(farewell + "\n")
                    sys.stdout.flush()
                    return 0
            elif got == signal.SIGCHLD:
                code = self._look()
                if code is not None:
                    return code
            elif got == signal.SIGCONT:
                # Only for a child that is stopped: Textual takes each SIGCONT for an awakening.
                if self._stopped:
                    self._stopped = False
                    self._pass_on(signal.SIGCONT)
            else:
                self._pass_on(got)

    def _pass_on(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)

    def _farewell(self) -> str:
        with contextlib.suppress(BlockingIOError):
            return os.read(self._news, 65_536).decode("utf-8", "replace")
        return ""

    def _look(self) -> int | None:
        """The exit code, when the child has ended; where it stopped, stop with it."""
        pid, status = os.waitpid(self._child, os.WNOHANG | os.WUNTRACED)
        if pid == 0:
            return None
        if os.WIFSTOPPED(status):
            self._stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)
            return None
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            self._mend_terminal()
            said = f"schedtui: its process was ended by signal {number}\n"
            Display(2).attempt(said.encode())
            return 128 + number
        return os.WEXITSTATUS(status)

    def _mend_terminal(self) -> None:
        """What the child would have done, had it not been killed."""
        if self._tty is None:
            return
        import termios

        Display(1).give_up(RESET)
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, self._tty)


def _tty_modes() -> list[Any] | None:
    import termios

    try:
        return termios.tcgetattr(0)
    except (OSError, termios.error):
        return None
