"""Triggers of every kind on a real engine: those that only code can make, too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from engine_commands import EVERY_10, Editable, dynamic
from engine_kit import START, Kit, World, check, running

from schedtui import AnyOf, Cron, Every, Group, Never
from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.models import JobPatch, JobState, RunState
from schedtui.triggers import Foreign, Trigger


class Doubled(Every):
    """A trigger class of the user's own, whose JSON form nobody can read."""

    def to_json(self) -> dict[str, Any]:
        return {"type": "doubled", "seconds": self.interval.total_seconds()}


def stock() -> IntervalTrigger:
    return IntervalTrigger(seconds=10, start_date=datetime(2026, 1, 1, tzinfo=UTC))


def scheduled(trigger: Any) -> tuple[Group, list[int]]:
    group, done = Group("g"), []

    @group.job(trigger=trigger)
    async def work() -> None:
        done.append(1)

    return group, done


@pytest.mark.parametrize("make", [stock, lambda: Doubled(10)])
async def test_a_trigger_object_in_code_fires_and_outlives_a_restart(
    world: World, make: Callable[[], Any]
) -> None:
    group, done = scheduled(make())
    async with running(group, world=world) as kit:
        await kit.clock.advance(25)
        job = await kit.client.job("g/work")
        await check(kit)
    assert len(done) == 2
    group, done = scheduled(make())
    async with running(group, world=world) as kit:
        live = kit.running.core.jobs.named("g/work")
        assert live.state is JobState.SCHEDULED
        assert not kit.running.core.problems
        assert live.job.version == job.version, "the same declaration is no edit"
        await kit.clock.advance(10)
        assert len(done) == 1
        await kit.client.edit_job("g/work", JobPatch(description="mine", trigger=job.trigger))
        await kit.clock.advance(10)
        assert len(done) == 2, "an edit of something else leaves the object"
        await kit.client.edit_job("g/work", JobPatch(timezone="Asia/Tokyo"))
        assert live.state is JobState.SCHEDULED
        await kit.client.edit_job("g/work", JobPatch(trigger={"type": "every", "seconds": 5}))
        assert live.trigger == Every(5), "another trigger from outside rules over it"


async def test_without_its_declaration_it_is_orphaned_and_no_problem(world: World) -> None:
    async with running(scheduled(stock())[0], world=world) as kit:
        assert (await kit.client.job("g/work")).next_due is not None
    async with running(Group("g"), world=world) as kit:
        assert kit.running.core.jobs.named("g/work").state is JobState.ORPHANED
        assert not kit.running.core.problems
    group, done = scheduled(stock())
    async with running(group, world=world) as kit:
        assert kit.running.core.jobs.named("g/work").state is JobState.SCHEDULED
        await kit.clock.advance(10)
        assert len(done) == 1


class Bad(BaseTrigger):  # type: ignore[misc]  # apscheduler ships no annotations
    after = 0

    def get_next_fire_time(self, _: datetime | None, now: datetime) -> datetime:
        if Bad.after <= 0:
            raise OSError("the calendar server is away")
        Bad.after -= 1
        moment: datetime = stock().get_next_fire_time(None, now)
        return moment


@pytest.mark.parametrize("good", [0, 1])
async def test_one_that_raises_is_broken_and_the_others_fire(good: int) -> None:
    Bad.after = good
    group, done = scheduled(Bad())
    other: list[int] = []

    @group.job(every=10)
    async def beside() -> None:
        other.append(1)

    async with running(group) as kit:
        await kit.clock.advance(25)
        live = kit.running.core.jobs.named("g/work")
        assert live.state is JobState.BROKEN
        assert "the calendar server is away" in live.summary().pause_reason
        assert len(other) == 2
    assert not done


async def test_a_foreign_trigger_cannot_come_from_outside() -> None:
    worker = Editable()
    async with running(worker.group) as kit:
        for trigger in (Foreign(stock()).to_json(), Doubled(10).to_json()):
            with pytest.raises(InvalidTriggerError) as refused:
                await dynamic(kit, trigger=trigger)
            assert [error.field for error in refused.value.errors] == ["trigger.type"]


async def test_two_schedules_at_one_instant_are_one_run(world: World) -> None:
    group = Group("g")
    done: list[int] = []

    @group.job(trigger=AnyOf({"tens": Every(10), "fifteens": Every(15)}))
    async def work() -> None:
        done.append(1)

    async with running(group, world=world) as kit:
        await kit.clock.advance(61)
        runs = await kit.rows()
        trigger = kit.running.core.jobs.named("g/work").trigger
        assert trigger is not None
        seconds = [
            int((run.scheduled_for - START).total_seconds()) for run in runs if run.scheduled_for
        ]
        assert seconds == [10, 15, 20, 30, 40, 45, 50, 60]
        due_us = [int(run.scheduled_for.timestamp() * 1e6) for run in runs if run.scheduled_for]
        names = [trigger.names_at(one) for one in due_us]
        assert names[3] == names[7] == ("tens", "fifteens")
        assert names[:2] == [("tens",), ("fifteens",)]
        await check(kit)
    assert len(done) == 8


