"""The HTTP API of an engine as a part of a FastAPI or Starlette application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from schedtui.api.access import CALLER, Access, Caller
from schedtui.api.app import create_app
from schedtui.api.gate import PUBLIC
from schedtui.api.hosts import Hosts, host_of
from schedtui.api.problems import response_for
from schedtui.engine import Engine
from schedtui.errors import ForbiddenError, InvalidError, UnauthorizedError, shorten
from schedtui.integrations.service import Service, service_of
from schedtui.models import Role

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_EXPECTED = (
    "'tokens', 'none' (whoever reaches it is an admin), or a FastAPI dependency that returns "
    "(actor, role)"
)


def make_router(engine: Engine, *, auth: Any, hosts: tuple[str, ...]) -> APIRouter:
    """See `Engine.router`."""
    app = _Below(engine, hosts=Hosts(hosts) if auth == "none" else _AnyHost())
    router = _Router(include_in_schema=False)
    for path in sorted(PUBLIC):
        router.add_api_route(path, _endpoint(app, None), methods=["GET", "HEAD"])
    if callable(auth):
        serve = _known_by(app, auth)
    elif auth == "tokens":
        serve = _endpoint(app, None)
    elif auth == "none":
        serve = _endpoint(app, Caller(actor="anyone", role=Role.ADMIN))
    else:
        raise InvalidError.one("auth", auth, _EXPECTED)
    router.add_api_route("/{path:path}", serve, methods=METHODS)
    return router


def _endpoint(app: ASGIApp, caller: Caller | None) -> Callable[[], Awaitable[Response]]:
    async def serve() -> Response:
        return _Through(app, caller)

    return serve


def _known_by(app: ASGIApp, auth: Callable[..., Any]) -> Callable[..., Awaitable[Response]]:
    async def serve(who: Any) -> Response:
        if who is None:
            return _Through(_unknown, None)
        return _Through(app, _caller(who))

    # As text, FastAPI would look the dependency up where it is not.
    serve.__annotations__ = {"who": Annotated[Any, Depends(auth)], "return": Response}
    return serve


async def _unknown(scope: Scope, receive: Receive, send: Send) -> None:
    error = UnauthorizedError("this service does not know who asks")
    await response_for(error, scope)(scope, receive, send)


def _caller(who: Any) -> Caller:
    """What a service's dependency gave, as a caller.

    Raises:
        TypeError: something else than an actor and a role.
    """
    if isinstance(who, Caller):
        return who
    try:
        actor, role = who
        return Caller(actor=f"user:{actor}", role=Role(role))
    except (TypeError, ValueError):
        raise TypeError(
            f"the dependency given to engine.router(auth=…) returned {shorten(who)}; expected "
            "(actor, role) with one of the roles 'viewer', 'operator', 'admin'"
        ) from None


class _Through(Response):
    """The answer of another application.

    Args:
        app: That one.
        caller: Who asks, where that is known here.
    """

    def __init__(self, app: ASGIApp, caller: Caller | None) -> None:
        super().__init__()
        self._app = app
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = scope["path_params"].get("path")
        if below is None:
            below = scope["path"].rpartition("/")[2]
        prefix = scope["path"][: -len(below) - 1] if below else scope["path"].rstrip("/")
        inner = {**scope, "root_path": prefix, "path": f"{prefix}/{below}"}
        if self._caller is not None:
            try:
                _check_origin(scope, self._caller)
            except ForbiddenError as error:
                await response_for(error, inner)(scope, receive, send)
                return
            inner[CALLER] = self._caller
        await self._app(inner, receive, send)


def _check_origin(scope: Scope, caller: Caller) -> None:
    """Refuse what another site's page sends with this user's cookies.

    Raises:
        ForbiddenError: the request would change something, and comes from elsewhere.
    """
    if scope["method"] in _SAFE:
        return
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        fine = site in {"same-origin", "none"}
    else:
        fine = origin is None or _same_place(origin, headers.get("host", ""))
    if not fine:
        raise ForbiddenError(
            f"a page of another site ({shorten(origin or site)}) may not change anything here in "
            f"the name of {caller.actor}; a proxy in between has to pass on Host with its port"
        )


def _same_place(origin: str, host: str) -> bool:
    """Whether a page's origin is where the request went: the same name and port.

    A proxy may have taken TLS away, so the scheme says only which port goes without saying.
    """
    try:
        page, here = urlsplit(origin), urlsplit(f"//{host}")
        usual = {"http": 80, "https": 443}.get(page.scheme)
        ports = page.port or usual, here.port or usual
    except ValueError:
        return False
    return usual is not None and page.hostname == host_of(host) and ports[0] == ports[1]


class _Router(APIRouter):
    """One that is also an application of its own, for `Mount`, and below other than FastAPI's."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "fastapi_middleware_astack" in scope:
            await super().__call__(scope, receive, send)
        else:
            await AsyncExitStackMiddleware(super().__call__)(scope, receive, send)


class _AnyHost(Hosts):
    """The service decides under which names it is called; a browser's user has no token to lose."""

    def allows(self, header: str | None, accepted_on: str | None) -> bool:
        del header, accepted_on
        return True


class _Below:
    """The API's own application, made at its first request after each start of the engine."""

    def __init__(self, engine: Engine, *, hosts: Hosts) -> None:
        self._engine = engine
        self._hosts = hosts
        self._made: tuple[asyncio.Event, ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = service_of(self._engine)
        if self._made is None or self._made[0] is not service.closing:
            self._made = service.closing, self._make(service)
        await self._made[1](scope, receive, send)

    def _make(self, service: Service) -> ASGIApp:
        return create_app(
            service.client,
            auth=Access(service.tokens, off_loop=service.off_loop),
            closing=service.closing,
            hosts=self._hosts,
            off_loop=service.off_loop,
        )
