"""Pauses that end by themselves, and what is said of them meanwhile."""

from __future__ import annotations

import asyncio
import threading

from engine_kit import World, at, check, due_s, running
from explain_kit import why

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


async def test_who_pauses_a_paused_job_answers_for_what_is_due_from_then_on(world: World) -> None:
    async with running(one_job(), world=world) as kit:
        await kit.engine.pause_job("g/work", reason="data broken", actor="ann")
        await kit.clock.advance(25)
        await kit.engine.pause_job("g/work", reason="deploy", actor="bob", until=at(45))
        await kit.clock.advance(30)
        assert [(due_s(run), run.reason) for run in await kit.rows()] == [
            (10, "paused by ann: data broken"),
            (20, "paused by ann: data broken"),
            (30, "paused by bob: deploy"),
            (40, "paused by bob: deploy"),
            (50, ""),
        ]
        first, second = [(await why(kit, at(s))).facts[0] for s in (20, 40)]
        assert (first.actor, first.since, first.until) == ("ann", at(0), at(25))
        assert first.text.endswith(", paused again by bob at 2026-03-02 12:00:25 UTC")
        assert (second.actor, second.since, second.until) == ("bob", at(25), at(45))
        await check(kit)


async def test_a_pause_of_a_paused_job_replaces_reason_and_end(world: World) -> None:
    async with running(one_job(), world=world) as kit:
        for reason, until in (("x1", at(900)), ("x2", at(900)), ("forever", None), ("", at(60))):
            job = await kit.client.pause_job("g/work", reason=reason, until=until)
            assert (job.pause_reason, job.paused_until) == (reason, until)
            again = await kit.client.pause_job("g/work", reason=reason, until=until)
            assert again.version == job.version


async def test_a_job_that_is_paused_while_the_engine_is_keeps_the_reason_until_then(
    world: World,
) -> None:
    async with running(one_job(), world=world) as kit:
        await kit.engine.pause_engine(reason="move", actor="ann")
        await kit.clock.advance(15)
        await kit.engine.pause_job("g/work", reason="look", actor="bob")
        await kit.clock.advance(10)
        await kit.engine.resume_engine()
        await kit.client.resume_job("g/work")
        told = [(due_s(run), run.reason) for run in await kit.rows()]
        assert told == [(10, "engine paused by ann: move"), (20, "paused by bob: look")]
        await check(kit)
