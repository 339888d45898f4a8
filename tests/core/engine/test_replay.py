"""Dead letters are run once more behind everything else, all of them or none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_kit import Kit, KitClock, World, check, running
from once_kit import Guarded

from schedtui import Every, Group
from schedtui.engine.runs import replay
from schedtui.errors import InvalidArgumentsError, InvalidError, StoreUnavailableError
from schedtui.models import JobPatch, RunFilter, RunState, Source

FAILED, OK, QUEUED = RunState.FAILED, RunState.SUCCEEDED, RunState.QUEUED
ALL = RunFilter(group="g")


class Fragile:
    """A job that is due each ten seconds, fails while it is broken, and ends when it may."""

    def __init__(self, **policies: object) -> None:
        self.group = Group("g")
        self.broken = True
        self.kwargs: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.group.job(every=10, name="work", kwargs={"n": 7}, **policies)(self.work)  # type: ignore[arg-type]  # policies by name

    async def work(self, n: int = 1) -> None:
        if self.broken:
            raise OSError("no")
        self.kwargs.append(n)
        await self.gate.wait()


async def test_replays_wait_behind_and_keep_no_due_time_from_its_turn() -> None:
    jobs = Fragile()
    async with running(jobs.group) as kit:
        await kit.clock.advance(30)
        jobs.broken = False
        jobs.gate.clear()

        answer = await kit.engine.replay_runs(ALL)
        await kit.clock.settle()
        await kit.clock.advance(10)  # a due time comes while one of them runs
        jobs.gate.set()
        await kit.clock.settle()

        assert (answer.found, answer.done) == (3, 3)
        rows = await kit.rows()
        assert [(run.source, run.state, run.parent_id) for run in rows[3:]] == [
            (Source.RERUN, OK, 1),
            (Source.RERUN, OK, 2),
            (Source.RERUN, OK, 3),
            (Source.SCHEDULE, OK, None),
        ]
        assert [run.handled for run in rows[:3]] == [
            f"replayed by python: run {run.id}" for run in rows[3:6]
        ]
        assert jobs.kwargs == [7] * 4
        await check(kit)


async def test_what_is_queued_is_there_after_a_crash(tmp_path: object) -> None:
    jobs, world = Fragile(), World("memory", tmp_path)  # type: ignore[arg-type]  # needs none
    kit = await Kit([jobs.group], world=world).start()
    await kit.clock.advance(20)
    jobs.broken = False
    jobs.gate.clear()
    await kit.engine.pause_engine()
    await kit.engine.replay_runs(ALL)
    await kit.clock.settle()

    kit = await Kit([jobs.group], world=world, clock=KitClock(await kit.crash())).start()
    jobs.gate.set()
    await kit.clock.settle()

    rows = await kit.rows()
    assert [(run.state, run.parent_id) for run in rows if run.source is Source.RERUN] == [
        (RunState.LOST, 1),
        (OK, 2),
    ]
    live = next(iter(kit.running.core.jobs))
    assert (live.active, live.backfills) == (0, 0)
    assert [run.id for run in (await kit.client.runs(RunFilter(dead=True))).items] == [rows[2].id]
    await kit.stop()


async def test_where_the_store_refuses_nothing_is_replayed() -> None:
    jobs = Fragile()
    async with running(jobs.group) as kit:
        await kit.clock.advance(20)
        await kit.engine.pause_engine()
        kit.faults.down = True
        with pytest.raises(StoreUnavailableError):
            await kit.engine.replay_runs([1, 2])
        kit.faults.down = False
        live = next(iter(kit.running.core.jobs))
        assert (live.active, live.backfills, live.rivals) == (0, 0, 0)
        assert (await kit.client.runs(RunFilter(dead=True))).items[0].id == 2
        jobs.broken = False
        answer = await kit.engine.replay_runs([2, 1])
        await kit.clock.settle()
        assert [one.run for one in answer.letters] == [2, 1]
        assert [run.state for run in await kit.rows()][2:] == [OK, OK]


async def test_a_period_that_succeeded_is_not_replayed() -> None:
    jobs = Guarded()
    async with running(jobs.group) as kit:
        jobs.fails = True
        await kit.clock.advance(20)
        jobs.fails = False
        await kit.clock.advance(10)
        dry = await kit.engine.replay_runs(ALL, dry_run=True)
        answer = await kit.engine.replay_runs(ALL)

        assert dry == answer.__class__(
            found=answer.found, done=answer.done, dry_run=True, letters=dry.letters
        )
        assert (answer.found, answer.done) == (2, 0)
        assert {one.problem.partition(": ")[2] for one in answer.letters} == {"run 3 succeeded"}
        assert len((await kit.client.runs(RunFilter(dead=True))).items) == 2


async def test_two_of_one_period_are_not_run_both() -> None:
    jobs = Guarded("%Y")
    async with running(jobs.group) as kit:
        jobs.fails = True
        await kit.clock.advance(20)
        jobs.fails = False
        await kit.engine.pause_engine()

        dry = await kit.engine.replay_runs(ALL, dry_run=True)
        answer = await kit.engine.replay_runs(ALL)
        await kit.clock.settle()

        assert (dry.done, answer.done) == (1, 1)
        assert [one.done for one in answer.letters] == [True, False]
        assert len(jobs.done) == 1


async def test_a_period_that_succeeded_keeps_no_other_one_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of many pages that cannot be replayed so many are told, and what can be is found."""
    monkeypatch.setattr(replay, "PAGE", 2)
    monkeypatch.setattr(replay, "MAX_LETTERS", 4)
    jobs = Guarded("%Y")

    @jobs.group.function()
    async def broken() -> None:
        raise OSError("no")

    async with running(jobs.group) as kit:
        jobs.fails = True
        await kit.clock.advance(60)
        jobs.fails = False
        await kit.clock.advance(10)
        direct = await kit.engine.run_function("g/broken")
        await kit.clock.settle()

        answer = await kit.engine.replay_runs(ALL, limit=1)

        assert (answer.found, answer.done, answer.left) == (7, 1, 0)
        assert [one.run for one in answer.letters] == [1, 2, 3, 4, direct.id]


