"""An engine of two groups, `mine` and `theirs`, for the tests of tokens of some groups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from schedtui import Engine, Group, log
from schedtui.client.local import LocalClient
from schedtui.models import JobSpec, Run
from schedtui.protocols import EngineClient

CRON = {"type": "cron", "expression": "0 9 1 1 *"}


def make_group(name: str) -> Group:
    group = Group(name)

    @group.function()
    async def f() -> str:
        log(f"{name} wrote this")
        return name

    @group.function()
    async def bad() -> None:
        raise ValueError(name)

    group.job(cron="0 0 1 1 *", name="static", tags=["shared"])(f)
    return group


async def scoped_engine() -> AsyncIterator[Engine]:
    """Two groups, each with a job of its code, another one, and a run of it and of a function."""
    engine = Engine(groups=[make_group("mine"), make_group("theirs")], store="memory://")
    await engine.start()
    whole = LocalClient(engine)
    for group in ("mine", "theirs"):
        await whole.create_job(
            JobSpec(function=f"{group}/f", trigger=CRON, name="j", tags=("shared",))
        )
        await done(whole, await whole.trigger_job(f"{group}/j"))
        await done(whole, await whole.run_function(f"{group}/f"))
    await found(whole, 4)
    try:
        yield engine
    finally:
        await engine.stop(grace_s=0)


async def fail(client: EngineClient) -> dict[str, Run]:
    """A dead letter of each group."""
    return {
        group: await done(client, await client.run_function(f"{group}/bad"))
        for group in ("mine", "theirs")
    }


async def found(client: EngineClient, number: int) -> None:
    """Wait until so many lines can be searched for."""
    async with asyncio.timeout(10):
        while len(await client.search_logs("wrote")) < number:  # noqa: ASYNC110 - polls, as a user
            await asyncio.sleep(0.02)


async def done(client: EngineClient, run: Run) -> Run:
    async for page in client.follow(run.id):
        if page.done:
            break
    return await client.run(run.id)
