"""The count of failures in a row: the same in memory and in the store, whatever the policy says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from engine_kit import Kit, KitClock, World, running

from schedtui import Group, Never
from schedtui.clock import from_us
from schedtui.models import JobPatch, RunState
from schedtui.policies import make


class Job:
    """A job whose runs end as they are told to, each once its gate is open."""

    def __init__(
        self, *fates: str, gates: Iterable[asyncio.Event] = (), **policies: object
    ) -> None:
        self.fates = list(fates)
        self.gates = list(gates)
        self.group = Group("g")
        self.group.job(trigger=Never(), name="work", **policies)(self.work)  # type: ignore[arg-type]  # a policy by its name

    async def work(self) -> None:
        fate = self.fates.pop(0)
        if self.gates:
            await self.gates.pop(0).wait()
        if fate == "hang":
            await asyncio.Event().wait()
        if fate != "ok":
            raise ValueError("not today")


async def run(kit: Kit, times: int) -> None:
    for _ in range(times):
        await kit.client.trigger_job("g/work")
        await kit.clock.settle()


async def edit(kit: Kit, **policies: object) -> None:
    patch = JobPatch(policies=make(**policies))  # type: ignore[arg-type]  # a policy by its name
    await kit.client.edit_job("g/work", patch)
    await kit.clock.settle()


async def counts(kit: Kit) -> tuple[int, int]:
    """In memory and in the store."""
    await kit.clock.settle()
    (stored,) = await asyncio.to_thread(kit.store.inner.jobs)
    return kit.running.core.jobs.named("g/work").failures, stored.failures


async def test_a_job_that_is_well_again_is_not_paused_by_a_restart(world: World) -> None:
    job = Job(*["bad"] * 5, *["ok"] * 2)
    async with running(job.group, world=world) as kit:
        await edit(kit, pause_after_failures=10)
        await run(kit, 5)
        assert await counts(kit) == (5, 5)
        await edit(kit)
        await run(kit, 2)
        await edit(kit, pause_after_failures=3)
        assert await counts(kit) == (0, 0)
        now_us = kit.clock.now_us()
    async with running(job.group, world=world, clock=KitClock(from_us(now_us))) as kit:
        await kit.clock.settle()
        assert not (await kit.client.job("g/work")).paused


async def test_what_failed_without_the_policy_counts_once_there_is_one(world: World) -> None:
    job = Job(*["bad"] * 3)
    async with running(job.group, world=world) as kit:
        await run(kit, 3)
        assert await counts(kit) == (3, 3)
        await edit(kit, pause_after_failures=3)
        found = await kit.client.job("g/work")
        assert (found.paused, found.pause_reason) == (True, "3 runs failed in a row")
        await kit.client.resume_job("g/work")
        await kit.clock.settle()
        assert not (await kit.client.job("g/work")).paused
        assert await counts(kit) == (0, 0)


async def test_what_is_lost_without_the_policy_counts_too(world: World) -> None:
    job = Job(*["hang"] * 3)
    kit = await Kit([job.group], world=world).start()
    for _ in range(2):
        await run(kit, 1)
        clock = KitClock(await kit.crash())
        kit = await Kit([job.group], world=world, clock=clock).start()
    assert await counts(kit) == (2, 2)
    await edit(kit, pause_after_failures=2)
    assert (await kit.client.job("g/work")).paused
    await kit.stop()


@pytest.mark.parametrize(
    ("fates", "count"),
    [(["bad", "bad", "ok", "bad"], 1), (["bad", "bad"], 2), (["ok", "bad", "ok"], 0)],
)
async def test_outcomes_that_are_on_their_way_together_count_each(
    world: World, fates: list[str], count: int
) -> None:
    gates = [asyncio.Event() for _ in fates]
    job = Job(*fates, gates=gates, overlap="allow", pause_after_failures=9)
    async with running(job.group, world=world) as kit:
        await run(kit, len(fates))
        kit.faults.down = True
        for gate in gates:  # each outcome is handed in alone
            gate.set()
            for _ in range(5):
                await asyncio.sleep(0)
        assert kit.running.supervisor.unwritten == len(fates)
        kit.faults.down = False
        await kit.until(lambda: not kit.running.supervisor.unwritten)
        states = [RunState.SUCCEEDED if fate == "ok" else RunState.FAILED for fate in fates]
        assert [row.state for row in await kit.rows()] == states
        assert await counts(kit) == (count, count)


async def test_a_success_of_a_job_that_has_not_failed_counts_nothing(world: World) -> None:
    job = Job("ok", "bad", "ok", "ok", pause_after_failures=9)
    async with running(job.group, world=world) as kit:
        counted = []
        for _ in range(4):
            await run(kit, 1)
            counted.append(kit.faults.calls["count_failures"])
        assert counted == [0, 1, 2, 2]
