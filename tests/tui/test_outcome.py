"""``--wait``: what a run writes, and what came of it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from schedtui import Engine, Group
from schedtui.api import start_server
from schedtui.api.server import Server
from schedtui.client.http import HttpClient
from schedtui.client.local import LocalClient
from schedtui.errors import UnreachableError
from schedtui.models import RunState
from schedtui_tui.commands import following
from schedtui_tui.commands.outcome import tell_outcome
from schedtui_tui.exits import Exit


@pytest.mark.parametrize("over", [False, True])
async def test_what_it_wrote_is_shown_although_it_may_have_ended_before_the_answer(
    over: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    group = Group("g")

    @group.function()
    async def work() -> None:
        print("all is well")

    async with Engine(groups=[group], store="memory://", echo=False) as engine:
        client = LocalClient(engine)
        asked = await client.run_function("g/work")
        if over:
            async for _ in client.follow(asked.id):
                pass
            asked = await client.run(asked.id)
            assert asked.state is RunState.SUCCEEDED
        done = await tell_outcome(client, asked, argparse.Namespace(wait=True, json=False))
    lines = capsys.readouterr().out.splitlines()
    assert done is Exit.DONE
    assert lines[-2].endswith("all is well")
    assert ": succeeded in " in lines[-1]


class Service:
    """An engine whose socket can go and come."""

    def __init__(self, folder: Path) -> None:
        group = Group("g")
        self.wrote, self.go_on = asyncio.Event(), asyncio.Event()

        @group.function()
        async def work() -> None:
            print("before")
            self.wrote.set()
            await self.go_on.wait()
            print("after")

        self.engine = Engine(groups=[group], store="memory://", echo=False)
        self.socket = folder / "s"

    async def serve(self) -> Server:
        return await start_server(self.engine, listen=None, socket=self.socket)


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[Service]:
    one = Service(folder)
    async with one.engine:
        yield one
        one.go_on.set()


WAIT = argparse.Namespace(wait=True, json=False)


async def test_a_stream_that_breaks_is_gone_on_with_and_tells_the_outcome(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_PAUSE_S", 0.01)
    async with service(tmp_path) as one:
        server = await one.serve()
        client = HttpClient("http://localhost", socket=one.socket)
        asked = await client.run_function("g/work")
        waiting = asyncio.create_task(tell_outcome(client, asked, WAIT))
        await one.wrote.wait()
        while "before" not in (shown := capsys.readouterr().out):  # noqa: ASYNC110 - of the screen
            await asyncio.sleep(0.01)
        await server.stop()
        one.go_on.set()
        again = await one.serve()
        assert await waiting is Exit.DONE
        await client.aclose()
        await again.stop()
    out, err = capsys.readouterr()
    assert shown.count("before") == 1
    assert [line.rpartition(" ")[2] for line in out.splitlines()[:-1]] == ["after"]
    assert ": succeeded in " in out
    assert "looking for it again" in err
    assert "retry" not in out + err


async def test_an_engine_that_does_not_come_back_is_not_asked_to_run_it_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PATIENCE_S", 0.05)
    async with service(tmp_path) as one:
        server = await one.serve()
        client = HttpClient("http://localhost", socket=one.socket)
        asked = await client.run_function("g/work")
        waiting = asyncio.create_task(tell_outcome(client, asked, WAIT))
        await one.wrote.wait()
        await server.stop()
        with pytest.raises(UnreachableError) as told:
            await waiting
        await client.aclose()
    assert f"run {asked.id} of g/work was started, and its end was not seen" in str(told.value)
    assert f"`schedtui logs -f {asked.id}`" in str(told.value)
    assert "retry" not in str(told.value)