async def test_arguments_that_do_not_fit_any_more_are_told() -> None:
    group = Group("g")

    @group.function()
    async def old(n: int) -> None:
        raise OSError(n)

    @group.function()
    async def new(text: str) -> None:
        raise OSError(text)

    async with running(group) as kit:
        job = await kit.engine.create_job(function="g/old", kwargs={"n": 3}, trigger=Every(3_600))
        await kit.engine.trigger_job(job.full_name)
        await kit.clock.settle()
        patch = JobPatch(function="g/new", kwargs={"text": "x"})
        await kit.engine.edit_job(job.full_name, patch)

        answer = await kit.engine.replay_runs([1])

        assert (answer.done, len(await kit.rows())) == (0, 1)
        assert "text" in answer.letters[0].problem
        with pytest.raises(InvalidArgumentsError):
            await kit.engine.rerun(1)


@pytest.mark.parametrize(
    "which", ["abc", b"1", None, 5, ["x"], [None], [1.5], (True,), {1: 2}, iter([1]), [[1]]]
)
async def test_what_is_no_id_is_refused(which: Any) -> None:
    async with running(Fragile().group) as kit:
        await kit.clock.advance(10)
        for call in (kit.engine.replay_runs, kit.engine.dismiss_runs):
            with pytest.raises(InvalidError, match="runs: got "):
                await call(which)


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"limit": "1"}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": None}, "limit"),
        ({"note": None}, "note"),
        ({"note": 7}, "note"),
        ({"groups": "g"}, "groups"),
        ({"groups": [None]}, "groups"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_name(wrong: Any, names: str) -> None:
    async with running(Fragile().group) as kit:
        with pytest.raises(InvalidError, match=f"{names}: got "):
            await kit.engine.dismiss_runs([1], **wrong)


async def test_a_rerun_that_is_skipped_leaves_the_dead_letter() -> None:
    jobs = Fragile()
    async with running(jobs.group) as kit:
        await kit.clock.advance(10)
        jobs.broken = False
        jobs.gate.clear()
        await kit.engine.trigger_job("g/work")
        await kit.clock.settle()
        again = await kit.engine.rerun(1)

        assert again.state is RunState.SKIPPED
        assert [run.id for run in (await kit.client.runs(RunFilter(dead=True))).items] == [1]
        jobs.gate.set()
        await kit.clock.settle()
        await kit.engine.rerun(1)
        assert (await kit.client.run(1)).handled == "replayed by python: run 4"


async def test_a_replay_that_waits_can_be_cancelled_and_is_no_backfill() -> None:
    jobs = Fragile()
    async with running(jobs.group) as kit:
        await kit.clock.advance(20)
        jobs.broken = False
        jobs.gate.clear()
        await kit.engine.pause_engine()
        answer = await kit.engine.replay_runs(ALL)
        await kit.clock.settle()
        last = answer.letters[1].new_run or 0

        assert (await kit.client.run(last)).state is QUEUED
        assert await kit.engine.cancel_backfill("g/work") == 0
        await kit.engine.cancel_run(last)
        assert (await kit.client.run(last)).state is RunState.CANCELLED
        live = next(iter(kit.running.core.jobs))
        assert (live.active, live.backfills) == (1, 1)
        jobs.gate.set()
