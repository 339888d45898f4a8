"""Alerts of a real engine to real servers: what is told, when, and what a dead one costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from alert_servers import Hook, Mail, serving
from engine_kit import Kit, World, running

from schedtui import Email, Group, Webhook
from schedtui.engine.notices import alerting
from schedtui.errors import StoreDataError
from schedtui.models import Health, RunState


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    with serving(server):
        yield server


def told(hook: Hook) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in hook.got]


def kinds(hook: Hook) -> list[str]:
    return [one["type"] for one in told(hook)]


class Shaky:
    """A job that fails while it is told to."""

    def __init__(self, **policies: Any) -> None:
        self.group = Group("g")
        self.fails = True
        self.group.job(every=10, name="work", tags=["night"], **policies)(self.work)

    async def work(self) -> None:
        if self.fails:
            raise ValueError("no luck")


async def outbox(kit: Kit) -> int:
    return len(await asyncio.to_thread(kit.store.outbox, "webhook 127.0.0.1", 10_000))


async def test_a_failure_and_the_recovery_from_it_are_told(world: World, hook: Hook) -> None:
    shaky = Shaky()
    async with running(shaky.group, world=world, alerts=[Webhook(url=hook.url)]) as kit:
        await kit.clock.advance(11)
        shaky.fails = False
        await kit.clock.advance(20)

        failure, recovery = told(hook)
        assert (failure["type"], failure["job"]) == ("failure", "g/work")
        assert failure["run"]["error"] == "no luck"
        assert failure["run"]["state"] == "failed"
        assert recovery["type"] == "recovery"
        assert await outbox(kit) == 0
        ids = [headers["webhook-id"] for headers, _ in hook.got]
        assert len(set(ids)) == 2


async def test_an_attempt_that_is_followed_by_another_one_is_no_failure(
    world: World, hook: Hook
) -> None:
    shaky = Shaky(retries=1, retry_delay_s=2, retry_jitter=0)
    async with running(shaky.group, world=world, alerts=[Webhook(url=hook.url)]) as kit:
        await kit.clock.advance(11)
        assert told(hook) == []
        await kit.clock.advance(3)
        assert [one["run"]["attempt"] for one in told(hook)] == [2]


@pytest.mark.parametrize(
    ("which", "number"),
    [
        ({}, 1),
        ({"jobs": ["g/work"]}, 1),
        ({"groups": ["g"]}, 1),
        ({"tags": ["night"]}, 1),
        ({"tags": ["night"], "groups": ["other"]}, 1),
        ({"jobs": ["g/other"]}, 0),
        ({"on": ["recovery"]}, 0),
    ],
)
async def test_only_who_asked_is_told(hook: Hook, which: dict[str, Any], number: int) -> None:
    alerts = [Webhook(url=hook.url, **which)]
    async with running(Shaky().group, alerts=alerts) as kit:
        await kit.clock.advance(11)
        assert len(told(hook)) == number


async def test_missed_due_times_are_one_message(world: World, hook: Hook) -> None:
    shaky = Shaky()
    shaky.fails = False
    async with running(shaky.group, world=world, alerts=[Webhook(url=hook.url)]) as kit:
        await kit.clock.advance(11)
        kit.clock.suspend(600)
        await kit.clock.advance(1)
        (missed,) = told(hook)
        assert missed["type"] == "missed"
        assert missed["run"]["due_times"] > 50
        assert "grace" in missed["run"]["reason"]


async def test_what_takes_too_long_is_told_while_it_runs(world: World, hook: Hook) -> None:
    group, go = Group("g"), asyncio.Event()

    @group.job(every=100)
    async def slow() -> None:
        await go.wait()

    alerts = [Webhook(url=hook.url, on=["too_long"], too_long_s=30)]
    async with running(group, world=world, alerts=alerts) as kit:
        await kit.clock.advance(100 + 29)
        assert told(hook) == []
        await kit.clock.advance(2)
        (one,) = told(hook)
        assert (one["type"], one["run"]["state"]) == ("too_long", "running")
        go.set()
        await kit.clock.advance(60)
        assert len(told(hook)) == 1


async def test_what_waits_is_late_before_it_starts(world: World, hook: Hook) -> None:
    group, go = Group("g", limit=1), asyncio.Event()

    @group.job(every=100, priority=1)
    async def first() -> None:
        await go.wait()

    @group.job(every=100)
    async def second() -> None: ...

    alerts = [Webhook(url=hook.url, on=["late"], late_s=20)]
    async with running(group, world=world, alerts=alerts) as kit:
        await kit.clock.advance(100 + 15)
        assert told(hook) == []
        await kit.clock.advance(10)
        (late,) = told(hook)
        assert (late["type"], late["run"]["state"]) == ("late", "queued")
        go.set()
        await kit.clock.advance(10)
        assert len(told(hook)) == 1


async def test_a_run_that_is_found_late_is_told(world: World, hook: Hook) -> None:
    shaky = Shaky(grace_s=3_600)
    shaky.fails = False
    alerts = [Webhook(url=hook.url, on=["late"], late_s=20)]
    async with running(shaky.group, world=world, alerts=alerts) as kit:
        await kit.clock.advance(11)
        kit.clock.suspend(48)
        await kit.clock.advance(1)
        await kit.clock.advance(20)
        assert set(kinds(hook)) <= {"late"}


async def test_a_run_lost_with_its_engine_is_told_by_the_next_one(world: World, hook: Hook) -> None:
    group, go = Group("g"), asyncio.Event()

    @group.job(every=10)
    async def slow() -> None:
        await go.wait()

    alerts = [Webhook(url=hook.url)]
    kit = await Kit([group], world=world, alerts=alerts).start()
    await kit.clock.advance(11)
    await kit.crash()
    kit = await Kit([group], world=world, clock=kit.clock, alerts=alerts).start()
    await kit.clock.advance(1)
    assert told(hook)[0]["run"]["state"] == RunState.LOST.value
    go.set()
    await kit.stop()


async def test_a_dead_endpoint_is_tried_again_and_health_says_so(world: World, hook: Hook) -> None:
    shaky = Shaky()
    hook.status = 503
    async with running(shaky.group, world=world, alerts=[Webhook(url=hook.url)]) as kit:
        await kit.clock.advance(11)
        info = kit.running.info()
        assert info.health is Health.DEGRADED
        assert "it answered 503" in info.problems[0]
        assert "hidden" not in str(info.problems)
        shaky.fails = False
        hook.status = 204
        await kit.clock.advance(3)
        assert len(hook.got) == 1
        await kit.clock.advance(3)
        assert len(hook.got) == 2
        assert hook.got[0][0]["webhook-id"] == hook.got[1][0]["webhook-id"]
        assert kit.running.info().problems == ()
        assert await outbox(kit) == 0


async def test_what_was_not_delivered_is_after_a_restart(world: World, hook: Hook) -> None:
    shaky = Shaky()
    hook.status = 500
    alerts = [Webhook(url=hook.url)]
    kit = await Kit([shaky.group], world=world, alerts=alerts).start()
    await kit.clock.advance(11)
    await kit.crash()
    hook.status = 204
    kit = await Kit([Group("g")], world=world, clock=kit.clock, alerts=alerts).start()
    await kit.clock.advance(1)
    assert kinds(hook) == ["failure", "failure"]
    assert await outbox(kit) == 0
    await kit.stop()


async def test_what_goes_to_a_target_that_is_gone_is_dropped(world: World, hook: Hook) -> None:
    hook.status = 500
    kit = await Kit([Shaky().group], world=world, alerts=[Webhook(url=hook.url)]).start()
    await kit.clock.advance(11)
    await kit.stop()
    kit = await Kit([Group("g")], world=world, clock=kit.clock).start()
    await kit.clock.advance(1)
    assert await outbox(kit) == 0
    await kit.stop()


async def test_the_queue_is_bounded(
    world: World, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "MOST", 2)
    hook.status = 500
    async with running(Shaky().group, world=world, alerts=[Webhook(url=hook.url)]) as kit:
        await kit.clock.advance(55)
        assert await outbox(kit) == 2
        assert any("3 alerts" in one for one in kit.running.info().problems)


async def test_an_endpoint_that_hangs_holds_up_nothing(hook: Hook) -> None:
    hook.gate.clear()
    mail = Mail()
    alerts = [
        Webhook(url=hook.url),
        Email(to=("ann@example.com",), host="127.0.0.1", port=mail.port),
    ]
    with serving(mail):
        kit = await Kit([Shaky().group], alerts=alerts).start()
        kit.hung = True  # time goes on although the endpoint is not done
        for number in (1, 2, 3):
            await kit.clock.advance(10)
            await kit.until(lambda n=number: len(mail.got) == n)  # type: ignore[misc]
        rows = await kit.rows()
        assert [run.state for run in rows] == [RunState.FAILED] * 3
        await kit.until(lambda: len(hook.got) == 1)
        await kit.stop()
        hook.gate.set()


async def test_a_mail_server_that_drips_holds_up_no_other_target(hook: Hook) -> None:
    mail = Mail()
    mail.drips_at = "greeting"
    alerts = [
        Email(to=("ann@example.com",), host="127.0.0.1", port=mail.port),
        Webhook(url=hook.url),
    ]
    with serving(mail):
        kit = await Kit([Shaky().group], alerts=alerts).start()
        kit.hung = True
        for number in (1, 2, 3):
            await kit.clock.advance(10)
            await kit.until(lambda n=number: len(hook.got) == n)  # type: ignore[misc]
        await kit.stop()
    assert mail.got == []


async def test_an_outcome_that_is_not_written_is_not_told(world: World, hook: Hook) -> None:
    async with running(Shaky().group, world=world, alerts=[Webhook(url=hook.url)]) as kit:
        kit.faults.down = True
        await kit.clock.advance(11)
        assert told(hook) == []
        kit.faults.down = False
        await kit.clock.advance(15)
        assert told(hook)[0]["type"] == "failure"


async def test_a_run_whose_row_the_store_refuses_is_told_as_missed(
    world: World, hook: Hook
) -> None:
    shaky = Shaky()
    async with running(shaky.group, world=world, alerts=[Webhook(url=hook.url)]) as kit:
        refusals = iter([True, True])

        def refuse() -> None:
            if next(refusals, False):
                raise StoreDataError("no such text")

        kit.faults.hooks["claim"] = refuse
        kit.faults.once("insert_runs", StoreDataError("no such text"))
        await kit.clock.advance(11)
        (missed,) = told(hook)
        assert (missed["type"], missed["job"]) == ("missed", "g/work")
        assert missed["run"]["reason"] == "the store refused its row: no such text"


async def test_a_dead_endpoint_is_asked_as_seldom_after_a_restart(world: World, hook: Hook) -> None:
    hook.status = 500
    alerts = [Webhook(url=hook.url)]
    shaky = Shaky(overlap="skip", retries=0)
    kit = await Kit([shaky.group], world=world, alerts=alerts).start()
    await kit.clock.advance(10 + 5 + 30 + 1)  # it fails, and is told of three times
    assert len(hook.got) == 3
    await kit.stop()
    kit = await Kit([Group("g")], world=world, clock=kit.clock, alerts=alerts).start()
    await kit.clock.advance(1)
    assert len(hook.got) == 4
    await kit.clock.advance(60)
    assert len(hook.got) == 4, "the fourth wait is ten minutes"
    await kit.stop()


async def test_what_was_missed_before_its_schedule_became_another_is_told(
    world: World, hook: Hook
) -> None:
    shaky = Shaky()
    shaky.fails = False
    kit = await Kit([shaky.group], world=world).start()
    await kit.clock.advance(11)
    await kit.stop()
    kit.clock.suspend(600)
    other = Group("g")
    other.job(every=40, name="work")(shaky.work)
    alerts = [Webhook(url=hook.url)]
    kit = await Kit([other], world=world, clock=kit.clock, alerts=alerts).start()
    await kit.clock.advance(1)
    (missed,) = told(hook)
    assert (missed["type"], missed["job"]) == ("missed", "g/work")
    assert missed["run"]["due_times"] >= 55
    await kit.stop()
