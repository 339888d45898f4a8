"""Runs for due times of the past, on a real engine and both stores."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_kit import START, Kit, World, at, check, due_s, running

from schedtui import Group, Never, current_run
from schedtui.clock import from_us
from schedtui.errors import ConflictError, InvalidError
from schedtui.models import Overlap, RunFilter, RunState, Source, WaitReason

OK, FAILED, MISSED = RunState.SUCCEEDED, RunState.FAILED, RunState.MISSED
QUEUED, RUNNING, SKIPPED = RunState.QUEUED, RunState.RUNNING, RunState.SKIPPED


class Reports:
    """A job every ten seconds; what it did, and for which due time."""

    def __init__(self, **policies: Any) -> None:
        self.group = Group("g")
        self.done: list[tuple[Source, float | None]] = []
        self.kwargs: list[str] = []
        self.failing = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.now = self.most = 0
        self.group.job(every=10, name="work", **policies)(self.work)

    async def work(self, what: str = "all") -> None:
        run = current_run()
        due = run.scheduled_for
        self.done.append((run.source, None if due is None else (due - START).total_seconds()))
        self.kwargs.append(what)
        self.now += 1
        self.most = max(self.most, self.now)
        await self.gate.wait()
        self.now -= 1
        if self.failing:
            raise ValueError("not now")

    def backfilled(self) -> list[float]:
        return [due or 0.0 for source, due in self.done if source is Source.BACKFILL]


async def drained(kit: Kit) -> None:
    """Every run has ended, and its end is written."""
    await kit.until(lambda: not any(live.active for live in kit.running.core.jobs))
    await kit.clock.settle()


async def test_every_due_time_of_the_range_runs_once_oldest_first(world: World) -> None:
    reports = Reports()
    async with running(reports.group, world=world) as kit:
        answer = await kit.engine.backfill_job("g/work", at(-50), at(-10))
        await drained(kit)
        assert (answer.found, answer.queued, answer.dry_run) == (4, 4, False)
        assert reports.backfilled() == [-50, -40, -30, -20]
        rows = await kit.rows()
        assert [(run.source, run.state, due_s(run)) for run in rows] == [
            (Source.BACKFILL, OK, due) for due in (-50, -40, -30, -20)
        ]
        assert answer.runs == tuple(run.id for run in rows)
        assert [one.at for one in answer.first] == [at(-50), at(-40), at(-30), at(-20)]
        assert answer.last == ()
        assert {run.parent_id for run in rows} == {None}
        assert reports.most == 1, "they wait for each other although overlap is skip"


async def test_a_due_time_is_not_run_twice_by_two_backfills(world: World) -> None:
    reports = Reports()
    async with running(reports.group, world=world) as kit:
        await kit.engine.backfill_job("g/work", at(-50), at(-20))
        await drained(kit)
        reports.gate.clear()
        both = await asyncio.gather(
            kit.engine.backfill_job("g/work", at(-60), at(-10)),
            kit.engine.backfill_job("g/work", at(-70), at(-10), again=True),
        )
        assert [(one.found, one.queued, one.backfilled) for one in both] == [(5, 2, 3), (6, 1, 5)]
        reports.gate.set()
        await drained(kit)
        assert sorted(reports.backfilled()) == [-70, -60, -50, -40, -30, -20]


async def test_of_each_period_one_due_time_is_run(world: World) -> None:
    reports = Reports(run_once_key="%H:%M")
    async with running(reports.group, world=world) as kit:
        first = await kit.engine.backfill_job("g/work", at(-120), at(-30))
        await drained(kit)
        assert (first.found, first.queued, first.once) == (9, 2, 7)
        assert reports.backfilled() == [-120, -60], "the oldest of each minute"

        again = await kit.engine.backfill_job("g/work", at(-180), at(0))
        await drained(kit)
        assert (again.found, again.queued, again.backfilled, again.once) == (18, 1, 2, 15)
        assert reports.backfilled() == [-120, -60, -180]


async def test_what_failed_runs_and_what_succeeded_is_left_out_unless_asked_for(
    world: World,
) -> None:
    reports = Reports()
    async with running(reports.group, world=world) as kit:
        reports.failing = True
        await kit.clock.advance(11)
        reports.failing = False
        await kit.clock.advance(10)
        first = await kit.engine.backfill_job("g/work", at(1), at(30))
        await drained(kit)
        assert (first.found, first.queued, first.succeeded) == (2, 1, 1)
        again = await kit.engine.backfill_job("g/work", at(1), at(30), again=True)
        await drained(kit)
        assert (again.queued, again.backfilled, again.succeeded) == (1, 1, 0)
        rows = await kit.rows()
        told = [(run.source, run.state, due_s(run), run.parent_id, run.reason) for run in rows]
        assert told == [
            (Source.SCHEDULE, FAILED, 10, None, "backfilled by run 3"),
            (Source.SCHEDULE, OK, 20, None, "backfilled by run 4"),
            (Source.BACKFILL, OK, 10, 1, ""),
            (Source.BACKFILL, OK, 20, 2, ""),
        ]
        await check(kit, effects=reports.done)


async def test_a_backfill_that_failed_may_be_repeated(world: World) -> None:
    reports = Reports()
    reports.failing = True
    async with running(reports.group, world=world) as kit:
        await kit.engine.backfill_job("g/work", at(-20), at(-10))
        await drained(kit)
        reports.failing = False
        answer = await kit.engine.backfill_job("g/work", at(-20), at(-10))
        await drained(kit)
        assert answer.queued == 1
        assert [run.state for run in await kit.rows()] == [FAILED, OK]


async def test_missed_rows_are_kept_and_gain_the_run_also_those_in_one_stretch(
    world: World,
) -> None:
    reports = Reports(overlap=Overlap.ALLOW)
    async with running(reports.group, world=world) as kit:
        kit.clock.step(2_000)
        await kit.clock.settle()
        missed = [run for run in await kit.rows() if run.state is MISSED]
        stretch = next(run for run in missed if run.range_count)
        answer = await kit.engine.backfill_job("g/work", at(1), at(1_935), limit=193)
        await drained(kit)
        assert answer.queued == len(reports.backfilled()) == 193
        rows = {run.id: run for run in await kit.rows()}
        assert rows[stretch.id].state is MISSED
        made = [run for run in rows.values() if run.parent_id == stretch.id]
        assert len(made) == stretch.range_count
        last = f"backfilled by runs {made[0].id} to {made[-1].id}"
        assert rows[stretch.id].reason.endswith(f"; {last}")
        single = next(run for run in missed if due_s(run) == 1_930)
        assert rows[single.id].reason.endswith(f"; backfilled by run {max(answer.runs) + 93}")
        await check(kit, effects=reports.done)


async def test_what_is_active_or_still_to_come_is_left_to_its_schedule(world: World) -> None:
    reports = Reports()
    reports.gate.clear()
    async with running(reports.group, world=world) as kit:
        await kit.clock.advance(11)
        answer = await kit.engine.backfill_job("g/work", at(5), at(1_000))
        assert (answer.found, answer.queued, answer.active) == (1, 0, 1)
        assert answer.end == from_us(kit.clock.now_us() + 1)
        reports.gate.set()
        await kit.clock.advance(10)
        assert reports.done == [(Source.SCHEDULE, 10), (Source.SCHEDULE, 20)]


async def test_more_than_the_limit_is_refused_with_the_number_and_writes_nothing(
    world: World,
) -> None:
    reports = Reports()
    async with running(reports.group, world=world) as kit:
        with pytest.raises(
            InvalidError, match=r"got 1,000; .* has 3,153,600 due times, and 10,000"
        ):
            await kit.engine.backfill_job("g/work", at(-31_536_000), START)
        with pytest.raises(InvalidError, match=r"got 5; .* has 6 due times \(or 6\); nothing"):
            await kit.engine.backfill_job("g/work", at(-60), START, limit=5)
        for limit in (0, 10_001):
            with pytest.raises(InvalidError, match=r"limit: .* 1 to 10,000"):
                await kit.engine.backfill_job("g/work", at(-60), START, limit=limit)
        assert await kit.rows() == []


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (at(-10), at(-10), "end"),
        (at(-10), at(-20), "end"),
        (at(10), at(20), "start"),
        (at(1), None, "start"),
        (START.replace(tzinfo=None), None, "start"),
        (at(-9), START.replace(tzinfo=None), "end"),
        ("next year", None, "start"),
    ],
)
async def test_a_range_that_cannot_be_is_refused(start: Any, end: Any, field: str) -> None:
    async with running(Reports().group) as kit:
        with pytest.raises(InvalidError) as caught:
            await kit.engine.backfill_job("g/work", start, end)
        assert [error.field for error in caught.value.errors] == [field]
        assert await kit.rows() == []


async def test_a_range_without_a_due_time_says_so(world: World) -> None:
    async with running(Reports().group, world=world) as kit:
        answer = await kit.engine.backfill_job("g/work", at(-9), at(-1))
        assert (answer.found, answer.queued, answer.runs) == (0, 0, ())
        assert await kit.rows() == []


async def test_a_dry_run_tells_the_same_and_writes_nothing(world: World) -> None:
    reports = Reports()
    async with running(reports.group, world=world) as kit:
        dry = await kit.engine.backfill_job("g/work", at(-200), at(-10), dry_run=True)
        assert (dry.found, dry.queued, dry.dry_run, dry.runs) == (19, 19, True, ())
        assert [one.at for one in dry.first] == [at(-200 + 10 * n) for n in range(5)]
        assert [one.at for one in dry.last] == [at(-60 + 10 * n) for n in range(5)]
        assert await kit.rows() == []
        assert reports.done == []


async def test_jobs_that_cannot_be_backfilled_say_why(world: World) -> None:
    reports = Reports()
    reports.group.job(trigger=Never(), name="by-hand")(reports.work)
    async with running(reports.group, world=world) as kit:
        with pytest.raises(ConflictError, match=r"by-hand cannot be backfilled: it has no sched"):
            await kit.engine.backfill_job("g/by-hand", at(-60))
        live = kit.running.core.jobs.named("g/work")
        live.problem = "its trigger failed: KeyError"
        with pytest.raises(ConflictError, match=r"it is broken: its trigger failed: KeyError"):
            await kit.engine.backfill_job("g/work", at(-60))
    async with running(Group("g"), world=world) as kit:
        with pytest.raises(ConflictError, match="orphaned"):
            await kit.engine.backfill_job("g/work", at(-60))
        assert await kit.rows() == []


async def test_a_paused_job_is_backfilled_as_it_is_triggered(world: World) -> None:
    reports = Reports()
    async with running(reports.group, world=world) as kit:
        await kit.engine.pause_job("g/work")
        await kit.clock.advance(25)
        answer = await kit.engine.backfill_job("g/work", at(1))
        await drained(kit)
        assert answer.queued == 2
        assert reports.backfilled() == [10, 20]
        await kit.engine.resume_job("g/work")
        await kit.clock.advance(1)
        told = await kit.told()
        assert told[2:] == [(Source.SCHEDULE, SKIPPED, 10), (Source.SCHEDULE, SKIPPED, 20)]
        await check(kit, effects=reports.done)


async def test_arguments_are_the_jobs_and_may_be_replaced(world: World) -> None:
    reports = Reports(kwargs={"what": "mail"})
    async with running(reports.group, world=world) as kit:
        await kit.engine.backfill_job("g/work", at(-20), at(-10))
        await kit.engine.backfill_job("g/work", at(-10), START, kwargs={"what": "fax"})
        await drained(kit)
        assert reports.kwargs == ["mail", "fax"]
        with pytest.raises(InvalidError):
            await kit.engine.backfill_job("g/work", at(-60), kwargs={"which": 1})
        assert len(await kit.rows()) == 2


async def test_all_waiting_backfills_are_cancelled_by_one_command(world: World) -> None:
    reports = Reports()
    reports.gate.clear()
    async with running(reports.group, world=world) as kit:
        answer = await kit.engine.backfill_job("g/work", at(-1_000), START)
        await kit.clock.settle()
        one = answer.runs[50]
        await kit.engine.cancel_run(one)
        await kit.clock.settle()
        assert await kit.engine.cancel_backfill("g/work", reason="wrong day") == 98
        assert await kit.engine.cancel_backfill("g/work") == 0
        reports.gate.set()
        await kit.clock.advance(11)
        assert reports.done == [(Source.BACKFILL, -1_000), (Source.SCHEDULE, 10)]
        rows = {run.id: run for run in await kit.rows()}
        assert rows[answer.runs[7]].state is RunState.CANCELLED
        assert rows[answer.runs[7]].reason == "backfill cancelled by python: wrong day"
        live = kit.running.core.jobs.named("g/work")
        assert (live.active, live.backfills, live.holders, live.running) == (0, 0, 0, {})
        events = (await kit.client.audit(limit=3)).items
        assert [event.action for event in events][:2] == ["job.backfill_cancel"] * 2
        assert events[1].detail == {"cancelled": 98, "reason": "wrong day"}


async def test_a_deleted_job_takes_its_waiting_backfills_with_it(world: World) -> None:
    reports = Reports()
    reports.gate.clear()
    async with running(reports.group, world=world) as kit:
        job = await kit.engine.create_job(
            function="g/work", name="mine", trigger={"type": "every", "seconds": 10}
        )
        await kit.engine.backfill_job("g/mine", at(-30), START)
        await kit.clock.settle()
        await kit.engine.remove_job("g/mine")
        reports.gate.set()
        await drained(kit)
        page = await kit.client.runs(RunFilter(job_id=job.id))
        assert [run.state for run in page.items[::-1]] == [OK] + [RunState.CANCELLED] * 2


async def test_ten_thousand_at_most_and_none_is_lost(world: World) -> None:
    reports = Reports(overlap=Overlap.ALLOW)
    async with running(reports.group, world=world) as kit:
        answer = await kit.engine.backfill_job("g/work", at(-20_000), START, limit=2_000)
        assert (answer.queued, len(answer.runs)) == (2_000, 100)
        await drained(kit)
        assert sorted(reports.backfilled()) == [-20_000 + 10 * n for n in range(2_000)]


async def test_they_wait_in_rows(world: World) -> None:
    reports = Reports(start_within_s=5)
    reports.gate.clear()
    async with running(reports.group, world=world) as kit:
        await kit.engine.backfill_job("g/work", at(-30), START)
        await kit.clock.advance(8)
        rows = await kit.rows()
        assert [(run.state, run.wait_reason) for run in rows] == [
            (RUNNING, None),
            (QUEUED, WaitReason.OVERLAP),
            (QUEUED, WaitReason.OVERLAP),
        ], "start_within_s is not for them"
        reports.gate.set()
        await drained(kit)
        assert reports.backfilled() == [-30, -20, -10]
