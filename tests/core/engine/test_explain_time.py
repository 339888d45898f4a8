"""Explanations where clocks change: daylight saving in Berlin both ways, steps of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from engine_kit import KitClock, World, at, running
from explain_kit import Held, kinds, text, why

from schedtui import Group
from schedtui.models import FactKind, RunState

SPRING = datetime(2026, 3, 29, 0, 59, 30, tzinfo=UTC)
"""01:59:30 in Berlin, before its clock is set forward from 02:00 to 03:00."""
AUTUMN = datetime(2026, 10, 25, 0, 29, 30, tzinfo=UTC)
"""02:29:30 in Berlin, before its clock is set back from 03:00 to 02:00."""
SECOND = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
"""02:30 in Berlin, the second time."""


async def begun(group: Group, world: World, moment: datetime) -> None:
    """An engine that runs for a minute from a moment on, and is killed."""
    async with running(group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(60)
        await kit.crash()


def nightly(cron: str) -> Group:
    group = Group("g", timezone="Europe/Berlin")

    @group.job(cron=cron)
    async def work() -> None: ...

    return group


async def test_a_wall_time_that_did_not_exist(world: World) -> None:
    await begun(nightly("30 2 * * *"), world, SPRING)
    later = KitClock(SPRING + timedelta(hours=1))
    async with running(nightly("30 2 * * *"), world=world, clock=later) as kit:
        typed = await why(kit, "2:30")
        exact = await why(kit, SPRING.replace(hour=1, minute=0, second=0))
        day = await why(kit, "2026-03-29 02:30")

    for told in (typed, day):
        assert (told.ran, kinds(told)) == (True, ["run", "dst"])
        assert told.due is not None
        assert told.due.local == "2026-03-29T03:00:00+02:00"
        assert text(told, FactKind.DST) == (
            "2026-03-29 02:30 did not exist in Europe/Berlin: its clock was set forward over it"
        )
    assert kinds(exact) == ["run", "dst"]
    assert text(exact, FactKind.DST) == (
        "the clock of Europe/Berlin was set forward by 1 h right then: a fixed time in the hours "
        "it skipped is due when they are over"
    )


async def test_a_job_whose_time_was_not_skipped_is_told_nothing_of_it(world: World) -> None:
    async with running(nightly("1 3 * * *"), world=world, clock=KitClock(SPRING)) as kit:
        await kit.clock.advance(120)
        told = await why(kit, "3:01")
    assert (told.ran, kinds(told)) == (True, ["run"])


async def test_a_wall_time_that_came_twice(world: World) -> None:
    await begun(nightly("30 2 * * *"), world, AUTUMN)
    later = KitClock(SECOND + timedelta(hours=1))
    async with running(nightly("30 2 * * *"), world=world, clock=later) as kit:
        first = await why(kit, "2:30")
        second = await why(kit, SECOND)

    twice = (
        "that time came twice in Europe/Berlin, at 00:30:00Z and at 01:30:00Z, when its clock was "
        "set back; this is the {} one, and a fixed time is due at the first one only"
    )
    assert (first.ran, kinds(first)) == (True, ["run", "dst"])
    assert first.due is not None
    assert first.due.local == "2026-10-25T02:30:00+02:00"
    assert text(first, FactKind.DST) == twice.format("first")
    assert (second.ran, second.due, kinds(second)) == (False, None, ["dst", "not_due"])
    assert second.summary == (
        f"g/work was not due at 2026-10-25 02:30:00 CET: {twice.format('second')}."
    )


async def test_a_schedule_that_follows_the_clock_is_due_in_both_passes(world: World) -> None:
    await begun(nightly("*/30 * * * *"), world, AUTUMN)
    later = KitClock(SECOND - timedelta(seconds=30))
    async with running(nightly("*/30 * * * *"), world=world, clock=later) as kit:
        await kit.clock.advance(60)
        told = await why(kit, SECOND)
    assert (told.ran, kinds(told)) == (True, ["run", "dst"])
    assert text(told, FactKind.DST).endswith("this is the second one, and it is due at both")


async def test_an_interval_knows_no_daylight_saving(world: World) -> None:
    group = Group("g", timezone="Europe/Berlin")
    group.job(every=1_800)(Held().work)
    async with running(group, world=world, clock=KitClock(SECOND - timedelta(seconds=30))) as kit:
        await kit.clock.advance(60)
        told = await why(kit, SECOND)
    assert (told.ran, kinds(told)) == (True, ["run"])


async def test_the_clock_was_set_forward_over_it(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(50)
        kit.clock.step(600)
        await kit.clock.advance(5)
        moment = await kit.crash()
    async with running(job.group, world=world, clock=KitClock(moment)) as kit:
        told = await why(kit, at(300))

    assert (told.ran, told.state, kinds(told)) == (False, RunState.MISSED, ["grace", "clock"])
    clock = told.facts[1]
    assert clock.text.startswith("the engine's clock was set forward by 10 min to 2026-03-02 12:1")
    assert clock.text.endswith("(or its machine slept)")
    assert clock.lasted_s == pytest.approx(600, abs=2)


async def test_the_clock_was_set_back_so_that_it_came_twice(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(250)
        kit.clock.step(-200)
        await kit.clock.advance(100)
        told = await why(kit, at(100))
    assert (told.ran, told.runs) == (True, (3, 1))
    assert text(told, FactKind.CLOCK).startswith("this due time came twice; run 1 started at")


async def test_a_fixed_time_does_not_come_again(world: World) -> None:
    group = nightly("2 13 * * *")  # 12:02 UTC
    async with running(group, world=world) as kit:
        await kit.clock.advance(60)
        kit.clock.step(600)
        await kit.clock.advance(10)
        kit.clock.step(-650)
        await kit.clock.advance(300)
        told = await why(kit, at(120))
    assert (told.ran, told.state) == (False, RunState.MISSED)
    assert kinds(told)[0] == "grace"


@pytest.mark.parametrize(
    ("typed", "due_s"),
    [
        ("12:01:40", 100),
        ("today 12:01:40", 100),
        ("mon 12:01:40", 100),
        ("2026-03-02 12:01:40", 100),
        ("2026-03-02T12:01:40Z", 100),
        ("2026-03-02T13:01:40+01:00", 100),
        ("50s ago", 300),
        ("tomorrow 12:01:40", 86_500),
    ],
)
async def test_moments_as_people_type_them(typed: str, due_s: float) -> None:
    job = Held()
    async with running(job.group) as kit:
        await kit.clock.advance(350)
        told = await why(kit, typed)
    assert told.due is not None
    assert told.due.at == at(due_s)


async def test_yesterday_is_a_day_of_the_jobs_zone(world: World) -> None:
    group = Group("g", timezone="Pacific/Auckland")
    group.job(cron="0 9 * * *")(Held().work)
    # In Auckland that is one minute to nine on the 3rd, and then one o'clock on the 4th.
    await begun(group, world, datetime(2026, 3, 2, 19, 59, 30, tzinfo=UTC))
    later = KitClock(datetime(2026, 3, 3, 12, 0, tzinfo=UTC))
    async with running(group, world=world, clock=later) as kit:
        told = await why(kit, "yesterday 9:00")
        last = await why(kit, "9:00")
    assert told.due is not None
    assert told.due.local == last.asked.local == "2026-03-03T09:00:00+13:00"
    assert told.ran


@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999Z",
        "0001-01-01T00:00:00Z",
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=12))),
    ],
)
@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York"])
async def test_the_ends_of_time_can_be_asked_about(moment: datetime | str, zone: str) -> None:
    job = Held(every=None, cron="* * * * *", timezone=zone)
    async with running(job.group) as kit:
        told = await why(kit, moment)
    assert not told.ran
    assert told.asked.at.year in {2, 9998}
