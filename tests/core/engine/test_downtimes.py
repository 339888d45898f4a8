"""Each due time that nobody found names the downtime in which it lay, however many there were."""

from __future__ import annotations

import pytest
from engine_kit import Kit, KitClock, World, at, check, due_s

from schedtui import Every, Group
from schedtui.clock import from_us, to_us
from schedtui.engine.live.downtimes import Downtime, Downtimes
from schedtui.engine.upkeep import downtime
from schedtui.models import JobPatch, Run, RunState

MISSED, SKIPPED = RunState.MISSED, RunState.SKIPPED


def words(since_s: float, until_s: float) -> str:
    """Of a downtime that a kill began."""
    since, until = at(since_s), at(until_s)
    how = "it did not stop in order"
    return f"the engine did not run from {since:%FT%TZ} to {until:%FT%TZ} ({how})"


def code(every_s: float | None = 10) -> Group:
    group = Group("g")

    async def work() -> None: ...

    if every_s is None:
        group.function(work)
    else:
        group.job(trigger=Every(every_s))(work)
    return group


async def again(
    world: World, kit: Kit, down_s: float, every_s: float | None = 10, *, paused: bool = False
) -> Kit:
    """Kill the engine, and start the next one after a while."""
    clock = KitClock(await kit.crash())
    clock.step(down_s)
    following = Kit([code(every_s)], world=world, clock=clock)
    following.engine.start_paused = paused
    return await following.start()


def late(run: Run) -> str:
    """The downtime that a row names, with what came after it."""
    return run.reason.partition("past its grace of 60 s: ")[2]


async def test_an_engine_that_dies_before_its_first_tick_again_and_again(world: World) -> None:
    kit = await Kit([code()], world=world).start()
    await kit.clock.advance(15)
    for _ in range(3):
        kit = await again(world, kit, 50)
    await kit.clock.advance(5)
    rows = {due_s(run): run for run in await kit.rows()}
    told = {due: late(run) for due, run in rows.items() if run.state is MISSED}
    first = dict.fromkeys((20.0, 30.0, 40.0, 50.0, 60.0), words(15, 65))
    assert told == first | dict.fromkeys((70.0, 80.0, 90.0, 100.0), words(65, 115))
    await check(kit)
    await kit.stop()


@pytest.mark.parametrize("change", ["", "declaration", "edit", "orphan"])
async def test_two_with_an_engine_between_that_was_paused(world: World, change: str) -> None:
    kit = await Kit([code()], world=world).start()
    await kit.clock.advance(15)
    kit = await again(world, kit, 50, paused=True)
    await kit.clock.advance(20)
    kit = await again(world, kit, 10, {"declaration": 7, "orphan": None}.get(change, 10))
    await kit.clock.advance(5)
    if change == "edit":
        trigger = {"type": "every", "seconds": 7}
        await kit.client.edit_job("g/work", JobPatch(trigger=trigger))
    await kit.engine.resume_engine()
    rows = {due_s(run): run for run in await kit.rows()}
    assert {rows[due].state for due in (20.0, 30.0)} == {MISSED}
    halted = f"engine paused by engine: started paused, since {at(65):%FT%TZ}"
    known = f"{words(15, 65)}; then {halted}"
    assert [late(rows[due]) or rows[due].reason for due in (20.0, 30.0)] == [known] * 2
    if change in {"declaration", "orphan"}:  # these would have run, but for that
        assert [rows[due].reason for due in (40.0, 50.0, 60.0)] == [known] * 3
    others = [rows[due].reason for due in (70.0, 80.0, 90.0)]
    assert others == ["engine paused by engine: started paused"] * 3
    assert set(rows) >= {10.0 * n for n in range(1, 10)}
    await kit.stop()


async def test_two_with_an_engine_between_that_had_no_declaration(world: World) -> None:
    kit = await Kit([code()], world=world).start()
    await kit.clock.advance(15)
    kit = await again(world, kit, 50, None)
    await kit.clock.advance(20)
    kit = await again(world, kit, 10, None)
    kit = await again(world, kit, 10)
    await kit.clock.advance(10)
    rows = {due_s(run): run for run in await kit.rows()}
    assert [rows[due].reason for due in (20.0, 40.0, 60.0)] == [words(15, 65)] * 3
    assert rows[70.0].reason.startswith("orphaned: ")
    await kit.stop()


async def test_a_stretch_names_the_first_and_how_many_more(world: World) -> None:
    kit = await Kit([code()], world=world).start()
    await kit.clock.advance(15)
    for _ in range(3):
        kit = await again(world, kit, 900)
    await kit.clock.advance(1)
    (stretch,) = [run for run in await kit.rows() if run.range_count]
    assert stretch.range_from == at(20)
    assert late(stretch) == f"{words(15, 915)}, and once more until {at(1815):%FT%TZ}"
    await kit.stop()


async def test_of_more_than_are_remembered_the_oldest_are_not_made_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downtime, "KNOWN", 2)
    kit = await Kit([code()], world=world).start()
    await kit.clock.advance(15)
    for _ in range(4):
        kit = await again(world, kit, 50)
    await kit.clock.advance(5)
    rows = {due_s(run): late(run) for run in await kit.rows()}
    assert [rows[due] for due in (20.0, 60.0, 110.0)] == ["", "", ""]
    assert [rows[due] for due in (120.0, 150.0)] == [words(115, 165)] * 2
    await kit.stop()


def test_the_words_are_made_once_for_all_of_their_rows() -> None:
    downtimes = Downtimes([Downtime(0, 10_000_000, False), Downtime(20_000_000, 30_000_000, True)])
    assert downtimes.why(1, 1) is downtimes.why(2, 2)
    assert downtimes.why(1, 25_000_000) is downtimes.why(2, 26_000_000)


def test_what_was_due_just_before_one_or_after_all_of_them() -> None:
    def us(seconds: float) -> int:
        return to_us(at(seconds))

    first, second = Downtime(us(10), us(20), True), Downtime(us(30), us(40), True)
    downtimes = Downtimes([second, first])
    moments = [(9, first), (10, first), (20, first), (21, second), (40, second), (41, None)]
    for due, one in moments:
        assert downtimes.why(us(due), us(due)) == (None if one is None else str(one))
    assert downtimes.why(us(15), us(25)) == f"{first}, and once more until {from_us(us(40)):%FT%TZ}"
    assert downtimes.why(us(15), us(99)) == f"{first}, and once more until {from_us(us(40)):%FT%TZ}"
