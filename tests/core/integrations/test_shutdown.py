"""A server that ends does not wait for streams of events, whatever made it end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import FrameType

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from schedtui import Engine
from schedtui.api import Listen
from schedtui.api.listen import bind_tcp
from schedtui.integrations.shutdown import Shutdown
from schedtui.locations import StateDir


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    engine = Engine(store="memory://", state_dir=StateDir.beside(tmp_path))
    app = FastAPI(lifespan=engine.lifespan)
    app.mount("/jobs", engine.router(auth=lambda: ("ann", "viewer")))
    return app


@contextlib.asynccontextmanager
async def served(app: FastAPI, **options: int) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, **options))  # type: ignore[arg-type]  # of many kinds
    [socket] = bind_tcp(Listen(port=0))
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield server, f"http://127.0.0.1:{socket.getsockname()[1]}"
    async with asyncio.timeout(20):
        await serving


async def rest_of(url: str, then: Callable[[], object] = int) -> bytes:
    """All of a stream of events, in the midst of which something happens, and a further request."""
    async with (
        httpx.AsyncClient(timeout=20) as http,
        http.stream("GET", f"{url}/jobs/api/v1/events") as stream,
    ):
        chunks = stream.aiter_raw()
        first = await anext(chunks)
        assert (await http.get(f"{url}/jobs/health")).status_code == 200
        then()
        return first + b"".join([chunk async for chunk in chunks])


async def test_a_program_that_ends_its_server(app: FastAPI) -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with served(app) as (server, url):
        assert (await rest_of(url, lambda: setattr(server, "should_exit", True))).startswith(b"id")
    assert signal.getsignal(signal.SIGTERM) == before


async def test_a_server_that_has_had_its_last_request(app: FastAPI) -> None:
    async with served(app, limit_max_requests=1) as (_, url):
        assert (await rest_of(url)).startswith(b"id")


async def test_a_signal_is_told_and_passed_on() -> None:
    heard: list[object] = []

    def mine(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    told = asyncio.Event()
    signal.signal(signal.SIGTERM, mine)
    shutdown = Shutdown(told.set)
    shutdown.watch()
    signal.raise_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        await told.wait()
    assert heard == [signal.SIGTERM]
    shutdown.unwatch()
    assert signal.getsignal(signal.SIGTERM) is mine


async def test_who_took_the_signal_later_keeps_it() -> None:
    heard: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: heard.append("first"))
    shutdown = Shutdown(lambda: None)
    shutdown.watch()
    ours = signal.getsignal(signal.SIGTERM)
    assert callable(ours)

    def later(number: int, frame: FrameType | None) -> None:
        heard.append("later")
        ours(number, frame)

    signal.signal(signal.SIGTERM, later)
    shutdown.unwatch()
    assert signal.getsignal(signal.SIGTERM) is later
    signal.raise_signal(signal.SIGTERM)
    assert heard == ["later", "first"]


async def test_where_a_signal_ends_the_process_it_still_does() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    shutdown = Shutdown(lambda: None)
    shutdown.watch()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    shutdown.unwatch()
