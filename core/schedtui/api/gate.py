"""What every request passes before a route: host, caller, role; and what catches its errors."""

from __future__ import annotations

import asyncio
import getpass
from dataclasses import dataclass, replace

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schedtui.api.access import CALLER, KNOWN, REFUSED, Access, Caller
from schedtui.api.hosts import Hosts
from schedtui.api.limits import drain_refused
from schedtui.api.problems import ProblemError, path_of, response_for
from schedtui.api.roles import Roles
from schedtui.api.slowdown import SlowDown
from schedtui.api.stream import Closing
from schedtui.client.actor import ACTOR_HEADER, ADDRESS_HEADER, actor_of
from schedtui.client.http_transport import is_loopback
from schedtui.errors import UnauthorizedError
from schedtui.models import Role

PUBLIC = frozenset({"/health", "/ready"})
"""What a load balancer may see without a token."""
_LOCAL = "schedtui.local"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalDoor:
    """Marks what comes in here as the same user's own; put before the app on a Unix socket only."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, marked."""
        scope[KNOWN] = True
        await self.app({**scope, _LOCAL: True}, receive, send)


class Gate:
    """Middleware that refuses by default: a new route needs a token without saying so."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        auth: Access,
        roles: Roles,
        hosts: Hosts,
        slowdown: SlowDown,
        closing: Closing,
        proxied: bool = False,
    ) -> None:
        self._app = app
        self._auth = auth
        self._roles = roles
        self._closing = closing
        self._hosts = hosts
        self._slowdown = slowdown
        self._proxied = proxied

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            caller = await self._admit_or_drain(scope, receive)
            await self._app({**scope, CALLER: caller}, receive, watched)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            # By the server that closes, which has cut the connection.
            if not self._closing.is_set():
                raise
        except Exception as error:  # noqa: BLE001 - the last stop: nothing goes out but a problem
            response = response_for(error, scope)
            if not started:
                await response(scope, receive, send)

    async def _admit_or_drain(self, scope: Scope, receive: Receive) -> Caller:
        try:
            return await self._admit(scope)
        except Exception:
            await drain_refused(scope, receive)
            raise

    async def _admit(self, scope: Scope) -> Caller:
        headers = Headers(scope=scope)
        local = scope.get(_LOCAL, False)
        if not local:
            self._check_host(scope, headers)
        if b"%2f" in scope.get("raw_path", b"").lower():
            raise ProblemError(404, "no-such-call", "no name holds a slash, encoded or not")
        path = path_of(scope)
        if path in PUBLIC:
            return Caller(actor="anyone", role=Role.VIEWER)
        if local:
            # A process of the same service passes on what it was asked, in the asker's name.
            passed_on = actor_of(headers.get(ACTOR_HEADER, ""))
            address = actor_of(headers.get(ADDRESS_HEADER, ""))
            name = passed_on or f"local:{_user()}"
            return Caller(actor=name, role=Role.ADMIN, address=address)
        known: Caller | None = scope.get(CALLER)
        caller = known if known is not None else await self._authenticate(scope, headers)
        scope[KNOWN] = True
        caller.check(self._roles.of(scope["method"], path))
        return replace(caller, address=self._address(scope, headers))

    def _address(self, scope: Scope, headers: Headers) -> str:
        """Where a request came from; of a proxy on this machine its word is taken."""
        peer = str(scope["client"][0]) if scope.get("client") else ""
        if self._proxied and is_loopback(peer):
            # The last one was added by the proxy itself, maybe on a line of its own; those before
            # are the client's word.
            lines = headers.getlist("x-forwarded-for")
            said = ",".join(lines).rpartition(",")[2].strip()
            return actor_of(said) or peer
        return peer

    def _check_host(self, scope: Scope, headers: Headers) -> None:
        server = scope.get("server")
        if not self._hosts.allows(headers.get("host"), server[0] if server else None):
            raise ProblemError(
                421,
                "unknown-host",
                "this engine is not known under the name in the Host header; the engine's "
                "operator can allow it with --behind-proxy HOST",
            )

    async def _authenticate(self, scope: Scope, headers: Headers) -> Caller:
        authorization = headers.get("authorization")
        try:
            return await self._auth.caller(authorization)
        except UnauthorizedError:
            scope[REFUSED] = True
            address = self._address(scope, headers)
            if authorization is not None and not await self._slowdown.failed(address):
                raise ProblemError(
                    429,
                    "too-many-attempts",
                    "too many wrong tokens from this address: wait, and try the right one",
                    retryable=True,
                    headers={"Retry-After": "5"},
                ) from None
            raise


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "same-user"
