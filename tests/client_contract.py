"""What the contract tests of the clients share: an engine with some functions, and helpers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from schedtui import Engine, Group, log
from schedtui.api.access import digest
from schedtui.integrations.passing import Passing, Winner
from schedtui.models import (
    Changes,
    Job,
    JobSpec,
    LogHit,
    Run,
)
from schedtui.protocols import EngineClient, Token

T = TypeVar("T")

CRON = {"type": "cron", "expression": "0 9 1 1 *"}
ODD_NAMES = ("[red]x[@click=app.quit]", "50 % # ? & ; é 日\u202f本", "a.b..c", "%2F", "'\"<>")


def make_group() -> Group:
    group = Group("work")

    @group.function()
    async def greet(name: str, times: int = 1) -> str:
        """Greet somebody.

        Args:
            name: Whom.
            times: How often.
        """
        for number in range(times):
            log(f"hello {name} {number} \x1b[31m")
        return name

    @group.function()
    async def fail() -> None:
        raise RuntimeError("out of [b]luck[/b]")

    @group.function()
    async def wait() -> None:
        log("waiting")
        await asyncio.Event().wait()

    @group.job(cron="0 0 1 1 *")
    async def yearly() -> None: ...

    return group


class StandsBy:
    """A process that knows one that fires."""

    def __init__(self, winner: Winner) -> None:
        self.loop = asyncio.get_running_loop()
        self._winner = winner

    def present(self, actor: str) -> EngineClient:
        return self._winner.client(actor)

    def client(self, actor: str) -> EngineClient:
        return Passing(self, actor).typed

    async def ask(self, actor: str, call: Callable[[EngineClient], Awaitable[T]]) -> T:
        return await call(self.present(actor))


def a_token(secret: str) -> Token:
    return Token(
        id=0,
        name="tester",
        role="admin",
        sha256=digest(secret),
        created_at_us=0,
        expires_at_us=None,
    )


def put_token(engine: Engine, secret: str) -> None:
    token = a_token(secret)
    with engine.store.transaction() as tx:
        tx.insert_token(token)


def spec(**changed: Any) -> JobSpec:
    return JobSpec(
        **{"function": "work/greet", "trigger": CRON, "kwargs": {"name": "Ann"}, **changed}
    )


async def ended(client: EngineClient, run: Run) -> Run:
    async with asyncio.timeout(10):
        while True:
            found = await client.run(run.id)
            if found.finished_at is not None:
                return found
            await asyncio.sleep(0.01)


async def found(client: EngineClient, words: str) -> tuple[LogHit, ...]:
    """The first hit; lines reach the search a moment after their run has ended."""
    async with asyncio.timeout(10):
        while not (hits := await client.search_logs(words, limit=1)):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
        return hits


def stream(client: EngineClient, cursor: str) -> Any:
    return aclosing(client.changes(cursor))


async def first_that(frames: AsyncIterator[Changes], job: Job) -> Changes:
    async with asyncio.timeout(10):
        async for frame in frames:
            if any(row.id == job.id for row in frame.jobs):
                return frame
    raise AssertionError("the stream ended")
