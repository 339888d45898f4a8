"""What runs in a worker process: one call after the other, in its main thread.

Everything this imports is paid for at the start of every worker: no store, no API, no console.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from schedtui.capture import Capture, run_context
from schedtui.clock import SystemClock
from schedtui.execution.ended import (
    ASKED,
    ended_cancelled,
    ended_error,
    ended_ok,
    ended_refused,
    not_run,
    without_secrets,
)
from schedtui.execution.forked import leave_if_forked
from schedtui.execution.late import arguments_in_thread
from schedtui.execution.process.find import find
from schedtui.execution.process.frames import Message, receive
from schedtui.execution.process.inside import enter_worker
from schedtui.execution.process.interrupt import Interrupt, without_handler
from schedtui.execution.process.lifeline import hang_on
from schedtui.execution.process.relay import Link, WorkerRun
from schedtui.protocols import Ended, Origin
from schedtui.registry import Function
from schedtui.registry.fingerprint import value_fingerprint
from schedtui.target.imports import import_hidden

LEAVE_S = 1.0
"""What a worker that has ended has for its threads and for what it does at its exit."""


def main(given: dict[str, Any]) -> None:
    """Be a worker until the engine says that it is enough, or is gone.

    Args:
        given: What `launch` says: socket, lifeline, place, log level.
    """
    enter_worker()
    os.set_inheritable(given["lifeline"], False)
    hang_on(given["lifeline"])
    interrupt = Interrupt()
    interrupt.install()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=True)  # type: ignore[union-attr]  # these are real ones
    faulthandler.enable()  # a crash then says where, in the log of its run
    for folder in given["folders"]:
        import_hidden(Path(folder))
    sys.path[:] = given["path"]
    sys.argv[:] = given["argv"]
    logging.getLogger().setLevel(given["log_level"])
    Capture(echo=False).install(log_level=None)
    sock = socket.socket(fileno=given["fd"])
    sock.set_inheritable(False)
    try:
        Worker(Link(sock, interrupt), main=given["main"], cwd=given["cwd"]).serve()
    finally:
        _be_gone_soon()


def _be_gone_soon() -> None:
    """End this process though a thread that a call has left behind would keep it.

    The engine would give it calls, and wait for ever: the thread that reads them is still there.
    """
    last = threading.Timer(LEAVE_S, os._exit, (os.EX_TEMPFAIL,))
    last.daemon = True
    last.start()


class Worker:
    """Makes the calls that come over the link."""

    def __init__(self, link: Link, *, main: str, cwd: str) -> None:
        self._link = link
        self._main = main
        self._cwd = cwd
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._run: WorkerRun | None = None

    def serve(self) -> None:
        """Make calls until there are no more to come."""
        threading.Thread(target=self._read, name="schedtui-engine-link", daemon=True).start()
        while (message := self._inbox.get())["do"] != "end":
            if self._link.interrupt.asked:
                return
            if message["do"] == "warm":
                with suppress(BaseException):  # whoever calls it is told what is wrong with it
                    find(Origin(*message["origin"]), self._main)
            else:
                self._serve(message)

    def _read(self) -> None:
        while (message := receive(self._link.sock)) is not None:
            if message["do"] == "cancel":
                if self._run is not None:
                    self._run.cancelled = True
            else:
                self._inbox.put(message)
        # The engine is gone: nothing that it started may go on behind its back.
        os.killpg(os.getpgrp(), signal.SIGKILL)

    def _serve(self, message: Message) -> None:
        interrupt = self._link.interrupt
        interrupt.serving = True
        call = message["call"]
        run = self._run = WorkerRun(message["run"], call, self._link)
        interrupt.install()
        self._link.send({"tell": "began", "call": call})
        self._late: dict[str, str] | None = None
        ended = without_secrets(self._made(message, run))._replace(late=self._late)
        run.close()
        self._run = None
        spent = self._spent()
        # Not before it is told: the signal would end the process, and nobody know of this end.
        self._link.send({"tell": "ended", "call": call, "ended": list(ended), "spent": spent})
        interrupt.rest()

    def _made(self, message: Message, run: WorkerRun) -> Ended:
        interrupt, pid, clock = self._link.interrupt, os.getpid(), SystemClock()
        try:
            with interrupt.armed():
                value = run_context(run).run(self._value, message)
            leave_if_forked(pid)
            ended = value if isinstance(value, Ended) else ended_ok(value, clock)
            if interrupt.asked and ended.reason is None:
                ended = ended._replace(reason=ASKED)
        except asyncio.CancelledError as error:
            leave_if_forked(pid, error)
            if interrupt.asked:
                return ended_cancelled(clock, without_handler(error))
            ended = ended_error(error, clock)
            message_ = "it was cancelled from within, nobody had asked it to end"
            return ended if ended.error else ended._replace(error=message_)
        except BaseException as error:  # noqa: BLE001 - sys.exit() in a job must not end the worker
            leave_if_forked(pid, error)
            return ended_error(error, clock)
        return ended

    def _value(self, message: Message) -> Any:
        """What the function gives, or the `Ended` of one that is of the wrong kind."""
        function = find(Origin(*message["origin"]), self._main)
        kwargs = message["kwargs"]
        if function.parameters.late:
            key = bytes.fromhex(message["late_key"])
            kwargs = arguments_in_thread(function, kwargs, partial(self._note, key), None)
        else:
            kwargs = function.validate(kwargs)
        if function.is_async:
            return self._awaited(function, kwargs)
        value = function.call(**kwargs)
        refusal = not_run(value)
        return value if refusal is None else ended_refused(refusal, SystemClock())

    def _note(self, key: bytes, values: Mapping[str, Any]) -> None:
        self._late = {name: value_fingerprint(value, key) for name, value in values.items()}

    def _awaited(self, function: Function, kwargs: dict[str, Any]) -> Any:
        error: BaseException | None = None
        value: Any = None

        async def body() -> None:
            nonlocal error, value
            self._link.interrupt.cancels(asyncio.current_task())
            try:
                value = await function.call(**kwargs)
            except BaseException as caught:  # noqa: BLE001 - raised below, past the loop's own frames
                error = caught
            finally:
                self._link.interrupt.cancels(None)

        asyncio.run(body())
        if error is not None:
            raise error
        return value

    def _spent(self) -> bool:
        """Whether the call has left something behind that the next one should not find."""
        if self._link.interrupt.asked:
            return True
        try:
            if os.getcwd() != self._cwd:  # noqa: PTH109 - compared with what that gave
                return True
            # A child that was not waited for goes on, or is a zombie; this does not reap it.
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        except OSError:
            return True
        return True
