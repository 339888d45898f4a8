"""Pauses that end by themselves, and what is said of them meanwhile."""

from __future__ import annotations

import asyncio
import threading

from engine_kit import World, at, running

from schedtui import Group
from schedtui.models import JobPatch


def one_job() -> Group:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None: ...

    return group


async def test_a_pause_that_is_extended_as_it_ends_goes_on(world: World) -> None:
    async with running(one_job(), world=world) as kit:
        await kit.client.pause_job("g/work", until=at(15), reason="first")
        go = threading.Event()

        def hang() -> None:
            del kit.faults.hooks["update_job"]
            go.wait(10)

        kit.faults.hooks["update_job"] = hang
        kit.hung = True
        extending = asyncio.ensure_future(
            kit.client.pause_job("g/work", until=at(3_600), reason="longer")
        )
        await kit.until(lambda: kit.running.core.jobs.named("g/work").busy)
        await kit.clock.advance(16)
        assert kit.running.chores.busy
        go.set()
        kit.hung = False
        await extending
        await kit.until(lambda: not kit.running.chores.busy)
        job = await kit.client.job("g/work")
        assert (job.paused, job.paused_until, job.pause_reason) == (True, at(3_600), "longer")
        await kit.clock.advance(3_600)
        assert not (await kit.client.job("g/work")).paused


async def test_a_pause_ends_although_its_job_was_edited_as_it_ended(world: World) -> None:
    async with running(one_job(), world=world) as kit:
        await kit.client.pause_job("g/work", until=at(15))
        go = threading.Event()

        def hang() -> None:
            del kit.faults.hooks["update_job"]
            go.wait(10)

        kit.faults.hooks["update_job"] = hang
        kit.hung = True
        editing = asyncio.ensure_future(
            kit.client.edit_job("g/work", JobPatch(description="edited"))
        )
        await kit.until(lambda: kit.running.core.jobs.named("g/work").busy)
        await kit.clock.advance(16)
        go.set()
        kit.hung = False
        await editing
        await kit.clock.advance(1)
        job = await kit.client.job("g/work")
        assert (job.paused, job.description) == (False, "edited")


async def test_what_is_kept_of_pauses_does_not_grow_with_every_change() -> None:
    async with running(one_job()) as kit:
        for n in range(300):
            await kit.client.pause_job("g/work", until=at(3_600 - n))
        assert len(kit.running.chores._pauses) < 100
        await kit.clock.advance(3_290)
        assert (await kit.client.job("g/work")).paused
        await kit.clock.advance(12)
        assert not (await kit.client.job("g/work")).paused
