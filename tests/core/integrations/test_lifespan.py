"""An engine with the life of a service; a process that stands by and takes over."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from client_contract import a_token
from fastapi import FastAPI

from schedtui import Engine, Every, Group
from schedtui.client.http import HttpClient
from schedtui.errors import EngineStoppedError, RefusedError, StoreLockedError
from schedtui.integrations import client_of
from schedtui.integrations import service as service_module
from schedtui.locations import StateDir
from schedtui.store import open_store

OTHER = """
import asyncio, sys
from schedtui import Engine
async def main():
    async with Engine(store=sys.argv[1]):
        print("ready", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def engine_in(folder: Path) -> Engine:
    group = Group("g")
    group.function("f")(lambda: None)
    return Engine(
        groups=[group], store=f"sqlite:///{folder}/x.db", state_dir=StateDir.beside(folder)
    )


async def test_it_runs_within_the_services_own_lifespan_and_keeps_its_state(tmp_path: Path) -> None:
    engine = engine_in(tmp_path)
    seen: list[tuple[str, bool]] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        seen.append(("begin", engine.is_running))
        yield {"title": app.title}
        seen.append(("end", engine.is_running))

    app = FastAPI(title="shop", lifespan=engine.lifespan_around(own))
    async with app.router.lifespan_context(app) as state:
        assert state == {"title": "shop"}
        assert engine.is_running
        assert not engine.stands_by
    assert seen == [("begin", False), ("end", False)]
    # And once more, as a test of the service would.
    async with app.router.lifespan_context(app):
        assert engine.is_running


async def test_it_is_the_lifespan_of_an_application(tmp_path: Path) -> None:
    engine = engine_in(tmp_path)
    app = FastAPI(lifespan=engine.lifespan)
    async with app.router.lifespan_context(app):
        assert (await client_of(engine, actor="ann").pause_engine()).paused_by == "ann"
    assert not engine.is_running


async def test_its_socket_is_open_and_gone_afterwards(tmp_path: Path) -> None:
    engine = engine_in(tmp_path)
    socket = engine.state_dir.socket
    async with engine.lifespan():
        there = HttpClient("http://localhost", socket=socket)
        assert (await there.info()).boot == engine.running.boot
        await there.aclose()
        with pytest.raises(RefusedError, match="runs already"):
            await engine.membership.start()
    assert not socket.exists()
    with pytest.raises(EngineStoppedError):
        await client_of(engine).info()


async def test_it_does_not_say_that_a_process_has_started_or_finished(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with engine_in(tmp_path).lifespan():
        pass
    assert "server process" not in caplog.text


async def test_two_services_of_one_folder_have_a_socket_each(tmp_path: Path) -> None:
    one = engine_in(tmp_path)
    other = Engine(store=f"sqlite:///{tmp_path}/y.db", state_dir=one.state_dir)
    async with one.lifespan(), other.lifespan():
        assert one.address != other.address
        there = HttpClient("http://localhost", socket=Path(other.address))
        assert (await there.info()).boot == other.running.boot
        await there.aclose()


async def test_where_the_working_directory_is_read_only_the_socket_is_beside_the_store(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    state = StateDir.beside(tmp_path / "file")  # no folder can be made there, not even by root
    engine = Engine(store=f"sqlite:///{tmp_path}/x.db", state_dir=state)
    async with engine.lifespan():
        assert engine.address == str(StateDir.beside(tmp_path).socket)
        there = HttpClient("http://localhost", socket=Path(engine.address))
        assert (await there.info()).boot == engine.running.boot
        await there.aclose()


async def test_two_engines_of_one_program_on_one_store_are_a_mistake(tmp_path: Path) -> None:
    async with engine_in(tmp_path).lifespan():
        with pytest.raises(StoreLockedError):
            await engine_in(tmp_path).membership.start()


async def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = engine_in(tmp_path)

    async def fail() -> None:
        raise RuntimeError("no")

    engine.on_start.append(fail)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no"):
            await engine.membership.start()
    assert not engine.state_dir.socket.exists()
    engine.on_start.remove(fail)
    async with engine.lifespan():
        assert engine.is_running


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process whose engine has the store, and does not open it to others."""
    words = [sys.executable, "-c", OTHER, f"sqlite:///{tmp_path}/x.db"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


async def test_it_stands_by_and_takes_over(
    tmp_path: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "PATIENCE_S", 0.3)
    engine = engine_in(tmp_path)
    with pytest.raises(StoreLockedError):
        await engine.start()  # by itself it does not wait
    async with engine.lifespan():
        assert engine.stands_by
        with pytest.raises(EngineStoppedError, match=f"process {other.pid} fires"):
            await engine.create_job(function="g/f", trigger=Every(60))
        with pytest.raises(EngineStoppedError, match="stands by"):
            _ = engine.running
        monkeypatch.undo()
        making = asyncio.ensure_future(
            engine.create_job(function="g/f", trigger=Every(60), name="late")
        )
        other.kill()
        # The call waits for who takes over, which is this very process.
        assert (await making).name == "late"
        assert engine.is_running
        assert not engine.stands_by
        assert (await client_of(engine).job("g/late")).name == "late"


async def test_it_knows_the_tokens_of_the_store_while_it_stands_by(
    tmp_path: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "PATIENCE_S", 0.1)
    engine = engine_in(tmp_path)
    store = open_store(engine.store_url)
    store.open(None)  # as `schedtui token create` does
    with store.transaction() as tx:
        tx.insert_token(a_token("sched_mine"))
    store.close()
    async with engine.lifespan():
        transport = httpx.ASGITransport(app=engine.router())
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            wrong = {"Authorization": "Bearer sched_other"}
            assert (await http.get("/api/v1/jobs", headers=wrong)).status_code == 401
            mine = {"Authorization": "Bearer sched_mine"}
            answer = await http.get("/api/v1/jobs", headers=mine)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert f"process {other.pid} fires" in answer.json()["detail"]


async def test_it_ends_while_it_stands_by(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    engine = engine_in(tmp_path)
    async with engine.lifespan():
        assert engine.stands_by
    assert not engine.stands_by
    assert other.poll() is None
    with pytest.raises(EngineStoppedError, match="start it first"):
        await engine.pause_engine()


def test_in_a_thread_too(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    engine = engine_in(tmp_path).run_in_thread(stand_by=True)
    try:
        assert engine.stands_by
        other.kill()
        made = engine.sync.create_job(function="g/f", trigger=Every(60), name="late")
        assert made.name == "late"
        assert engine.is_running
    finally:
        engine.close(0)
    assert not engine.is_running
    engine.run_in_thread(stand_by=True).close(0)