async def test_several_schedules_of_one_job() -> None:
    group, done = Group("g"), []

    @group.job(cron=["0 9 * * *", "0 17 * * *"], name="crons")
    @group.job(every=["1h", 5_400], name="everies")
    @group.job(at=[datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)], name="ats")
    async def work() -> None:
        done.append(1)

    triggers = {one.name: one.trigger for one in group.declarations}
    assert triggers["crons"] == AnyOf([Cron("0 9 * * *"), Cron("0 17 * * *")])
    assert triggers["everies"] == AnyOf([Every(3_600), Every(5_400)])
    assert triggers["ats"].count(0, 1 << 60) == 2
    with pytest.raises(InvalidTriggerError, match="1 to 50 triggers"):
        group.job(cron=[])


async def test_a_job_without_due_times_is_scheduled_and_runs_by_hand(world: World) -> None:
    worker = Editable()
    worker.group.job(trigger=Never(), name="static")(worker.work)
    async with running(worker.group, world=world) as kit:
        await dynamic(kit, name="hand", trigger={"type": "never"})
        for name in ("g/hand", "g/static"):
            live = kit.running.core.jobs.named(name)
            assert (live.state, live.next_due_us) == (JobState.SCHEDULED, None)
            await kit.client.trigger_job(name)
            await kit.client.pause_job(name)
            await kit.client.resume_job(name)
        await kit.clock.advance(60)
        assert [run.state for run in await kit.rows()] == [RunState.SUCCEEDED] * 2
        await kit.client.edit_job("g/hand", JobPatch(trigger=EVERY_10))
        await kit.clock.advance(11)
        assert len(await kit.rows()) == 3


EVERY_7 = {"type": "every", "seconds": 7}
IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "30 February": ({"type": "cron", "expression": "0 9 30 2 *"}, "would never be due"),
    "never together": (
        {
            "type": "all_of",
            "triggers": [{"type": "cron", "expression": f"0 {hour} * * *"} for hour in (9, 10)],
        },
        "due at one same instant",
    ),
    "all blacked out": (
        {
            "type": "except",
            "trigger": {"type": "cron", "expression": "0 9 * * mon"},
            "windows": ["mon"],
        },
        "blacked out",
    ),
    "ended before it began": (
        {
            "type": "between",
            "trigger": EVERY_10,
            "start": "2027-01-02T00:00:00Z",
            "end": "2027-01-01T00:00:00Z",
        },
        "from the start on",
    ),
    "over": ({"type": "between", "trigger": EVERY_10, "end": "2020-01-01T00:00:00Z"}, "its end"),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
async def test_an_impossible_trigger_is_refused_with_the_reason(what: str) -> None:
    trigger, reason = IMPOSSIBLE[what]
    worker = Editable()
    async with running(worker.group) as kit:
        await dynamic(kit)
        with pytest.raises(InvalidError, match=reason) as refused:
            await dynamic(kit, name="other", trigger=trigger)
        assert all(error.field.startswith("trigger") for error in refused.value.errors)
        with pytest.raises(InvalidError, match=reason):
            await kit.client.edit_job("g/work", JobPatch(trigger=trigger))
        if what != "over":  # that one has been due
            with pytest.raises(InvalidError, match=reason):
                await kit.client.preview(trigger)


@pytest.mark.parametrize(
    "trigger",
    [
        {"type": "cron", "expression": "*/7 * * * mon-fri"},
        {"type": "calendar", "typed": "every 2 weeks on mon, thu at 9:00"},
        {"type": "calendar", "months": 1, "on": [1, "last"], "at": ["9:00", "17:00"]},
        {
            "type": "except",
            "trigger": {"type": "any_of", "triggers": {"a": EVERY_10, "b": EVERY_7}},
            "windows": ["22:00-06:00", "sat,sun"],
        },
    ],
)
async def test_a_thousand_due_times_are_previewed(trigger: dict[str, Any]) -> None:
    worker = Editable()
    async with running(worker.group) as kit:
        preview = await kit.client.preview(trigger, count=1_000)
        assert len({due.at for due in preview.next}) == 1_000
        await dynamic(kit, trigger=trigger)
        assert (await kit.client.next_due("g/work", count=1_000)).next == preview.next
        with pytest.raises(InvalidError, match="1000"):
            await kit.client.preview(trigger, count=1_001)


async def test_a_combined_trigger_is_stored_and_read_back(world: World) -> None:
    worker = Editable()
    trigger = AnyOf({"b": Cron("0 9 * * *"), "a": Every(10)})
    async with running(worker.group, world=world) as kit:
        await dynamic(kit, trigger=trigger)
    async with running(worker.group, world=world) as kit:
        read = live_trigger(kit)
        assert read == trigger
        await kit.clock.advance(11)
        assert len(await kit.rows()) == 1
        await check(kit)


def live_trigger(kit: Kit) -> Trigger | None:
    return kit.running.core.jobs.named("g/work").trigger
