"""Functions that every executor can run: at the top of a module that worker processes import."""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from schedtui import Group, current_run, log, progress, track
from schedtui.execution.process.relay import Link

group = Group("p")
helper = logging.getLogger("helper")


def echo(**kwargs: Any) -> Any:
    return {"got": kwargs}


def typed(day: date) -> str:
    return type(day).__name__


def odd() -> object:
    return {1, 2}


def fail(message: str = "wrong") -> None:
    raise ValueError(message)


def leave(code: Any = "enough") -> None:
    sys.exit(code)


def interrupt() -> None:
    raise KeyboardInterrupt


def cancel_oneself() -> None:
    raise asyncio.CancelledError


def generator() -> Iterator[int]:
    return (number for number in [1])


def speak() -> None:
    print("printed")
    print("a warning", file=sys.stderr)
    log("logged", level="error", n=1)
    helper.warning("by logging")
    print("\x1b[31mred\x1b[0m\0")
    print("unfinished", end="")


def shout() -> None:
    for number in range(40_000):
        print(f"line {number}", "x" * 20)
    print("the last", file=sys.stderr)


def go_on() -> float:
    for _ in track(range(10), text="steps"):
        pass
    progress(3, 4, "nearly")
    return 1.0


def who() -> list[Any]:
    run = current_run()
    return [run.id, run.job, run.attempt, run.source.value, run.cancelled]


def parent() -> int | None:
    return current_run().parent_id


def read() -> str:
    return input()


async def a_echo(value: int) -> int:
    await asyncio.sleep(0)
    print("in a loop")
    return value


async def a_fail() -> None:
    await asyncio.sleep(0)
    raise OSError("disk")


async def a_wait() -> None:
    try:
        print("waiting")
        await asyncio.Event().wait()
    finally:
        print("cleaned up", current_run().cancelled)


def nap(seconds: float = 30) -> str:
    try:
        print("napping")  # the signal that asks it to end may already find it here
        time.sleep(seconds)
    finally:
        print("woken", current_run().cancelled)
    return "slept"


def look() -> str:
    """Ends by itself when it is asked to, where nobody can end it."""
    print("looking")
    while not current_run().cancelled:
        time.sleep(0.001)
    return "looked"


def pid() -> int:
    return os.getpid()


def sleepless() -> None:
    """Cannot be ended by asking."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", os.getpid())
    while True:
        time.sleep(10)


def die(how: str) -> None:
    print("last words")
    if how == "exit":
        os._exit(3)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "crash":
        ctypes.string_at(0)
    else:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)


def grow(mib: int) -> int:
    kept = [b"x" * 1024 * 1024 for _ in range(mib)]
    time.sleep(30)
    return len(kept)


def below() -> None:
    """Everything it starts, and says by other ways than `print`."""
    os.write(1, b"raw\n")
    subprocess.run(["sh", "-c", "echo child; echo oops >&2"], check=True)
    thread = threading.Thread(target=print, args=("of a thread",))
    thread.start()
    thread.join()


def breed(file: str) -> None:
    """Starts a process that goes on for ever, and tells its number."""
    child = subprocess.Popen(["sleep", "600"])
    Path(file).write_text(str(child.pid))
    print("bred")
    time.sleep(30)


def leave_behind() -> int:
    subprocess.Popen(["sleep", "600"])
    return os.getpid()


def wander() -> int:
    os.chdir("/")
    return os.getpid()


def surroundings() -> dict[str, Any]:
    files = [str(one.resolve()) for one in Path("/proc/self/fd").iterdir()]
    return {
        "leads": os.getsid(0) == os.getpid() == os.getpgrp(),
        "stdin": str(Path("/proc/self/fd/0").resolve()),
        "files": sorted(name for name in files if not name.startswith("/proc")),
        "variable": os.environ.get("SCHEDTUI_WORKER", "gone"),
        "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    }


def loaded(text: str | None) -> dict[str, Any]:
    """What a function gave, for tests."""
    found: dict[str, Any] = json.loads(text or "{}")
    return found


def nonsense(until: str = "") -> None:
    """Writes into the socket of its worker what no worker writes, and stays until a file is there.

    The socket has the number that it had in the engine's process: any.
    """
    for file in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):
            if "socket" in str(file.readlink()):
                os.write(int(file.name), b"\0\0\0\x05hello")
    end = time.monotonic() + 30
    while time.monotonic() < end and not (until and Path(until).exists()):
        time.sleep(0.01)


def close_all(then: str) -> None:
    """Closes all files, as one does that becomes a daemon."""
    os.closerange(0, 1 + max(int(file.name) for file in Path("/proc/self/fd").iterdir()))
    if then == "print":
        print("nobody hears it")
        time.sleep(30)
    elif then == "open":
        kept = [os.open(os.devnull, os.O_RDWR) for _ in range(64)]
        assert len(kept) == 64


def terminated() -> None:
    """Is sent the signal by somebody who sends no message."""
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    finally:
        print("asked", current_run().cancelled)


def _at_its_end(before: Callable[[Link], None], after: Callable[[Link], None]) -> None:
    """From now on do this and that when this worker tells how a call has ended."""
    send = Link.send

    def around(self: Link, message: dict[str, Any]) -> None:
        if message["tell"] != "ended":
            return send(self, message)
        before(self)
        send(self, message)
        Link.send = send  # type: ignore[method-assign]  # as it was
        return after(self)

    Link.send = around  # type: ignore[method-assign]  # a worker's moment that nothing else meets


def signalled_at_its_end() -> str:
    """Is sent the signal when it has ended and nobody knows yet."""
    _at_its_end(lambda _: os.kill(os.getpid(), signal.SIGTERM), lambda _: None)
    return "done"


def speak_too_late(call: int) -> None:
    """Has a thread whose last line and progress are sent when its end was."""
    said = {"tell": "said", "call": call, "lines": [["info", "log", "late"]]}
    _at_its_end(lambda _: None, lambda link: link.send({**said, "state": [0.5, "late", 3]}))


def hold() -> int:
    """Leaves a thread behind that keeps the interpreter from its exit."""
    threading.Thread(target=time.sleep, args=(60,)).start()
    return os.getpid()


class Holder:
    @staticmethod
    def static() -> str:
        return "static"


def twice(function: Any) -> Any:
    """A decorator above the registration: what is registered is the function below it."""
    return lambda: function() * 2


@twice
@group.function
def registered() -> int:
    return 21
