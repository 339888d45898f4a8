"""A kill before and after every step of a firing, of a command and of a start.

After the restart: every due time has its one row, nothing was done twice, every run made legal
moves only, what was queued runs, what ran is lost.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from engine_kit import Kit, KitClock, World, at, check, running

from schedtui import Group, current_run, log
from schedtui.models import Job, JobPatch, JobState, RunState

WHEN = ("before", "after", "commit", "committed")
EVERY_10 = {"type": "every", "seconds": 10}


class Jobs:
    """A fast job, and a slow one that shares its only slot; and what they did."""

    def __init__(self) -> None:
        self.done: list[tuple[str, object]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.group = Group("g")
        self.group.job(every=10, name="one")(self.fast)
        self.group.job(every=10, name="two")(self.fast)
        self.group.function("work")(self.slow)

    async def fast(self) -> None:
        run = current_run()
        self.done.append((run.job, run.scheduled_for or run.id))
        log("did it")
        await asyncio.sleep(0)

    async def slow(self) -> None:
        run = current_run()
        self.done.append((run.job, run.scheduled_for or run.id))
        await self.open.wait()


async def die(kit: Kit, jobs: Jobs, world: World, *, down_s: float = 25) -> Kit:
    """Kill an engine, wait, and start the next one on its store."""
    now = await kit.crash()
    clock = KitClock(now)
    clock.step(down_s)
    after = Kit([jobs.group], world=world, clock=clock, async_slots=1)
    return await after.start()


def points(*methods: str, files: int = 1) -> list[tuple[str, str, str]]:
    """Every point on a store in memory; on a real file those around the commit, where it differs,
    of the first ``files`` methods."""
    memory = [("memory", method, when) for method in methods for when in WHEN]
    return memory + [("sqlite", m, when) for m in methods[:files] for when in WHEN[2:]]


@pytest.mark.parametrize(
    ("world", "method", "when"),
    points("claim", "finish", "start", "append_logs", "beat", files=3),
    indirect=["world"],
)
async def test_a_kill_during_a_firing(world: World, method: str, when: str) -> None:
    jobs = Jobs()
    kit = await Kit([jobs.group], world=world, async_slots=1).start()
    await kit.clock.advance(15)
    kit.faults.crash(method, when)
    if method == "start":
        jobs.open.clear()
        await kit.engine.create_job(function="g/work", trigger=EVERY_10, name="slow")
        await kit.client.trigger_job("g/slow")
        await kit.clock.advance(8)
        jobs.open.set()
    for _ in range(200):
        await kit.clock.advance(1)
        await asyncio.sleep(0.001)
        if kit.store.dead:
            break
    assert kit.store.dead
    left = {run.id: run for run in await kit.rows()}
    after = await die(kit, jobs, world)
    try:
        await after.clock.advance(32)
        await check(after, effects=jobs.done)
        rows = {run.id: run for run in await after.rows()}
        for run in left.values():
            if run.state is RunState.RUNNING:
                assert rows[run.id].state is RunState.LOST
                assert "may or may not" in rows[run.id].reason
            elif run.state is RunState.QUEUED:
                assert rows[run.id].state is RunState.SUCCEEDED
        succeeded = Counter(
            (run.job, run.scheduled_for or run.id)
            for run in rows.values()
            if run.state == "succeeded"
        )
        assert set(succeeded) <= set(jobs.done)
        assert all(run.state in (*RunState,) and run.finished_at for run in rows.values())
    finally:
        await after.stop()


Command = Callable[[Kit], Coroutine[Any, Any, object]]
COMMANDS: dict[str, tuple[Command, tuple[str, ...]]] = {
    "create": (
        lambda kit: kit.engine.create_job(function="g/work", trigger=EVERY_10, name="new"),
        ("insert_job", "audit"),
    ),
    "edit": (
        lambda kit: kit.client.edit_job(
            "g/dyn", JobPatch(trigger={"type": "every", "seconds": 15})
        ),
        ("update_job", "insert_runs", "audit"),
    ),
    "pause": (lambda kit: kit.client.pause_job("g/dyn"), ("update_job", "audit")),
    "resume": (
        lambda kit: kit.client.resume_job("g/paused"),
        ("update_job", "insert_runs", "audit"),
    ),
    "delete": (
        lambda kit: kit.client.delete_job("g/dyn"),
        ("delete_job", "insert_runs", "audit", "cancel_queued"),
    ),
    "trigger": (lambda kit: kit.client.trigger_job("g/dyn"), ("insert_runs", "audit")),
}
POINTS = [(name, *point) for name, (_, methods) in COMMANDS.items() for point in points(*methods)]


@pytest.mark.parametrize(("name", "world", "method", "when"), POINTS, indirect=["world"])
async def test_a_kill_during_a_command(world: World, name: str, method: str, when: str) -> None:
    jobs = Jobs()
    kit = await Kit([jobs.group], world=world, async_slots=1).start()
    command, _ = COMMANDS[name]
    await kit.engine.create_job(function="g/work", trigger=EVERY_10, name="dyn", paused=False)
    await kit.engine.create_job(function="g/work", trigger=EVERY_10, name="paused", paused=True)
    await kit.clock.advance(25)
    before = {job.full_name: job for job in await jobs_of(kit)}
    kit.faults.crash(method, when)
    task = asyncio.ensure_future(command(kit))
    await kit.until(lambda: kit.store.dead)
    after = await die(kit, jobs, world)
    task.cancel()
    await asyncio.wait([task])
    try:
        found = {job.full_name: job for job in await jobs_of(after)}
        held = when == "committed"
        if name == "create":
            assert ("g/new" in found) is held
        elif name == "edit":
            assert found["g/dyn"].trigger["seconds"] == (15 if held else 10)
        elif name == "pause":
            assert found["g/dyn"].paused is held
        elif name == "resume":
            assert found["g/paused"].paused is not held
        elif name == "delete":
            assert ("g/dyn" in found) is not held
        else:
            manual = [run for run in await after.rows() if run.source == "manual"]
            assert [run.state for run in manual] == ([RunState.LOST] if held else [])
        if not held:
            assert {key: job.version for key, job in found.items()} == {
                key: job.version for key, job in before.items()
            }
        await after.clock.advance(32)
        await check(after, after=at(25), effects=jobs.done)
        audit = [event.action for event in (await after.client.audit()).items]
        assert audit.count(f"job.{name}") == {"create": 4}.get(name, 0) + held
    finally:
        await after.stop()


async def jobs_of(kit: Kit) -> list[Job]:
    return await asyncio.to_thread(lambda: list(kit.store.inner.jobs()))


@pytest.mark.parametrize(
    ("world", "method", "when"), points("insert_job", "update_job", "finish"), indirect=["world"]
)
async def test_a_kill_during_a_start(world: World, method: str, when: str) -> None:
    """The second start is killed while it takes over; the third one finds all in order."""
    jobs = Jobs()
    jobs.group.job(every=10, name="gone")(jobs.slow)
    jobs.open.clear()
    kit = await Kit([jobs.group], world=world, async_slots=1).start()
    await kit.clock.advance(25)
    now = await kit.crash()

    changed = Jobs()
    changed.done = jobs.done
    changed.group.job(every=10, name="fresh")(changed.fast)
    clock = KitClock(now)
    clock.step(60)
    second = Kit([changed.group], world=world, clock=clock, async_slots=1)
    second.faults.crash(method, when)
    starting = asyncio.ensure_future(second.start())
    await second.until(lambda: second.store.dead)
    starting.cancel()
    second.store.release()
    await asyncio.wait([starting])
    second.store.inner.close()

    clock = KitClock(now)
    clock.step(120)
    async with running(changed.group, world=world, clock=clock, async_slots=1) as third:
        await third.clock.advance(27)
        found = {live.full_name: live.state for live in third.running.core.jobs}
        assert found == {
            "g/one": JobState.SCHEDULED,
            "g/two": JobState.SCHEDULED,
            "g/fresh": JobState.SCHEDULED,
            "g/gone": JobState.ORPHANED,
        }
        await check(third, effects=jobs.done)
        assert all(run.finished_at for run in await third.rows())


@pytest.mark.parametrize("line", ["before its effect", "after its effect"])
@pytest.mark.parametrize("kind", ["scheduled", "manual"])
async def test_a_kill_inside_of_the_function(world: World, line: str, kind: str) -> None:
    group = Group("g")
    done: list[object] = []
    inside = asyncio.Event()

    @group.job(every=10, paused=kind == "manual")
    async def work() -> None:
        if line == "before its effect" and not inside.is_set():
            inside.set()
            await asyncio.Event().wait()
        done.append(current_run().scheduled_for)
        if not inside.is_set():
            inside.set()
            await asyncio.Event().wait()

    kit = await Kit([group], world=world).start()
    if kind == "manual":
        await kit.client.trigger_job("g/work")
    await kit.clock.advance(11)
    assert inside.is_set()
    now = await kit.crash()
    async with running(group, world=world, clock=KitClock(now)) as after:
        rows = await after.rows()
        assert [run.state for run in rows] == [RunState.LOST]
        assert rows[0].attempt == 1
        assert "last seen 2026-03-02T12:00:" in rows[0].reason
        await after.clock.advance(25)
        await check(after, effects=done)
        summary = after.running.core.jobs.named("g/work").summary()
        assert RunState.LOST in [state for state, _ in summary.recent]


@pytest.mark.parametrize("on_lost", ["ignore", "rerun"])
async def test_the_time_after_the_last_sign_of_life_is_not_the_runs(
    world: World, on_lost: str
) -> None:
    group = Group("g")
    gate = asyncio.Event()

    @group.job(every=3_600, on_lost=on_lost)
    async def work() -> None:
        await gate.wait()

    kit = await Kit([group], world=world).start()
    await kit.client.trigger_job("g/work")
    for _ in range(21):
        await kit.clock.advance(1)
    clock = KitClock(await kit.crash())
    clock.step(1_800)
    gate.set()
    async with running(group, world=world, clock=clock) as after:
        (row,) = await after.rows()
        (attempt, *_) = await after.client.attempts(row.id)
        lasted_s = (attempt.finished_at - attempt.started_at).total_seconds()
        assert 15 <= lasted_s <= 21
        if on_lost == "ignore":
            assert row.duration_s == lasted_s
            summary = after.running.core.jobs.named("g/work").summary()
            assert summary.last_duration_us == lasted_s * 1e6


async def test_a_lost_run_keeps_the_lines_that_were_stored(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None:
        log("first")
        log("second")
        await asyncio.Event().wait()

    kit = await Kit([group], world=world).start()
    await kit.clock.advance(11)
    await kit.until(lambda: kit.faults.calls["append_logs:after"] == 1 and kit.idle)
    now = await kit.crash()
    async with running(group, world=world, clock=KitClock(now)) as after:
        (run,) = await after.rows()
        assert (run.state, run.log_lines) == (RunState.LOST, 2)
        assert [line.text for line in (await after.client.logs(run.id)).lines] == [
            "first",
            "second",
        ]


async def test_what_was_queued_runs_after_the_restart_in_its_order(world: World) -> None:
    jobs = Jobs()
    jobs.open.clear()
    kit = await Kit([jobs.group], world=world, async_slots=1).start()
    await kit.engine.create_job(function="g/work", trigger=EVERY_10, name="blocks")
    first = await kit.client.trigger_job("g/blocks")
    await kit.clock.advance(12)
    queued = [run for run in await kit.rows() if run.state is RunState.QUEUED]
    assert [run.job for run in queued] == ["g/one", "g/two"]
    assert {run.wait_reason for run in queued} == {"slot"}
    assert jobs.done == [("g/blocks", first.id)]
    jobs.open.set()
    after = await die(kit, jobs, world, down_s=600)
    try:
        await after.clock.settle()
        rows = {run.id: run for run in await after.rows()}
        assert [rows[run.id].state for run in queued] == [RunState.SUCCEEDED] * 2
        assert [job for job, _ in jobs.done][1:3] == ["g/one", "g/two"]
        assert rows[first.id].state is RunState.LOST
        await check(after, effects=jobs.done)
    finally:
        await after.stop()


async def test_what_passed_while_down_is_told_with_the_reason(world: World) -> None:
    jobs = Jobs()
    kit = await Kit([jobs.group], world=world, async_slots=1).start()
    await kit.clock.advance(21)
    after = await die(kit, jobs, world, down_s=5_000)
    try:
        await after.clock.advance(15)
        one = [run for run in await after.rows() if run.job == "g/one"]
        missed = [run for run in one if run.state is RunState.MISSED]
        assert missed[0].range_count is not None
        assert "did not run from 2026-03-02T12:00:" in missed[0].reason
        assert "did not stop in order" in missed[0].reason
        await check(after, effects=jobs.done)
    finally:
        await after.stop()


async def test_a_lost_run_ends_no_sooner_than_its_last_line(world: World) -> None:
    group, says = Group("g"), asyncio.Event()

    @group.job(every=12)
    async def work() -> None:
        await says.wait()
        log("after the last sign of life of the engine")
        await asyncio.Event().wait()

    kit = await Kit([group], world=world).start()
    await kit.clock.advance(13)
    says.set()
    await kit.until(lambda: kit.faults.calls["append_logs:after"] == 1 and kit.idle)
    await kit.clock.advance(1)
    now = await kit.crash()
    async with running(group, world=world, clock=KitClock(now)) as after:
        (run,) = await after.rows()
        assert (run.state, run.finished_at) == (RunState.LOST, at(13))
        assert after.running.core.jobs.named("g/work").recent[-1].duration_us == 1_000_000
