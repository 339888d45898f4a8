"""The public doubles: a clock that moves when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from schedtui import Engine, Group, current_run
from schedtui.client.local import LocalClient
from schedtui.clock import SystemClock, from_us, to_us
from schedtui.models import RunState
from schedtui.protocols import StoreTx
from schedtui.testing import FakeClock, MemoryStore

START = datetime(2026, 3, 29, tzinfo=UTC)


async def test_time_passes_only_when_told_and_timer_by_timer() -> None:
    clock = FakeClock(START)
    seen: list[tuple[str, float]] = []

    def note(name: str) -> None:
        seen.append((name, (from_us(clock.now_us()) - START).total_seconds()))

    def again() -> None:
        note("b")
        clock.call_later(2, lambda: note("later"))

    clock.call_later(3, again)
    clock.call_later(1, lambda: note("a"))
    clock.call_later(4, lambda: note("never")).cancel()
    clock.call_later(9, lambda: note("too late"))
    before = clock.monotonic()
    await clock.advance(0)
    assert seen == []
    await clock.advance(6)
    assert seen == [("a", 1.0), ("b", 3.0), ("later", 5.0)]
    assert clock.monotonic() - before == 6
    assert clock.now_us() == to_us(START + timedelta(seconds=6))


async def test_timers_of_one_moment_run_in_the_order_they_were_set() -> None:
    clock = FakeClock(START)
    seen: list[int] = []
    for number in range(5):
        clock.call_later(1, partial(seen.append, number))
    await clock.advance(1)
    assert seen == [0, 1, 2, 3, 4]


async def test_a_step_moves_the_wall_clock_alone() -> None:
    clock = FakeClock(START)
    seen: list[int] = []
    clock.call_later(10, lambda: seen.append(1))
    before = clock.monotonic()
    clock.step(-3_600)
    assert clock.monotonic() == before
    assert clock.now_us() == to_us(START - timedelta(hours=1))
    clock.step(7_200)
    await clock.advance(9.9)
    assert seen == []
    await clock.advance(0.1)
    assert seen == [1]


@pytest.mark.parametrize("delay_s", [1e-9, 4e-7, 1e-6])
async def test_a_delay_too_short_to_show_still_ends(delay_s: float) -> None:
    """Whoever waits for the last billionth of a second must not find time standing still."""
    clock = FakeClock(START)
    turns = 0

    def again() -> None:
        nonlocal turns
        turns += 1
        if turns < 1_000:
            clock.call_later(delay_s, again)

    clock.call_later(delay_s, again)
    await clock.advance(0.000_05)
    assert turns <= 50


async def test_as_the_manual_shows_it() -> None:
    group = Group("Reports")
    done: list[str] = []

    @group.job(cron="30 1 * * *", timezone="Europe/Berlin")
    def daily() -> None:
        done.append("daily")

    clock = FakeClock(START)
    async with Engine(groups=[group], store=MemoryStore(), clock=clock) as engine:
        clock.step(1_700)
        await clock.advance(150)
        client = LocalClient(engine)
        (run,) = (await client.runs()).items
        while run.state is not RunState.SUCCEEDED:
            await clock.settle()
            run = await client.run(run.id)
        assert run.scheduled_for == START + timedelta(minutes=30)
        assert done == ["daily"]


class SlowStore(MemoryStore):
    """A store that takes its time over each commit."""

    @contextmanager
    def transaction(self) -> Iterator[StoreTx]:
        threading.Event().wait(0.02)
        with super().transaction() as tx:
            yield tx


async def test_no_time_passes_before_the_consequences_are_in_the_store() -> None:
    group = Group("g")
    done: list[str] = []

    @group.job(every=10)
    async def work() -> None:
        done.append(current_run().job)

    clock = FakeClock(START)
    async with Engine(groups=[group], store=SlowStore(), clock=clock) as engine:
        await clock.advance(20)
        runs = (await LocalClient(engine).runs()).items
        assert [run.state for run in runs] == [RunState.SUCCEEDED] * 2
        assert done == ["g/work"] * 2


async def test_a_function_that_waits_in_a_thread_does_not_hold_up_the_clock() -> None:
    group = Group("g")
    gate = threading.Event()

    @group.job(every=10)
    def work() -> None:
        gate.wait(20)

    clock = FakeClock(START)
    async with Engine(groups=[group], store="memory://", clock=clock) as engine:
        await clock.advance(25)
        runs = (await LocalClient(engine).runs()).items
        assert [run.state for run in runs] == [RunState.SKIPPED, RunState.RUNNING]
        gate.set()


async def test_an_engine_that_has_stopped_is_not_waited_for() -> None:
    clock = FakeClock(START)
    async with Engine(store="memory://", clock=clock):
        assert len(clock._watched) == 1
    assert clock._watched == []


def test_moments_are_exact_and_aware() -> None:
    moment = datetime(2026, 3, 29, 1, 2, 3, 456789, tzinfo=UTC)
    assert from_us(to_us(moment)) == moment
    assert to_us(moment.astimezone()) == to_us(moment)
    with pytest.raises(ValueError, match="has no time zone"):
        to_us(datetime(2026, 1, 1))  # noqa: DTZ001 - that it is naive is the point


def test_the_machines_clock_goes_on() -> None:
    clock = SystemClock()
    assert abs(clock.now_us() - to_us(datetime.now(UTC))) < 60_000_000
    assert clock.monotonic() <= clock.monotonic()
