"""A trigger of the user's that takes its time: its own job waits, and nothing else does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apscheduler.triggers.base import BaseTrigger
from engine_kit import Kit, KitClock, World, at, check, due_s, running

from schedtui import Group
from schedtui.engine.tick import asking
from schedtui.models import JobPatch, JobState, RunState
from schedtui.triggers import AnyOf, Every, Trigger, as_trigger

STEP = timedelta(seconds=10)


class Slow(BaseTrigger):  # type: ignore[misc]  # apscheduler ships no annotations
    """Every ten seconds; notes each question during which the engine's loop stood still."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.asked = 0
        self.held = 0
        self.gate = threading.Event()
        self.gate.set()

    def __str__(self) -> str:
        return "slow"

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        self.asked += 1
        turned = threading.Event()
        self.loop.call_soon_threadsafe(turned.set)
        self.held += not turned.wait(0.5)
        self.gate.wait(20)
        seconds = -(-now.timestamp() // 10) * 10
        due = datetime.fromtimestamp(seconds, UTC)
        return due + STEP if previous is not None and due <= previous else due


class Own(Every):
    """A trigger class of the user's own."""

    def __init__(self, slow: Slow) -> None:
        super().__init__(10)
        self._slow = slow

    def next_after_us(self, us: int) -> int | None:
        self._slow.get_next_fire_time(None, at(0))
        return super().next_after_us(us)


KINDS: dict[str, Callable[[Slow], Trigger]] = {
    "an object of APScheduler": as_trigger,
    "one of several schedules": lambda slow: AnyOf({"their": as_trigger(slow), "our": Every(30)}),
    "a class of the user's": Own,
}


class Two:
    """A job with a slow trigger, and one with one of ours, each second."""

    def __init__(self, kind: str = "an object of APScheduler", **declared: Any) -> None:
        self.slow = Slow()
        self.group = Group("g")
        self.other = 0
        self.group.job(trigger=KINDS[kind](self.slow), **declared)(self.work)
        self.group.job(every=1, overlap="allow")(self.count)

    async def work(self) -> None: ...

    async def count(self) -> None:
        self.other += 1


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World("sqlite", tmp_path)


async def test_others_fire_while_it_is_asked_and_its_due_times_stay_exact() -> None:
    two = Two()
    async with running(two.group) as kit:
        await kit.clock.advance(9)
        two.slow.gate.clear()
        kit.hung = True
        for second in range(10, 14):
            await kit.clock.advance(1)
            await kit.until(lambda: two.other == second)  # noqa: B023 - awaited right here
        live = kit.running.core.jobs.named("g/work")
        assert (live.busy, live.state, live.next_due_us) == (
            True,
            JobState.SCHEDULED,
            round(at(10).timestamp() * 1e6),
        )
        kit.hung = False
        two.slow.gate.set()
        await kit.clock.settle()
        await kit.clock.advance(10)
        rows = await kit.rows(live.id)
        assert [(due_s(run), run.state) for run in rows] == [
            (10, RunState.SUCCEEDED),
            (20, RunState.SUCCEEDED),
        ]
        await check(kit)


async def paused_and_resumed(kit: Kit) -> None:
    await kit.client.pause_job("g/work")
    await kit.clock.advance(25)
    await kit.client.resume_job("g/work")


async def edited(kit: Kit) -> None:
    job = await kit.client.job("g/work")
    await kit.client.edit_job("g/work", JobPatch(trigger={"type": "every", "seconds": 7}))
    await kit.clock.advance(25)
    await kit.client.revert_job("g/work")
    await kit.client.edit_job("g/work", JobPatch(trigger=job.trigger, timezone="Europe/Berlin"))


async def explained(kit: Kit) -> None:
    assert (await kit.client.explain("g/work")).ran
    assert not (await kit.client.explain("g/work", at(15))).ran
    assert (await kit.client.explain("g/work", at(200))).due is not None


async def looked_ahead(kit: Kit) -> None:
    due = [one.at for one in (await kit.client.next_due("g/work", count=2)).next]
    assert due == [at(40), at(50)]


async def backfilled(kit: Kit) -> None:
    assert (await kit.engine.backfill_job("g/work", at(-100), at(0))).queued == 10


async def engine_paused(kit: Kit) -> None:
    await kit.client.pause_engine()
    await kit.clock.advance(25)
    await kit.client.resume_engine()


async def clock_set_back(kit: Kit) -> None:
    kit.clock.step(-5 * 3600)


async def limited(kit: Kit) -> None:
    job = await kit.client.job("g/work")
    policies = replace(job.policies, max_runs=1)
    await kit.client.edit_job("g/work", JobPatch(policies=policies))
    await kit.clock.advance(25)
    await kit.client.edit_job("g/work", JobPatch(policies=replace(policies, max_runs=0)))


WAYS: list[Callable[[Kit], Coroutine[Any, Any, None]]] = [
    paused_and_resumed,
    edited,
    explained,
    looked_ahead,
    backfilled,
    engine_paused,
    clock_set_back,
    limited,
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
async def test_the_loop_turns_whenever_it_is_asked(
    way: Callable[[Kit], Coroutine[Any, Any, None]], kind: str
) -> None:
    two = Two(kind)
    async with running(two.group) as kit:
        await kit.clock.advance(35)
        await way(kit)
        await kit.clock.advance(25)
        assert {run.state for run in await kit.rows()} <= {RunState.SUCCEEDED, RunState.SKIPPED}
    assert two.slow.asked
    assert two.slow.held == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_start_turns_too(kind: str, world: World) -> None:
    two = Two(kind)
    async with running(two.group, world=world) as kit:
        await kit.clock.advance(15)
        moment = await kit.crash()
    again = Two(kind, paused=True)
    async with running(again.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(25)
    gone = Group("g")
    gone.job(every=1, name="count")(two.count)
    async with running(gone, world=world, clock=KitClock(at(60))) as kit:
        await kit.client.delete_job("g/work")
    assert two.slow.asked
    assert again.slow.asked
    assert (two.slow.held, again.slow.held) == (0, 0)


@pytest.mark.parametrize("way", ["stop", "step"])
async def test_what_was_being_asked_is_asked_again(world: World, way: str) -> None:
    """An engine that stops, or whose clock is stepped, decides nothing by an old answer."""
    two = Two()
    async with running(two.group, world=world) as kit:
        await kit.clock.advance(9)
        two.slow.gate.clear()
        kit.hung = True
        await kit.clock.advance(2)
        live = kit.running.core.jobs.named("g/work")
        await kit.until(lambda: live.busy)
        if way == "stop":
            await kit.stop()
        else:
            kit.clock.step(-1.5)
            kit.running.watch.check()
            two.slow.gate.set()
            kit.hung = False
            await kit.clock.advance(13)
            assert [due_s(run) for run in await kit.rows(live.id)] == [10, 20]
            return
    two.slow.gate.set()
    again = Two()
    async with running(again.group, world=world, clock=KitClock(at(11))) as kit:
        await kit.clock.settle()
        (row,) = await kit.rows(kit.running.core.jobs.named("g/work").id)
        assert (due_s(row), row.state) == (10, RunState.SUCCEEDED)


async def test_what_was_due_before_the_engine_was_paused_runs() -> None:
    two = Two()
    async with running(two.group) as kit:
        await kit.clock.advance(9)
        kit.running.claims.close()
        await kit.clock.advance(1.5)
        kit.running.claims._open = True  # without a tick
        await kit.client.pause_engine()
        await kit.clock.advance(5)
        rows = await kit.rows()
    assert max(due_s(run) or 0 for run in rows) == 10
    assert {run.state for run in rows} == {RunState.SUCCEEDED}


async def test_a_class_of_the_users_that_never_answers_is_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking, "ANSWER_S", 0.05)
    two = Two("a class of the user's")
    async with running(two.group) as kit:
        await kit.clock.advance(5)
        two.slow.gate.clear()
        kit.hung = True
        live = kit.running.core.jobs.named("g/work")
        await kit.clock.advance(6)
        await kit.until(lambda: live.state is JobState.BROKEN)
        two.slow.gate.set()
        kit.hung = False
        await kit.clock.settle()
        (row,) = await kit.rows(live.id)
        assert row.state is RunState.MISSED
        assert "did not answer within 0.05 s" in (row.reason or "")
