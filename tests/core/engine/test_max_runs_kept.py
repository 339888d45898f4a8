"""A job that has run as often as it is to: what is done to it wakes nothing and writes no rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from engine_kit import Kit, KitClock, World, due_s

from schedtui import Group
from schedtui.models import JobPatch, JobState, Policies, RunState

OK, SKIPPED = RunState.SUCCEEDED, RunState.SKIPPED


class Place:
    """Such a job, and its engine."""

    def __init__(self, folder: Path) -> None:
        self.world = World("sqlite", folder)
        self.kit: Kit

    async def start(self, *, declared: bool = True, max_runs: int = 1, step_s: float = 0) -> None:
        clock = KitClock(await self.kit.crash()) if hasattr(self, "kit") else KitClock()
        clock.step(step_s)
        group = Group("g")

        async def work() -> None: ...

        if declared:
            group.job(every=10, max_runs=max_runs)(work)
        else:
            group.function()(work)
        self.kit = await Kit([group], world=self.world, clock=clock).start()
        await self.kit.clock.advance(15)

    async def stored_as_known(self) -> None:
        live = self.kit.running.core.jobs.named("g/work")
        kept = self.kit.store.inner.job(live.id)
        assert kept is not None
        assert (live.state, kept.next_due) == (JobState.FINISHED, None)
        assert [(due_s(run), run.state) for run in await self.kit.rows()] == [(10, OK)]


Life = Callable[[Place], Awaitable[None]]


async def gone_and_back(place: Place) -> None:
    await place.start(declared=False)
    await place.start()


async def paused_and_resumed(place: Place) -> None:
    await place.kit.client.pause_job("g/work", reason="look")
    await place.kit.clock.advance(20)
    await place.kit.client.resume_job("g/work")


async def described(place: Place) -> None:
    await place.kit.clock.advance(20)
    await place.kit.client.edit_job("g/work", JobPatch(description="mine"))
    await place.kit.client.revert_job("g/work")


async def resumed_by_a_file(place: Place) -> None:
    file = (await place.kit.client.export_jobs()).text
    await place.kit.client.pause_job("g/work", reason="look")
    await place.kit.clock.advance(20)
    await place.kit.client.apply_jobs(file, note="back")


@pytest.mark.parametrize("life", [gone_and_back, paused_and_resumed, described, resumed_by_a_file])
async def test_the_store_holds_what_the_engine_knows(tmp_path: Path, life: Life) -> None:
    place = Place(tmp_path)
    await place.start()
    await life(place)
    await place.stored_as_known()
    await place.kit.client.edit_job("g/work", JobPatch(policies=Policies(max_runs=2)))
    await place.kit.clock.advance(20)
    rows = [(due_s(run), run.state) for run in await place.kit.rows()]
    skipped = rows[1:-1]
    assert [due for due, _ in rows] == [10.0 * number for number in range(1, len(rows) + 1)]
    assert {state for _, state in skipped} == {SKIPPED}
    assert rows[-1][1] is OK
    await place.kit.stop()


async def test_one_that_gets_fewer_runs_is_finished_in_the_store_too(tmp_path: Path) -> None:
    place = Place(tmp_path)
    await place.start(max_runs=5)
    await place.kit.client.edit_job("g/work", JobPatch(policies=Policies(max_runs=1)))
    await place.stored_as_known()
    await place.kit.stop()


@pytest.mark.parametrize("back_s", [100.0, 4 * 3_600.0])
@pytest.mark.parametrize("down", [False, True], ids=["in life", "while down"])
async def test_with_more_runs_it_follows_a_clock_that_was_set_back(
    tmp_path: Path, back_s: float, down: bool
) -> None:
    place = Place(tmp_path)
    await place.start()
    if down:
        await place.start(step_s=-back_s)
    else:
        place.kit.clock.step(-back_s)
        await place.kit.clock.advance(15)
    job = await place.kit.client.job("g/work")
    patch = JobPatch(policies=replace(job.policies, max_runs=3))
    await place.kit.client.edit_job("g/work", patch)
    await place.kit.clock.advance(25)
    rows = [(due_s(run), run.state) for run in await place.kit.rows()]
    ran = [due for due, state in rows if state is OK and due is not None]
    assert (len(ran), ran[0]) == (3, 10)
    assert max(ran[1:]) < 10
    await place.kit.stop()
