"""The stream of changes as tokens of some groups read it, and what it costs."""

from __future__ import annotations

import asyncio

import pytest
from scope_kit import done, scoped_engine

from schedtui import Engine
from schedtui.client.closing import closing
from schedtui.client.local import LocalClient
from schedtui.client.scoped import ScopedClient
from schedtui.models import Run

engine = pytest.fixture(scoped_engine)


async def test_no_run_is_read_to_know_whose_it_is(engine: Engine) -> None:
    """Not even one of a function without a job."""

    class Asked(LocalClient):
        async def run(self, run_id: int) -> Run:
            raise AssertionError(f"run {run_id} was read")

    whole = LocalClient(engine)
    cursor = await whole.cursor()
    for group in ("theirs", "mine"):
        await done(whole, await whole.run_function(f"{group}/f"))
    newest = await done(whole, await whole.trigger_job("mine/j"))

    runs: set[int] = set()
    async with (
        asyncio.timeout(10),
        closing(ScopedClient(Asked(engine), ("mine",)).changes(cursor)) as stream,
    ):
        async for frame in stream:
            runs |= {run.id for run in frame.runs}
            if newest.id in runs:
                break
    assert {(await whole.run(id_)).function for id_ in runs} == {"mine/f"}
    assert len(runs) == 2
