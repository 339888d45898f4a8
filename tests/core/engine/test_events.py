"""What watchers are told, and clients of other event loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from engine_kit import Kit, running

from schedtui import Group, progress
from schedtui.client.local import LocalClient
from schedtui.engine import events
from schedtui.engine.events import MAX_REMOVED, SLICE, Hub
from schedtui.errors import EngineStoppedError, EventGapError, InvalidError
from schedtui.models import Changes, Health, JobPatch, RunState

EVERY_10 = {"type": "every", "seconds": 10}


def functions() -> Group:
    group = Group("g")

    @group.function()
    async def work() -> None:
        progress(0.5, text="half")

    return group


async def next_changes(kit: Kit, cursor: str) -> Changes:
    async with asyncio.timeout(10):
        return await kit.running.core.hub.after(cursor)


async def test_a_burst_of_changes_to_a_job_is_one_row_with_its_newest_state() -> None:
    async with running(functions()) as kit:
        await kit.engine.create_job(function="g/work", trigger=EVERY_10)
        snapshot = await kit.client.snapshot()
        assert [job.full_name for job in snapshot.jobs] == ["g/work"]
        for n in range(5):
            await kit.client.edit_job("g/work", JobPatch(description=str(n)))
        changes = await next_changes(kit, snapshot.cursor)
        (row,) = changes.jobs
        assert (row.description, row.version) == ("4", 6)
        assert changes.engine is None
        assert changes.removed == ()


async def test_nothing_is_told_twice_and_nothing_is_left_out() -> None:
    async with running(functions()) as kit:
        await kit.engine.create_job(function="g/work", trigger=EVERY_10)
        cursor = (await kit.client.snapshot()).cursor
        told: list[tuple[int, RunState]] = []

        async def watch() -> None:
            nonlocal cursor
            while True:
                changes = await next_changes(kit, cursor)
                cursor = changes.cursor
                told.extend((run.id, run.state) for run in changes.runs)

        watching = asyncio.ensure_future(watch())
        await kit.clock.advance(50)
        watching.cancel()
        await asyncio.wait([watching])
        assert told == [
            (run_id, state)
            for run_id in range(1, 6)
            for state in (RunState.RUNNING, RunState.SUCCEEDED)
        ]


async def test_a_removed_job_is_told_and_its_successor_is_another_one() -> None:
    async with running(functions()) as kit:
        old = await kit.engine.create_job(function="g/work", trigger=EVERY_10)
        cursor = (await kit.client.snapshot()).cursor
        await kit.client.delete_job("g/work")
        new = await kit.engine.create_job(function="g/work", trigger=EVERY_10)
        changes = await next_changes(kit, cursor)
        assert changes.removed == (old.id,)
        assert [row.id for row in changes.jobs] == [new.id]


async def test_a_run_that_ends_after_its_job_was_deleted_is_told_without_the_job() -> None:
    group = Group("g")
    gate = asyncio.Event()

    @group.function()
    async def work() -> None:
        await gate.wait()

    async with running(group) as kit:
        await kit.engine.create_job(function="g/work", trigger=EVERY_10)
        await kit.clock.advance(10)
        await kit.client.delete_job("g/work")
        cursor = kit.running.core.hub.cursor
        gate.set()
        await kit.clock.settle()
        changes = await next_changes(kit, cursor)
        assert changes.jobs == ()
        assert [run.state for run in changes.runs] == [RunState.SUCCEEDED]


async def test_a_change_of_health_is_told() -> None:
    async with running(functions()) as kit:
        cursor = kit.running.core.hub.cursor
        kit.faults.down = True
        await kit.clock.advance(6)
        changes = await next_changes(kit, cursor)
        assert changes.engine is not None
        assert changes.engine.health is Health.DEGRADED
        kit.faults.down = False
        changes = await next_changes(kit, changes.cursor)
        assert changes.engine is not None
        assert changes.engine.health is Health.OK


@pytest.mark.parametrize(
    "cursor", ["", ":", "x", "0", "another:0", "{boot}:99", "{boot}:-1", "{boot}:", "{boot}:1e3"]
)
async def test_a_cursor_that_is_not_known_here_is_a_gap(cursor: str) -> None:
    async with running(functions()) as kit:
        with pytest.raises(EventGapError, match="take a snapshot"):
            await next_changes(kit, cursor.replace("{boot}", kit.running.boot))


async def test_the_cursor_of_an_earlier_boot_is_a_gap() -> None:
    kit = await Kit([functions()]).start()
    cursor = (await kit.client.snapshot()).cursor
    await kit.stop()
    again = await Kit([functions()]).start()
    with pytest.raises(EventGapError):
        await next_changes(again, cursor)
    await again.stop()


async def test_a_watcher_that_was_away_while_very_much_was_removed_is_told_of_the_gap() -> None:
    nothing: Any = lambda *_: None  # noqa: E731 - one double for both
    hub = Hub("b", summary=nothing, info=nothing, group=nothing)
    start = hub.cursor
    for number in range(MAX_REMOVED):
        hub.removed(number, "odd")
    assert len((await hub.after(start)).removed) == MAX_REMOVED
    hub.removed(MAX_REMOVED, "odd")
    with pytest.raises(EventGapError):
        await hub.after(start)
    assert len((await hub.after("b:1")).removed) == MAX_REMOVED


def table(count: int, made: list[int]) -> Hub:
    """A hub with ``count`` jobs, all changed; notes of which one a row was made."""

    def summary(job_id: int) -> Any:
        made.append(job_id)
        return job_id

    def group(job_id: int) -> str | None:
        return "odd" if job_id % 2 else "even"

    nothing: Any = lambda: None  # noqa: E731 - a double
    hub = Hub("b", summary=summary, info=nothing, group=group)
    for number in range(count):
        hub.job(number)
    return hub


async def test_rows_are_made_in_slices_and_what_changes_meanwhile_comes_again() -> None:
    made: list[int] = []
    hub = table(3 * SLICE, made)
    asking = asyncio.ensure_future(hub.after("b:0"))
    for _ in range(2):
        await asyncio.sleep(0)
    assert len(made) == SLICE, "others have had the loop in between"
    hub.job(0)
    hub.removed(3 * SLICE - 1, "odd")
    changes = await asking
    assert len(changes.jobs) == 3 * SLICE
    assert changes.cursor == f"b:{3 * SLICE}"
    assert changes.removed == ()
    then = await hub.after(changes.cursor)
    assert list(map(str, then.jobs)) == ["0"]
    assert then.removed == (3 * SLICE - 1,)


async def test_a_watcher_of_some_groups_costs_what_is_of_them() -> None:
    made: list[int] = []
    hub = table(10, made)
    hub.run(100, 1, RunState.RUNNING, "odd")
    hub.run(200, 2, RunState.RUNNING, "even")
    hub.run(300, 0, RunState.RUNNING, "odd")
    hub.run(400, 0, RunState.RUNNING, "even")
    hub.removed(7, "odd")
    hub.removed(8, "even")
    hub.run(700, 7, RunState.CANCELLED, "odd")

    odd = await hub.after("b:0", frozenset({"odd"}))

    assert sorted(made) == [1, 3, 5, 9]
    assert {str(row) for row in odd.jobs} == {"1", "3", "5", "9"}
    assert (odd.removed, [run.id for run in odd.runs]) == ((7,), [100, 300, 700])
    assert odd.cursor == hub.cursor
    whole = await hub.after("b:0")
    assert (whole.removed, len(whole.jobs), len(whole.runs)) == ((7, 8), 8, 5)
    assert await hub.after("b:0", frozenset({"odd"})) is odd


async def test_watchers_at_one_place_share_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    hub = table(SLICE + 1, made)
    first, second, other = await asyncio.gather(
        hub.after("b:0"), hub.after("b:0"), hub.after("b:1")
    )
    assert first is second
    assert other is not first
    assert len(made) == 2 * SLICE + 1
    hub.job(0)
    assert await hub.after("b:0") is first, "what changed since comes after its cursor"
    assert list(map(str, (await hub.after(first.cursor)).jobs)) == ["0"]
    monkeypatch.setattr(events, "SHARED_S", 0)
    assert await hub.after("b:0") is not first


async def test_a_watcher_that_leaves_does_not_take_the_frame_from_the_others() -> None:
    hub = table(2 * SLICE, [])
    leaves, stays = (asyncio.ensure_future(hub.after("b:0")) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaves.cancel()
    assert len((await stays).jobs) == 2 * SLICE


async def test_the_number_of_paused_jobs_follows_every_change() -> None:
    async with running(functions()) as kit:

        def paused() -> int:
            return kit.running.info().jobs_paused

        for name in ("a", "b"):
            await kit.engine.create_job(
                function="g/work", trigger=EVERY_10, name=name, paused=name == "a"
            )
        assert paused() == 1
        await kit.client.pause_job("g/b")
        await kit.client.pause_job("g/b")
        assert paused() == 2
        await kit.client.edit_job("g/b", JobPatch(name="c"))
        assert paused() == 2
        await kit.client.resume_job("g/c")
        assert paused() == 1
        await kit.client.delete_job("g/a")
        await kit.client.delete_job("g/c")
        assert paused() == 0
        assert (await kit.client.jobs()).items == ()


async def test_a_stop_ends_every_watcher() -> None:
    kit = await Kit([functions()]).start()
    cursor = kit.running.core.hub.cursor
    watchers = [asyncio.ensure_future(next_changes(kit, cursor)) for _ in range(3)]
    stream = asyncio.ensure_future(anext(aiter(kit.client.changes(cursor))))
    await asyncio.sleep(0)
    await kit.stop()
    done = await asyncio.gather(*watchers, stream, return_exceptions=True)
    assert {type(one) for one in done} == {EngineStoppedError}


async def test_a_watcher_that_goes_away_leaves_nothing_behind() -> None:
    async with running(functions()) as kit:
        watching = asyncio.ensure_future(next_changes(kit, kit.running.core.hub.cursor))
        await asyncio.sleep(0)
        watching.cancel()
        await asyncio.wait([watching])
        assert kit.running.core.hub._waiters == []


def elsewhere(use: Callable[[], Coroutine[Any, Any, object]]) -> object:
    """Run a coroutine on an event loop of another thread."""
    found: list[object] = []

    def run() -> None:
        found.append(asyncio.run(use()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert found, "it did not end"
    return found[0]


async def test_a_client_on_another_loop_in_another_thread_sees_and_does_the_same() -> None:
    async with running(functions()) as kit:
        client = LocalClient(kit.engine, actor="other")

        async def use() -> tuple[str, ...]:
            snapshot = await client.snapshot()
            stream = aiter(client.changes(snapshot.cursor))
            job = await kit.engine.create_job(function="g/work", trigger=EVERY_10, actor="other")
            changes = await anext(stream)
            assert [row.id for row in changes.jobs] == [job.id]
            run = await client.trigger_job("g/work")
            pages = [page async for page in client.follow(run.id)]
            assert pages[-1].done
            with pytest.raises(InvalidError):
                await client.preview({"type": "cron", "expression": "x"})
            preview = await client.next_due("g/work", count=3)
            assert len(preview.next) == 3
            assert (await client.info()).jobs == 1
            assert [one.full_name for one in await client.functions()] == ["g/work"]
            assert await client.groups() == ("g",)
            await client.pause_job("g/work")
            await client.resume_job("g/work")
            await client.delete_job("g/work")
            return tuple(event.actor for event in (await client.audit()).items)

        used = asyncio.ensure_future(asyncio.to_thread(elsewhere, use))
        async with asyncio.timeout(20):
            actors = await used
        assert isinstance(actors, tuple)
        assert set(actors) <= {"other", "engine", "code"}
        assert actors.count("other") == 5


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_page_of_nothing_is_refused(limit: int) -> None:
    async with running(functions()) as kit:
        await kit.engine.create_job(function="g/work", trigger=EVERY_10)
        await kit.client.trigger_job("g/work")
        await kit.clock.settle()
        for ask in (kit.client.jobs, kit.client.runs, kit.client.audit):
            with pytest.raises(InvalidError, match="limit"):
                await ask(limit=limit)


async def test_pages_hold_everything_once() -> None:
    async with running(functions()) as kit:
        for _ in range(7):
            await kit.engine.create_job(function="g/work", trigger=EVERY_10)
        await kit.clock.advance(31)

        for ask in (kit.client.jobs, kit.client.runs, kit.client.audit):
            cursor: str | None = None
            ids: list[int] = []
            while True:
                page = await ask(limit=3, cursor=cursor)
                ids += [one.id for one in page.items]
                cursor = page.cursor
                if cursor is None:
                    break
            assert len(ids) == len(set(ids))
            assert len(ids) >= 7
            with pytest.raises(InvalidError, match="cursor"):
                await ask(cursor="x")
