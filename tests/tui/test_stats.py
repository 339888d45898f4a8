"""``schedtui stats``, and the numbers beside a job."""

from __future__ import annotations

import asyncio

import pytest
from console_driver import console, three
from engine_shell import Shell, engine_shell

from schedtui.client.local import LocalClient
from schedtui.models import Figures

shell = pytest.fixture(engine_shell)


def test_jobs_and_functions_are_counted(shell: Shell) -> None:
    client = LocalClient(shell.engine)

    async def work() -> None:
        for run in (
            await client.trigger_job("work/monday"),
            await client.run_function("ops/bare", {"command": "x"}),
        ):
            async for _ in client.follow(run.id):
                pass

    asyncio.run_coroutine_threadsafe(work(), shell.engine.running.loop).result(10)

    head, *rows = shell.run("stats")[0].splitlines()
    assert head.split()[:6] == ["JOB", "RUNS", "OK", "FAILED", "RATE", "AVG"]
    assert [row.split()[:5] for row in rows] == [
        ["ops/bare", "1", "1", "0", "100.0%"],
        ["work/monday", "1", "1", "0", "100.0%"],
    ]
    found = shell.json("stats", "--by", "function", "--group", "work", "--since", "7d")
    assert [(one["name"], one["runs"]) for one in found["items"]] == [("work/greet", 1)]
    assert "no runs since" in shell.run("stats", "--function", "work/hourly")[1]


async def test_the_numbers_of_a_day_are_shown_beside_a_job() -> None:
    engine = three()
    engine.figures = (
        Figures(name="Reports/alpha", runs=40, success_rate=0.975, average_s=1.2, p95_s=3.1),
    )
    async with console(engine, size=(150, 40)) as driver:
        await driver.press("enter")
        await driver.shows("Last 24 h", "40 runs, 97.5% ok, avg 1.2s")
