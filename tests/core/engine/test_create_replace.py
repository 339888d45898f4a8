"""`create_job(replace=True)`: what a program says at every start."""

from __future__ import annotations

from typing import Any

import pytest

from schedtui import Cron, Engine, Group
from schedtui.client.local import LocalClient
from schedtui.errors import ConflictError, InvalidError
from schedtui.testing import FakeClock


def group() -> Group:
    work = Group("work")

    @work.function()
    async def greet(name: str = "Ann") -> str:
        return name

    @work.job(cron="0 0 1 1 *")
    async def yearly() -> None: ...

    return work


async def test_the_second_start_finds_its_job_and_changes_what_differs() -> None:
    async with Engine(groups=[group()], store="memory://", clock=FakeClock()) as engine:
        first = await engine.create_job(
            function="work/greet", trigger=Cron("0 9 * * *"), name="daily", replace=True
        )
        again = await engine.create_job(
            function="work/greet", trigger=Cron("0 9 * * *"), name="daily", replace=True
        )
        assert (again.id, again.version) == (first.id, first.version)

        other = await engine.create_job(
            function="work/greet",
            trigger=Cron("0 10 * * *"),
            kwargs={"name": "Bob"},
            name="daily",
            replace=True,
        )
        assert (other.id, other.version) == (first.id, first.version + 1)
        assert other.trigger == {"type": "cron", "expression": "0 10 * * *"}
        assert other.kwargs == {"name": "Bob"}
        actions = [event.action for event in (await LocalClient(engine).audit()).items]
        assert actions.count("job.create") == 2
        assert actions.count("job.edit") == 1


async def test_a_static_job_is_not_replaced_and_without_replace_a_name_is_taken() -> None:
    async with Engine(groups=[group()], store="memory://", clock=FakeClock()) as engine:
        with pytest.raises(ConflictError, match="exists already"):
            await engine.create_job(
                function="work/greet", trigger=Cron("0 9 * * *"), name="yearly", replace=True
            )
        await engine.create_job(function="work/greet", trigger=Cron("0 9 * * *"), name="daily")
        with pytest.raises(ConflictError, match="exists already"):
            await engine.create_job(function="work/greet", trigger=Cron("0 9 * * *"), name="daily")


async def test_replace_needs_a_name() -> None:
    async with Engine(groups=[group()], store="memory://", clock=FakeClock()) as engine:
        with pytest.raises(InvalidError, match="each call makes another job"):
            await engine.create_job(function="work/greet", trigger=Cron("0 9 * * *"), replace=True)
        assert len(engine.running.core.jobs) == 1


@pytest.mark.parametrize("engine_zone", ["UTC", "Asia/Tokyo"])
async def test_a_zone_that_is_no_longer_given_is_the_engines_again(engine_zone: str) -> None:
    settings: dict[str, Any] = {
        "function": "work/greet",
        "trigger": Cron("0 9 * * *"),
        "name": "daily",
        "replace": True,
    }
    async with Engine(
        groups=[group()], store="memory://", clock=FakeClock(), timezone=engine_zone
    ) as engine:
        job = await engine.create_job(timezone="Europe/Berlin", **settings)
        assert job.timezone == "Europe/Berlin"
        job = await engine.create_job(**settings)
        assert job.timezone == engine_zone


async def test_replace_pauses_where_told_and_leaves_a_pause_alone() -> None:
    settings: dict[str, Any] = {
        "function": "work/greet",
        "trigger": Cron("0 9 * * *"),
        "name": "daily",
        "replace": True,
    }
    async with Engine(groups=[group()], store="memory://", clock=FakeClock()) as engine:
        assert not (await engine.create_job(**settings)).paused
        paused = await engine.create_job(paused=True, **settings)
        assert paused.paused
        assert (await engine.create_job(paused=True, **settings)).version == paused.version
        assert (await engine.create_job(**settings)).paused
