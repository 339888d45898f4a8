"""`create_job(replace=True)`: what a program says at every start."""

from __future__ import annotations

import pytest

from schedtui import Cron, Engine, Group
from schedtui.client.local import LocalClient
from schedtui.errors import ConflictError
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
