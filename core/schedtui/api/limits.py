"""How much a request may bring, and how long it may take to bring it."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schedtui.api.access import CALLER, Caller
from schedtui.api.problems import ProblemError, response_for
from schedtui.models import Role

MAX_BODY = 1 << 20
"""Bytes of a request's body."""
MAX_FILE = 16 << 20
"""The same of calls that take all jobs as one file, of those who may apply it.

Reading a file takes up to a hundred and fifty times its length of memory.
"""
_FILES = ("/api/v1/plan", "/api/v1/apply")
BODY_TIMEOUT_S = 30.0
"""Seconds from the first byte of a body that is asked for to its last."""
_DRAINED = 32 << 20  # read and thrown away of a body that is too long, so that the answer arrives

_DRAINED_REFUSED = 8 << 20  # the same, for those who may be anyone
_REFUSED_S = 2.0


def too_large(most: int = MAX_BODY) -> ProblemError:
    """The answer to a body that is too long."""
    return ProblemError(
        413,
        "body-too-large",
        f"the body is longer than {most} bytes, which is all that is taken here of this role",
        headers={"Connection": "close"},
    )


class BodyLimit:
    """Counts what a body really brings, whatever its ``Content-Length`` says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer that its body is too long."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        most = _most(scope)
        if length.isdecimal() and int(length[:18]) > most:
            # Who asks first (Expect: 100-continue) has not sent it, and need not.
            if "expect" not in headers:
                await _drain(receive)
            await response_for(too_large(most), scope)(scope, receive, send)
            return
        await self._app(scope, _Counted(receive, most), send)


def _most(scope: Scope) -> int:
    caller: Caller | None = scope.get(CALLER)
    applies = caller is not None and caller.role.covers(Role.ADMIN)
    return MAX_FILE if applies and scope["path"].endswith(_FILES) else MAX_BODY


class _Counted:
    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._size = 0
        self._done = False
        self._deadline: float | None = None

    async def __call__(self) -> Message:
        if self._done:
            return await self._receive()
        loop = asyncio.get_running_loop()
        if self._deadline is None:
            self._deadline = loop.time() + BODY_TIMEOUT_S
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise ProblemError(
                408,
                "body-too-slow",
                f"the body did not arrive within {BODY_TIMEOUT_S:g} s",
                retryable=True,
                headers={"Connection": "close"},
            ) from None
        self._size += len(message.get("body", b""))
        self._done = not message.get("more_body", False)
        if self._size > self._most:
            if not self._done:
                await _drain(self._receive)
            raise too_large(self._most)
        return message


async def drain_refused(scope: Scope, receive: Receive) -> None:
    """Take what a refused caller is sending, for a moment, so that the answer arrives."""
    if "expect" not in Headers(scope=scope):
        await _drain(receive, most=_DRAINED_REFUSED, timeout_s=_REFUSED_S)


async def _drain(
    receive: Receive, *, most: int = _DRAINED, timeout_s: float = BODY_TIMEOUT_S
) -> None:
    """Read on for a while: a client that is still sending would not see an answer otherwise."""
    size = 0
    try:
        async with asyncio.timeout(timeout_s):
            while size < most:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return
