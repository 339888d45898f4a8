"""When an engine that was killed was last seen: at a beat, a claim or a start."""

from __future__ import annotations

import asyncio

from engine_kit import Kit, KitClock, World, at, running
from explain_kit import why

from schedtui import Group
from schedtui.models import FactKind, RunState


def group() -> Group:
    made = Group("g")

    @made.job(every=8)
    async def work() -> None:
        await asyncio.Event().wait()

    return made


async def test_a_run_that_started_after_the_last_beat_was_seen(world: World) -> None:
    kit = await Kit([group()], world=world).start()
    await kit.clock.advance(9)  # beats at 0 and 5
    clock = KitClock(await kit.crash())
    clock.step(3)
    async with running(group(), world=world, clock=clock) as kit:
        await kit.clock.advance(5)
        lost, *_ = await kit.rows()
        assert lost.state is RunState.LOST
        assert "last seen 2026-03-02T12:00:08Z" in lost.reason
        boots = await asyncio.to_thread(kit.store.inner.boots_around, kit.running.started_us - 1)
        assert boots[0] is not None
        assert boots[0].ended_at_us == int(at(8).timestamp() * 1e6)
        told = await why(kit, at(8))
        assert FactKind.ENGINE_DOWN not in {fact.kind for fact in told.facts[:1]}
