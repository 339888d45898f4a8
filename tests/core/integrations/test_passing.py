"""Calls of a process that stands by: to the one that fires, in the name of who asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from client_contract import StandsBy, make_group, put_token, spec

from schedtui import Engine, Every
from schedtui.api import Listen, start_server
from schedtui.client.http import HttpClient
from schedtui.client.local import LocalClient
from schedtui.engine.sync import Sync
from schedtui.errors import EngineStoppedError, JobNotFoundError, UncertainError, UnreachableError
from schedtui.integrations.passing import Passing, Winner
from schedtui.integrations.service import Service
from schedtui.protocols import EngineClient
from schedtui.store.sql.lock import Owner

T = TypeVar("T")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = Engine(groups=[make_group()], store="memory://")
    await engine.start()
    server = await start_server(engine, socket=tmp_path / ".schedtui" / "engine.sock")
    try:
        yield engine
    finally:
        await server.stop()
        await engine.stop(grace_s=0)


@pytest.fixture
async def waiting(engine: Engine, tmp_path: Path) -> AsyncIterator[StandsBy]:
    assert engine.is_running
    socket = tmp_path / ".schedtui" / "engine.sock"
    winner = Winner(Owner(pid=1, boot="b", address=str(socket)))
    yield StandsBy(winner)
    await winner.aclose()


async def test_it_is_done_there_in_the_name_of_who_asked(engine: Engine, waiting: StandsBy) -> None:
    client = Passing(waiting, "user:Änn\x1b").typed

    made = await client.create_job(spec(name="hello"))

    there = LocalClient(engine)
    assert await there.job("work/hello") == made
    assert (await there.audit(limit=1)).items[0].actor == "user:Änn"
    with pytest.raises(JobNotFoundError):
        await client.job("work/none")


async def test_streams_are_passed_on(engine: Engine, waiting: StandsBy) -> None:
    client = Passing(waiting, "ann").typed
    cursor = (await client.snapshot()).cursor

    run = await client.run_function("work/greet", {"name": "Bo"})

    lines = [line.text async for page in client.follow(run.id) for line in page.lines]
    assert lines == [line.text for line in (await LocalClient(engine).logs(run.id)).lines]
    async with asyncio.timeout(10):
        async for changes in client.changes(cursor):
            if any(one[0] == run.id for one in changes.runs):
                break


@pytest.mark.parametrize("name", ["cursor", "mro", "_is_protocol"])
def test_nothing_but_calls_of_an_engine_is_passed_on(name: str) -> None:
    client: Any = Passing(None, "ann")  # type: ignore[arg-type]  # never asked
    with pytest.raises(AttributeError, match=f"no '{name}'"):
        getattr(client, name)


class Recording:
    """An engine elsewhere that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def client(self, actor: str) -> EngineClient:
        return cast(EngineClient, _Noting(self.asked, actor))


class _Noting:
    def __init__(self, asked: list[tuple[str, str]], actor: str) -> None:
        self._asked = asked
        self._actor = actor

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def call(*args: Any, **kwargs: Any) -> None:
            # What it is given must be what an engine takes.
            signature(getattr(EngineClient, name)).bind(self, *args, **kwargs)
            self._asked.append((self._actor, name))

        return call


STEERING = sorted(name for name in vars(Sync) if not name.startswith("_"))
NAMED_OTHERWISE = {"remove_job": "delete_job"}
VALUES = {"where": None, "action": "pause", "start": "2026-01-01", "run_id": 1}


@pytest.mark.parametrize("name", STEERING)
async def test_every_method_of_an_engine_that_stands_by(name: str) -> None:
    engine, there = Engine(store="memory://"), Recording()
    engine.elsewhere = there
    needed = {
        parameter.name: VALUES.get(parameter.name, "work/x")
        for parameter in signature(getattr(Engine, name)).parameters.values()
        if parameter.default is Parameter.empty
        and parameter.name != "self"
        and parameter.kind is not Parameter.VAR_KEYWORD
    }
    takes_actor = "actor" in signature(getattr(Engine, name)).parameters

    await getattr(engine, name)(**needed, **({"actor": "me"} if takes_actor else {}))

    assert there.asked == [("me" if takes_actor else "python", NAMED_OTHERWISE.get(name, name))]


async def test_one_that_has_just_taken_over_does_it_itself(engine: Engine) -> None:
    there = Recording()
    engine.elsewhere = there
    assert not engine.stands_by
    assert (await engine.create_job(function="work/fail", trigger=Every(60))).group == "work"
    assert not there.asked


async def test_a_job_is_replaced_elsewhere(engine: Engine, waiting: StandsBy) -> None:
    here = Engine(store="memory://")
    here.elsewhere = waiting
    want: dict[str, Any] = {"function": "work/greet", "name": "x", "trigger": Every(3600)}
    first = await here.create_job(**want, kwargs={"name": "a"})

    again = await here.create_job(**want, kwargs={"name": "b"}, replace=True, paused=True)

    assert (again.id, again.kwargs, again.paused) == (first.id, {"name": "b"}, True)
    assert (await LocalClient(engine).job("work/x")).kwargs == {"name": "b"}


async def test_a_call_is_made_again_where_nothing_was_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Engine(store="memory://")
    service = engine.elsewhere = Service(engine)
    failures: list[Exception] = [EngineStoppedError("stopping"), UnreachableError("gone")]

    async def call(_client: object) -> str:
        if failures:
            raise failures.pop()
        return "done"

    monkeypatch.setattr(service, "present", lambda _actor: None)
    assert await service.ask("ann", call) == "done"
    failures.append(UncertainError("it may have been done"))
    with pytest.raises(UncertainError):
        await service.ask("ann", call)


async def test_a_run_is_made_once_by_a_call_that_is_made_twice(
    engine: Engine, waiting: StandsBy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def twice(actor: str, call: Callable[[EngineClient], Awaitable[T]]) -> T:
        await call(waiting.present(actor))  # and its answer was lost
        return await call(waiting.present(actor))

    monkeypatch.setattr(waiting, "ask", twice)
    client = waiting.client("ann")

    run = await client.run_function("work/greet", {"name": "Bo"})
    assert (run.id, run.replayed) == (1, False)
    named = await client.trigger_job("work/yearly", idempotency_key="mine")
    assert (named.id, named.replayed) == (2, True)
    assert len((await LocalClient(engine).runs()).items) == 2


async def test_one_that_opens_its_engine_to_nobody_cannot_be_reached() -> None:
    with pytest.raises(EngineStoppedError, match="process 7 fires, and cannot be reached"):
        Winner(Owner(pid=7, boot="b")).client("ann")


async def test_on_tcp_nobody_speaks_in_anothers_name(engine: Engine) -> None:
    put_token(engine, "sched_contract")
    server = await start_server(engine, listen=Listen(port=0))
    client = HttpClient(server.url, token="sched_contract")
    try:
        await client.acting_as("ann").create_job(spec(name="hello"))
    finally:
        await client.aclose()
        await server.stop()
    assert (await LocalClient(engine).audit(limit=1)).items[0].actor == "token:tester"
