"""Each due time that nobody found names the downtime in which it lay, however many there were."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from engine_kit import Kit, KitClock, World, at, check, due_s
from owed_kit import Place, away

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


def damage(folder: Path, seen: str) -> None:
    """Write something else for when engines were last seen."""
    with closing(sqlite3.connect(next(folder.rglob("*.db")))) as database:
        database.execute(f"UPDATE boots SET last_seen = {seen}")
        database.commit()


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
    downtimes = Downtimes([Downtime(0, 10, False, 10), Downtime(20, 30, True, 30)])
    assert downtimes.why(1, 1) is downtimes.why(2, 2)
    assert downtimes.why(1, 25) is downtimes.why(2, 26)


def test_what_was_due_just_before_one_or_after_all_of_them() -> None:
    def us(seconds: float) -> int:
        return to_us(at(seconds))

    first = Downtime(us(10), us(20), True, us(20))
    second = Downtime(us(30), us(40), True, us(40))
    downtimes = Downtimes([second, first])
    moments = [(9, first), (10, first), (20, first), (21, second), (40, second), (41, None)]
    for due, one in moments:
        assert downtimes.why(us(due), us(due)) == (None if one is None else str(one))
    assert downtimes.why(us(15), us(25)) == f"{first}, and once more until {from_us(us(40)):%FT%TZ}"
    assert downtimes.why(us(15), us(99)) == f"{first}, and once more until {from_us(us(40)):%FT%TZ}"


async def test_one_from_before_the_clock_was_set_back(world: World) -> None:
    """The engine between began later, by the older clock, than the next one."""
    kit = await Kit([code()], world=world).start()
    await kit.clock.advance(15)
    kit = await again(world, kit, 185, paused=True)
    await kit.clock.advance(5)
    kit.clock.step(-60)
    await kit.clock.advance(5)
    kit = await again(world, kit, 5)
    await kit.clock.advance(1)
    await kit.engine.resume_engine()
    rows = {due_s(run): run for run in await kit.rows()}
    halted = f"engine paused by engine: started paused, since {at(140):%FT%TZ}"
    told = [late(rows[10.0 * n]) for n in range(2, 9)]
    assert told == [f"{words(15, 200)}; then {halted}"] * 7
    await check(kit)
    await kit.stop()


async def test_of_a_trigger_that_failed_over_two_of_them(tmp_path: Path) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.clock.advance(15)
    await place.restart(150, paused=True)
    place.calendar.wrong = away
    await place.kit.client.pause_job("g/work", reason="look")
    await place.kit.clock.advance(5)
    await place.restart(30)
    place.calendar.wrong = None
    await place.kit.client.resume_job("g/work")
    await place.kit.engine.resume_engine()
    rows = {due: reason for due, _, reason in await place.told()}
    assert all(words(15, 165) in rows[10.0 * n] for n in range(2, 17)), rows
    await place.kit.stop()


async def test_of_a_damaged_one_nothing_is_made_up(tmp_path: Path) -> None:
    world = World("sqlite", tmp_path)
    kit = await Kit([code()], world=world).start()
    await kit.clock.advance(15)
    kit = await again(world, kit, 50, paused=True)
    await kit.clock.advance(20)
    now = await kit.crash()
    damage(tmp_path, "'x' WHERE id = 1")
    clock = KitClock(now)
    clock.step(50)
    kit = await Kit([code()], world=world, clock=clock).start()
    await kit.engine.resume_engine()
    rows = {due_s(run): run.reason for run in await kit.rows()}
    halted = f"engine paused by engine: started paused, since {at(65):%FT%TZ}"
    assert all(rows[10.0 * n].endswith(f"60 s: {halted}") for n in range(2, 7)), rows
    await kit.stop()


@pytest.mark.parametrize("value", ["'x'", "9000000000000000000"])
async def test_an_engine_starts_though_the_last_sign_of_life_is_damaged(
    tmp_path: Path, value: str
) -> None:
    world = World("sqlite", tmp_path)
    kit = await Kit([code()], world=world).start()
    await kit.clock.advance(15)
    now = await kit.crash()
    damage(tmp_path, value)
    clock = KitClock(now)
    clock.step(10)
    kit = await Kit([code()], world=world, clock=clock).start()
    await kit.clock.advance(10)
    await check(kit)
    await kit.stop()
