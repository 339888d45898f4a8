"""The tick: capped sleeps, a bounded batch, and nothing that ends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_kit import KitClock, World, at, due_s, running

from schedtui import Every, Group, Once
from schedtui.engine.aps import MAX_SLEEP_S, Shell
from schedtui.models import Health, JobPatch, RunState


class Bad(Every):
    """An interval with a bug in one of its methods."""

    def __init__(self, method: str) -> None:
        super().__init__(10)
        self.method = method

    def next_after_us(self, us: int) -> int | None:
        self._fail("next_after_us")
        return super().next_after_us(us)

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        self._fail("newest")
        return super().newest(after_us, until_us, limit)

    def count(self, after_us: int, until_us: int) -> int:
        self._fail("count")
        return super().count(after_us, until_us)

    def _fail(self, method: str) -> None:
        if self.method == method:
            raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize("method", ["next_after_us", "newest", "count"])
async def test_a_trigger_that_raises_is_a_row_and_a_problem_and_not_the_end(
    world: World, method: str
) -> None:
    group = Group("g")

    async def work() -> None: ...

    group.job(every=10, name="bad")(work)
    group.job(every=10, name="good")(work)
    async with running(group, world=world) as kit:
        await kit.clock.advance(11)
        live = kit.running.core.jobs.named("g/bad")
        live.trigger = Bad(method)
        kit.clock.step(25 if method == "newest" else 2_000)
        await kit.clock.advance(12)
        rows = [run for run in await kit.rows() if run.job == "g/bad"]
        assert rows[1].state is RunState.MISSED
        assert rows[1].reason == "its trigger failed: ZeroDivisionError: division by zero"
        assert kit.running.info().health is Health.DEGRADED
        good = kit.running.core.jobs.named("g/good")
        newest = [run for run in await kit.rows() if run.job == "g/good"][-1]
        assert newest.state is RunState.SUCCEEDED
        assert good.next_due_us is not None
        assert good.next_due_us > kit.clock.now_us()
        live.trigger = None


async def test_whatever_the_tick_raises_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group("g")
    done: list[int] = []

    @group.job(every=10)
    async def work() -> None:
        done.append(1)

    async with running(group) as kit:
        claims = kit.running.claims
        tick = claims.tick
        failures = 0

        def fail() -> float:
            nonlocal failures
            failures += 1
            raise RuntimeError("a bug of ours")

        monkeypatch.setattr(claims, "tick", fail)
        await kit.clock.advance(5)
        assert failures >= 5
        monkeypatch.setattr(claims, "tick", tick)
        await kit.clock.advance(20)
        assert len(done) == 2


async def test_the_sleep_is_capped_at_a_second() -> None:
    async with running() as kit:
        seen: list[float] = []
        call_later = kit.clock.call_later

        def note(delay_s: float, callback: Any) -> Any:
            seen.append(delay_s)
            return call_later(delay_s, callback)

        setattr(kit.clock, "call_later", note)  # noqa: B010 - a method, says mypy
        await kit.clock.advance(10)
        assert len(seen) >= 10
        assert max(delay for delay in seen if delay != 5.0) <= MAX_SLEEP_S
        assert kit.running.info().last_tick_age_s <= 1.0


async def test_a_tick_that_hangs_is_told() -> None:
    async with running() as kit:
        kit.running.shell._stop_timer()
        kit.clock._move(kit.clock._monotonic_us + 60_000_000)
        info = kit.running.info()
        assert info.health is Health.DEGRADED
        assert "the tick last ran" in info.problems[0]


async def test_many_wakeups_before_a_turn_are_one_tick() -> None:
    clock = KitClock()
    ticks: list[int] = []

    def tick() -> float:
        ticks.append(1)
        return 1.0

    shell = Shell(tick, clock)
    shell.wakeup()
    shell.start()
    for _ in range(100):
        shell.wakeup()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(ticks) == 1
    await clock.advance(3)
    assert len(ticks) == 4
    shell.shutdown(wait=False)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    shell.wakeup()
    await clock.advance(3)
    assert len(ticks) == 4
    assert clock.pending_timers() == 0


async def test_a_wait_of_nonsense_is_a_wait_all_the_same() -> None:
    clock = KitClock()
    waits = iter([-5.0, 1e9, 0.25, 0.25])
    seen: list[float] = []

    def tick() -> float:
        seen.append(clock.monotonic())
        return next(waits, 1.0)

    shell = Shell(tick, clock)
    shell.start()
    await clock.advance(3)
    shell.shutdown(wait=False)
    await asyncio.sleep(0)
    begun = seen[0]
    assert [moment - begun for moment in seen[:5]] == [0, 0, 1, 1.25, 1.5]


async def test_a_great_many_due_at_once_all_run_once(world: World) -> None:
    group = Group("g")
    done: list[int] = []

    async def work(n: int) -> None:
        done.append(n)

    count = 1_200
    for number in range(count):
        group.job(every=3_600, name=f"j{number}", kwargs={"n": number})(work)
    async with running(group, world=world) as kit:
        due_us = kit.running.core.heap.next_us()
        assert due_us is not None
        kit.clock._move(kit.clock._monotonic_us + due_us - kit.clock.now_us() - 500_000)
        await kit.clock.advance(3)
        assert sorted(done) == list(range(count))
        rows = await kit.rows()
        assert len({run.job for run in rows}) == len(rows) == count
        assert {run.state for run in rows} == {RunState.SUCCEEDED}
        assert kit.faults.calls["claim"] <= 12


async def test_a_job_with_an_unreadable_trigger_is_told_and_harms_nobody(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        job = await kit.engine.create_job(function="g/work", trigger=Every(10), name="odd")
        from dataclasses import replace

        with kit.store.inner.transaction() as tx:
            odd = replace(job, trigger={"type": "lunar"}, version=2)
            assert tx.update_job(odd, version=1)
    async with running(group, world=world) as kit:
        assert any("its trigger cannot be read" in text for text in kit.running.info().problems)
        assert kit.running.core.jobs.named("g/odd").summary().schedule == "unreadable"
        await kit.clock.advance(11)
        assert [run.job for run in await kit.rows()] == ["g/work"]
        fixed = await kit.client.edit_job("g/odd", JobPatch(trigger=Every(5).to_json()))
        assert fixed.next_due is not None
        assert not any("its trigger" in text for text in kit.running.info().problems)
        await kit.clock.advance(6)
        assert [due_s(run) for run in await kit.rows(fixed.id)][-1] == 15.0


async def test_a_job_that_is_due_before_the_next_look_is_not_late(world: World) -> None:
    group = Group("g")

    @group.function()
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        await kit.clock.advance(0.1)
        for name, due in (("soon", at(0.35)), ("later", at(1.7))):
            await kit.engine.create_job(function="g/work", trigger=Once(due), name=name)
        await kit.clock.advance(3)
        late = {run.job: (run.claimed_at, run.scheduled_for) for run in await kit.rows()}
        assert set(late) == {"g/soon", "g/later"}
        assert all(claimed == due for claimed, due in late.values())
