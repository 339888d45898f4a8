"""A run that was asked to end says so until it has, to whoever looks and whoever watches."""

from __future__ import annotations

import threading

from engine_kit import World, running

from schedtui import Group
from schedtui.execution.ended import ASKED
from schedtui.models import RunState


async def test_until_it_has_ended_its_reason_says_that_it_was_asked(world: World) -> None:
    group = Group("g")
    gate, begun = threading.Event(), threading.Event()

    @group.function()
    def blocks() -> str:
        begun.set()
        gate.wait(20)
        return "done all the same"

    async with running(group, world=world) as kit:
        run = await kit.engine.run_function("g/blocks")
        await kit.until(begun.is_set)
        cursor = kit.running.core.hub.cursor
        try:
            asked = await kit.engine.cancel_run(run.id, reason="wrong", actor="ann")
            frame = await kit.running.core.hub.after(cursor)
            told = [change.id for change in frame.runs]
            rows = await kit.client.runs()
        finally:
            gate.set()
        assert (asked.state, asked.reason) == (
            RunState.RUNNING,
            "asked to end: cancelled by ann: wrong",
        )
        assert rows.items[0].reason == asked.reason
        assert told == [run.id]
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        await kit.until(lambda: kit.idle)
        done = await kit.client.run(run.id)
        assert (done.state, done.reason) == (RunState.SUCCEEDED, ASKED)
