"""Backfills over a change of the clocks and over crashes, and what is told of them afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from engine_kit import START, Kit, KitClock, World, at, check, running
from explain_kit import kinds, why

from schedtui import Group, current_run
from schedtui.models import RunState, Source

OK, MISSED, QUEUED = RunState.SUCCEEDED, RunState.MISSED, RunState.QUEUED
WHEN = ("before", "after", "commit", "committed")
POINTS = [("memory", when) for when in WHEN] + [("sqlite", when) for when in WHEN[2:]]


class Line:
    """Runs one after the other; which due times have begun."""

    def __init__(self, **declared: object) -> None:
        self.begun: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.group = Group("g")
        self.group.job(**({"every": 3_600} | declared), name="work")(self.work)  # type: ignore[arg-type]  # words of all kinds

    async def work(self) -> None:
        due = current_run().scheduled_for
        self.begun.append(0.0 if due is None else (due - START).total_seconds())
        await self.gate.wait()


async def idle(kit: Kit) -> None:
    await kit.until(lambda: not any(live.active for live in kit.running.core.jobs))
    await kit.clock.settle()


def hours(first: int, last: int) -> list[float]:
    return [3_600.0 * n for n in range(first, last)]


@pytest.mark.parametrize(("world", "when"), POINTS, indirect=["world"])
async def test_a_kill_at_the_write_leaves_all_of_it_or_nothing(world: World, when: str) -> None:
    line = Line()
    kit = await Kit([line.group], world=world).start()
    kit.faults.crash("insert_backfill", when)
    asking = asyncio.ensure_future(kit.engine.backfill_job("g/work", at(-36_000), START))
    await kit.until(lambda: kit.store.dead)
    clock = KitClock(await kit.crash())
    after = await Kit([line.group], world=world, clock=clock).start()
    asking.cancel()
    await asyncio.wait([asking])
    await idle(after)
    expected = hours(-10, 0) if when == "committed" else []
    assert line.begun == expected
    answer = await after.engine.backfill_job("g/work", at(-36_000), START)
    await idle(after)
    assert (answer.queued, answer.backfilled) == (10 - len(expected), len(expected))
    assert line.begun == hours(-10, 0)
    await check(after, effects=line.begun)
    await after.stop()


async def test_a_kill_among_the_runs_loses_none_and_repeats_none(world: World) -> None:
    line = Line()
    line.gate.clear()
    kit = await Kit([line.group], world=world).start()
    await kit.engine.backfill_job("g/work", at(-36_000), START, kwargs={})
    await kit.until(lambda: bool(line.begun))
    clock = KitClock(await kit.crash())
    line.gate.set()
    after = await Kit([line.group], world=world, clock=clock).start()
    await idle(after)
    assert line.begun == hours(-10, 0)
    rows = await after.rows()
    assert [run.state for run in rows] == [RunState.LOST] + [OK] * 9
    answer = await after.engine.backfill_job("g/work", at(-36_000), START)
    await idle(after)
    assert (answer.queued, answer.backfilled) == (1, 9), "what was lost may be asked for again"
    assert line.begun[10:] == hours(-10, -9)
    await after.stop()


async def test_after_a_restart_the_schedule_still_goes_first(world: World) -> None:
    line = Line(every=10)
    line.gate.clear()
    kit = await Kit([line.group], world=world).start()
    await kit.engine.backfill_job("g/work", at(-40), START)
    await kit.until(lambda: bool(line.begun))
    clock = KitClock(await kit.crash())
    line.begun.clear()
    async with running(line.group, world=world, clock=clock) as after:
        await after.until(lambda: bool(line.begun))
        await after.clock.advance(11)
        line.gate.set()
        await idle(after)
        assert line.begun == [-30, 10, -20, -10]


MARCH, OCTOBER = datetime(2026, 4, 2, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)


def moments(texts: str) -> Iterator[datetime]:
    return (datetime.fromisoformat(f"2026-{text}:00+00:00") for text in texts.split())


@pytest.mark.parametrize(
    ("cron", "now", "start", "end", "found", "first"),
    [
        ("30 2 * * *", MARCH, "03-28", "03-31", 3, "03-28T01:30 03-29T01:00 03-30T00:30"),
        ("30 2 * * *", OCTOBER, "10-24", "10-27", 3, "10-24T00:30 10-25T00:30 10-26T01:30"),
        ("0 * * * *", MARCH, "03-29", "03-30", 23, "03-28T23:00 03-29T00:00 03-29T01:00"),
        ("0 * * * *", OCTOBER, "10-25", "10-26", 25, "10-24T22:00 10-24T23:00 10-25T00:00"),
        ("0 * * * *", OCTOBER, "10-25 2:00", "10-25 3:00", 2, "10-25T00:00 10-25T01:00"),
    ],
)  # fmt: skip
async def test_a_day_on_which_the_clocks_change_has_each_of_its_due_times(
    world: World, cron: str, now: datetime, start: str, end: str, found: int, first: str
) -> None:
    line = Line(every=None, cron=cron, timezone="Europe/Berlin")
    async with running(line.group, world=world, clock=KitClock(now)) as kit:
        answer = await kit.engine.backfill_job("g/work", f"2026-{start}", f"2026-{end}")
        await idle(kit)
        assert answer.found == len(line.begun) == found
        expected = list(moments(first))
        assert [one.at for one in answer.first][: len(expected)] == expected
        rows = await kit.rows()
        assert [run.scheduled_for for run in rows][: len(expected)] == expected


async def test_a_missed_due_time_tells_of_the_run_that_made_it_good(world: World) -> None:
    line = Line(every=100)
    async with running(line.group, world=world) as kit:
        kit.clock.step(400)
        await kit.clock.settle()
        before = await why(kit, at(200))
        await kit.engine.backfill_job("g/work", at(101), at(201))
        await idle(kit)
        told = await why(kit, at(200))
        assert not before.ran
        assert (told.ran, told.state) == (True, MISSED)
        assert "did not run for 2026-03-02 12:03:20 UTC: found " in told.summary
        assert told.summary.endswith(
            "; backfill run 5 started at 2026-03-02 12:06:40 UTC and succeeded after 0 s, "
            "asked for by python."
        )
        assert told.runs == (2, 5)
        rest = [kind for kind in kinds(told) if kind != "backfill"]
        assert rest == kinds(before)
        assert kinds(told).count("backfill") == 1


async def test_a_due_time_before_the_jobs_creation_is_explained_by_its_backfill(
    world: World,
) -> None:
    line = Line()
    line.gate.clear()
    async with running(line.group, world=world) as kit:
        await kit.engine.backfill_job("g/work", at(-7_200), START)
        await kit.until(lambda: bool(line.begun))
        told = await why(kit, at(-3_600))
        assert (told.ran, told.state) == (False, None)
        assert kinds(told)[:2] == ["not_created", "backfill"]
        assert "backfill run 2 is queued, asked for by python" in told.summary
        now = await why(kit, START)
        assert "a backfill was asked for by python: run 1 and others" in [
            fact.text for fact in now.facts
        ]
        line.gate.set()


async def test_it_is_left_in_the_audit_trail(world: World) -> None:
    line = Line()
    async with running(line.group, world=world) as kit:
        await kit.client.backfill_job("g/work", at(-7_200), START)
        await idle(kit)
        event = (await kit.client.audit(limit=1)).items[0]
        assert (event.action, event.object, event.actor) == ("job.backfill", "g/work", "local")
        assert event.detail == {
            "job_id": 1,
            "from": "2026-03-02T10:00:00Z",
            "to": "2026-03-02T12:00:00Z",
            "queued": 2,
            "runs": [1, 2],
        }
        assert {(run.source, run.actor) for run in await kit.rows()} == {(Source.BACKFILL, "local")}
