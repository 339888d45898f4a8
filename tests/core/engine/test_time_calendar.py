"""A running engine over summer time, leap days, and the end of 32-bit time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from api_doubles import http_on, make_tokens
from engine_kit import Kit, KitClock, World, check, running

from schedtui import Calendar, Cron, Every, Group, current_run
from schedtui.api.access import Access
from schedtui.api.app import create_app
from schedtui.client.local import LocalClient
from schedtui.models import RunState
from schedtui.triggers import Trigger

SPRING = datetime(2026, 3, 29, 0, 20, tzinfo=UTC)
"""01:20 in Berlin, whose clock is set from 02:00 to 03:00 at 01:00Z."""
AUTUMN = datetime(2026, 10, 24, 23, 50, tzinfo=UTC)
"""01:50 in Berlin, whose clock is set from 03:00 to 02:00 at 01:00Z."""
EPOCH_END = datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)
"""2^31 seconds after 1970."""


class Clocked:
    """Jobs that note for which due times they ran."""

    def __init__(self, timezone: str = "UTC", **triggers: Trigger) -> None:
        self.group = Group("g", timezone=timezone)
        self.done: list[tuple[str, datetime]] = []
        for name, trigger in triggers.items():
            self.group.job(trigger=trigger, name=name)(self.work)

    async def work(self) -> None:
        run = current_run()
        if run.scheduled_for is not None:
            self.done.append((run.job.partition("/")[2], run.scheduled_for))

    def times(self, name: str, form: str = "%H:%M") -> list[str]:
        return [f"{due:{form}}" for job, due in self.done if job == name]


def berlin() -> Clocked:
    return Clocked(
        "Europe/Berlin",
        fixed=Cron("30 2 * * *"),
        calendar=Calendar(days=1, at="2:30"),
        hourly=Cron("0 * * * *"),
        wild=Cron("*/30 * * * *"),
        interval=Every(1_800),
    )


async def test_summer_time_begins_under_a_running_engine(world: World) -> None:
    jobs = berlin()
    async with running(jobs.group, world=world, clock=KitClock(SPRING)) as kit:
        await kit.clock.advance(75 * 60)
        assert jobs.times("fixed") == ["01:00"], "in the gap: once, right after it"
        assert jobs.times("calendar") == ["01:00"]
        assert jobs.times("hourly") == ["01:00"]
        assert jobs.times("wild") == jobs.times("interval") == ["00:30", "01:00", "01:30"]
        assert kit.running.core.epoch == 0, "no clock was stepped"
        assert {run.state for run in await kit.rows()} == {RunState.SUCCEEDED}
        await check(kit, after=SPRING, effects=jobs.done)


async def test_summer_time_ends_under_a_running_engine(world: World) -> None:
    jobs = berlin()
    async with running(jobs.group, world=world, clock=KitClock(AUTUMN)) as kit:
        await kit.clock.advance(105 * 60)
        assert jobs.times("fixed") == ["00:30"], "in the overlap: once, the first time"
        assert jobs.times("calendar") == ["00:30"]
        assert jobs.times("hourly") == ["00:00", "01:00"]
        assert jobs.times("wild") == ["00:00", "00:30", "01:00", "01:30"]
        assert jobs.times("interval") == ["00:00", "00:30", "01:00", "01:30"]
        assert kit.running.core.epoch == 0
        await check(kit, after=AUTUMN, effects=jobs.done)


@pytest.mark.parametrize("moment", [SPRING, AUTUMN])
async def test_a_restart_in_the_midst_of_it_repeats_nothing(world: World, moment: datetime) -> None:
    jobs = berlin()
    async with running(jobs.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(45 * 60)
        await kit.crash()
    again = moment + timedelta(minutes=46)
    async with running(jobs.group, world=world, clock=KitClock(again)) as kit:
        await kit.clock.advance(62 * 60)
        assert len(jobs.times("fixed")) == len(jobs.times("calendar")) == 1
        await check(kit, after=moment, effects=jobs.done)


async def to_shortly_before(kit: Kit, moment: datetime) -> None:
    """Let days pass at once, in which nothing is due."""
    now = datetime.fromtimestamp(kit.clock.now_us() / 1e6, UTC)
    kit.clock.suspend((moment - now).total_seconds() - 5)
    await kit.clock.advance(0)


async def test_a_leap_day(world: World) -> None:
    jobs = Clocked(leap=Cron("0 0 29 2 *"), daily=Every(timedelta(days=1)))
    midnights = [datetime(2028, 2, 28, tzinfo=UTC) + timedelta(days=n) for n in range(3)]
    async with running(jobs.group, world=world, clock=KitClock(midnights[0])) as kit:
        assert (await kit.client.job("g/leap")).next_due == midnights[1]
        for midnight in midnights[1:]:
            await to_shortly_before(kit, midnight)
            await kit.clock.advance(6)
        assert jobs.times("leap", "%F") == ["2028-02-29"]
        assert jobs.times("daily", "%F") == ["2028-02-29", "2028-03-01"], "a duration, no date"
        leap = await kit.client.job("g/leap")
        assert leap.next_due == datetime(2032, 2, 29, tzinfo=UTC)
        await check(kit, after=midnights[0], effects=jobs.done)


@pytest.mark.parametrize(("year", "following"), [(2026, 2028), (2096, 2104)])
async def test_years_without_one_are_left_out(world: World, year: int, following: int) -> None:
    jobs = Clocked(leap=Cron("0 0 29 2 *"))
    moment = datetime(year, 2, 28, 23, 59, 50, tzinfo=UTC)
    async with running(jobs.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(20)
        assert jobs.times("leap", "%F") == (["2096-02-29"] if year == 2096 else [])
        due = (await kit.client.job("g/leap")).next_due
        assert due == datetime(following, 2, 29, tzinfo=UTC)


async def test_the_last_days_of_months_over_a_leap_year(world: World) -> None:
    jobs = Clocked(
        thirty_first=Calendar(months=1, on=31, at="12:00"),
        last=Calendar(months=1, on="last", at="12:00"),
    )
    begin = datetime(2028, 1, 31, 11, 59, 50, tzinfo=UTC)
    async with running(jobs.group, world=world, clock=KitClock(begin)) as kit:
        await kit.clock.advance(20)
        for month, day in ((2, 29), (3, 31), (4, 30), (5, 31)):
            await to_shortly_before(kit, datetime(2028, month, day, 12, tzinfo=UTC))
            await kit.clock.advance(6)
        assert jobs.times("thirty_first", "%m-%d") == ["01-31", "03-31", "05-31"]
        assert jobs.times("last", "%m-%d") == ["01-31", "02-29", "03-31", "04-30", "05-31"]
        await check(kit, after=begin, effects=jobs.done)


async def read_over_http(kit: Kit, path: str) -> Any:
    app = create_app(
        lambda actor: LocalClient(kit.engine, actor=actor),
        auth=Access(make_tokens),
        closing=asyncio.Event(),
    )
    async with http_on(app) as http:
        answer: httpx.Response = await http.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.mark.parametrize(
    "end",
    [
        EPOCH_END,
        datetime(2106, 2, 7, 6, 28, 16, tzinfo=UTC),  # 2^32 seconds
        datetime(2199, 12, 31, 23, 59, 50, tzinfo=UTC),
    ],
)
async def test_past_the_end_of_small_integers(world: World, end: datetime) -> None:
    jobs = Clocked(interval=Every(1), cron=Cron("* * * * * *"))
    begin = end - timedelta(seconds=3)
    async with running(jobs.group, world=world, clock=KitClock(begin)) as kit:
        await kit.clock.advance(4.5)
        assert jobs.done.count(("cron", end)) == jobs.done.count(("interval", end)) == 1
        await kit.crash()
    after = end + timedelta(seconds=1.6)
    async with running(jobs.group, world=world, clock=KitClock(after)) as kit:
        job = await kit.client.job("g/interval")
        assert (job.next_due, job.last_due) == (
            end + timedelta(seconds=2),
            end + timedelta(seconds=1),
        )
        await kit.clock.advance(1)
        rows = [run for run in await kit.rows() if run.job == "g/cron"]
        assert [run.scheduled_for for run in rows] == [
            end + timedelta(seconds=n) for n in range(-2, 3)
        ]
        assert {run.state for run in rows} == {RunState.SUCCEEDED}
        await check(kit, after=begin, effects=jobs.done)
        told = await read_over_http(kit, "jobs/g/interval")
        assert told["next_due"] == f"{end + timedelta(seconds=3):%FT%TZ}"
        page = await read_over_http(kit, "runs?job=g/interval&limit=1")
        assert page["items"][0]["scheduled_for"] == f"{end + timedelta(seconds=2):%FT%TZ}"
        following = await read_over_http(kit, "jobs/g/cron/next?count=1")
        assert f"{end + timedelta(seconds=3):%FT%TZ}" in str(following)


async def test_a_due_time_far_ahead_waits(world: World) -> None:
    jobs = Clocked(far=Cron("14 3 19 1 *"))
    begin = datetime(2037, 1, 20, tzinfo=UTC)
    async with running(jobs.group, world=world, clock=KitClock(begin)) as kit:
        await to_shortly_before(kit, EPOCH_END.replace(second=0))
        assert jobs.done == []
        await kit.clock.advance(6)
        assert jobs.done == [("far", EPOCH_END.replace(second=0))]


async def test_the_year_2200_ends_schedules_and_no_engine(world: World) -> None:
    jobs = Clocked(interval=Every(1), cron=Cron("* * * * * *"), new_year=Cron("0 0 1 1 *"))
    begin = datetime(2199, 12, 31, 23, 59, 57, tzinfo=UTC)
    async with running(jobs.group, world=world, clock=KitClock(begin)) as kit:
        await kit.clock.advance(6)
        assert jobs.times("interval", "%T") == jobs.times("cron", "%T") == ["23:59:58", "23:59:59"]
        assert jobs.times("new_year") == []
        for name in ("interval", "cron", "new_year"):
            assert (await kit.client.job(f"g/{name}")).next_due is None
        await kit.client.trigger_job("g/interval")
        await kit.clock.settle()
        assert (await kit.rows())[-1].state is RunState.SUCCEEDED
