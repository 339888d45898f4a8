"""A kill at any write around the end of a run that others follow: no child is lost or doubled."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from chain_kit import unchained
from engine_kit import Kit, KitClock, World, check

from schedtui import After, Group, current_run
from schedtui.errors import StoreUnavailableError
from schedtui.models import RunState, Source

WHEN = ("before", "after", "commit", "committed")
METHODS = ("finish", "insert_runs", "start", "settle", "audit")
POINTS = [("memory", method, when) for method in METHODS for when in WHEN]
POINTS += [("sqlite", method, when) for method in METHODS[:2] for when in WHEN[2:]]

EDGES = {
    "g/good": (After(job="g/first"),),
    "g/bad": (After(job="g/first", on="failure"),),
    "g/any": (After(job="g/first", on="end"), After(job="g/good", on="end")),
}


class Jobs:
    """A job that hangs where it is told to, three that follow it, and what was done."""

    def __init__(self) -> None:
        self.done: list[tuple[int, int]] = []
        self.hangs = False
        self.group = Group("g")
        self.group.job(every=10, name="first", overlap="queue_all")(self.work)
        for name, after in EDGES.items():
            own = name.partition("/")[2]
            self.group.job(after=after, name=own, overlap="queue_all")(self.work)

    async def work(self) -> None:
        run = current_run()
        self.done.append((run.id, run.attempt))
        if run.job == "g/first" and self.hangs:
            await asyncio.Event().wait()


@pytest.mark.parametrize(("world", "method", "when"), POINTS, indirect=["world"])
async def test_a_kill_around_the_end_of_a_run(world: World, method: str, when: str) -> None:
    jobs = Jobs()
    kit = await Kit([jobs.group], world=world, async_slots=2).start()
    await kit.clock.advance(11)
    kit.faults.crash(method, when)
    jobs.hangs = method in {"settle", "audit"}  # which a queued run that is cancelled comes to
    for _ in range(30):
        await kit.clock.advance(1)
        queued = [r for r in await kit.rows() if r.state is RunState.QUEUED and r.job == "g/first"]
        if jobs.hangs and queued:
            asking = asyncio.ensure_future(kit.engine.cancel_run(queued[0].id))
            await kit.until(lambda: kit.store.dead)
            asking.cancel()
            with suppress(asyncio.CancelledError, StoreUnavailableError):
                await asking
        if kit.store.dead:
            break
    assert kit.store.dead
    clock = KitClock(await kit.crash())
    jobs.hangs = False
    clock.step(5)
    after = await Kit([jobs.group], world=world, clock=clock, async_slots=2).start()
    try:
        await after.clock.advance(21)
        rows = await after.rows()
        assert unchained(rows, EDGES) == []
        assert all(run.finished_at for run in rows)
        assert {run.job for run in rows if run.source is Source.CHAIN} >= {"g/good", "g/any"}
        await check(after, effects=jobs.done)
    finally:
        await after.stop()


@pytest.mark.parametrize("when", WHEN)
async def test_a_kill_while_the_next_engine_writes_what_follows_lost_runs(
    world: World, when: str
) -> None:
    jobs = Jobs()
    jobs.hangs = True
    kit = await Kit([jobs.group], world=world).start()
    await kit.clock.advance(11)
    now = await kit.crash()
    second = Kit([jobs.group], world=world, clock=KitClock(now))
    second.faults.crash("finish", when)
    starting = asyncio.ensure_future(second.start())
    await second.until(lambda: second.store.dead)
    starting.cancel()
    second.store.release()
    await asyncio.wait([starting])
    second.store.inner.close()
    jobs.hangs = False
    third = await Kit([jobs.group], world=world, clock=KitClock(now)).start()
    try:
        await third.clock.advance(2)
        rows = await third.rows()
        assert unchained(rows, EDGES) == []
        assert [run.job for run in rows if run.source is Source.CHAIN] == ["g/bad", "g/any"]
        await check(third, effects=jobs.done)
    finally:
        await third.stop()
