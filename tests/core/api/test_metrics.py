"""`GET /metrics`, as Prometheus reads it, of a real engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from api_doubles import http_on, make_tokens, problem_of
from prometheus_client.parser import text_string_to_metric_families

from schedtui import Engine, Group
from schedtui.api.access import Access
from schedtui.api.app import create_app
from schedtui.client.local import LocalClient
from schedtui.models import Run
from schedtui.models.metrics import MAX_FAILING

NEVER = {"type": "cron", "expression": "0 0 1 1 *"}


def make_group() -> Group:
    group = Group("work")

    @group.function()
    async def good() -> None: ...

    @group.function()
    async def bad() -> None:
        raise RuntimeError("out of luck")

    @group.function()
    async def wait() -> None:
        await asyncio.Event().wait()

    return group


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(groups=[make_group()], store="memory://", pools={"db": 1})
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop(grace_s=0)


@pytest.fixture
async def http(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        lambda actor: LocalClient(engine, actor=actor),
        auth=Access(make_tokens),
        closing=asyncio.Event(),
    )
    async with http_on(app, "viewer") as client:
        yield client


async def scraped(http: httpx.AsyncClient) -> dict[str, float]:
    """Each sample by its name and labels."""
    response = await http.get("/metrics")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def ended(engine: Engine, *runs: Run) -> None:
    async with asyncio.timeout(10):
        for run in runs:
            while (await engine.reads.run(run.id)).finished_at is None:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)


async def test_runs_are_counted_by_how_they_ended(http: httpx.AsyncClient, engine: Engine) -> None:
    before = await scraped(http)
    runs = [await engine.run_function(f"work/{name}") for name in ("good", "good", "bad")]
    await ended(engine, *runs)
    after = await scraped(http)

    assert before["schedtui_runs_ended_total succeeded"] == 0
    assert after["schedtui_runs_ended_total succeeded"] == 2
    assert after["schedtui_runs_ended_total failed"] == 1
    assert after["schedtui_runs_ended_total missed"] == 0
    assert (
        after["schedtui_store_commit_seconds_count"] > before["schedtui_store_commit_seconds_count"]
    )


async def test_what_waits_and_what_is_taken_is_told(
    http: httpx.AsyncClient, engine: Engine
) -> None:
    for name in ("one", "two"):
        await engine.create_job(function="work/wait", trigger=NEVER, name=name, pool="db")
        await engine.trigger_job(f"work/{name}")

    now = await scraped(http)

    assert now["schedtui_runs_running"] == 1
    assert now["schedtui_runs_queued pool"] == 1
    assert now["schedtui_runs_queued slot"] == 0
    assert (now["schedtui_pool_used pool db"], now["schedtui_pool_capacity pool db"]) == (1, 1)
    assert now["schedtui_pool_used executor async"] == 1
    assert sum(value for name, value in now.items() if name.startswith("schedtui_jobs ")) == 2


async def test_late_runs_are_measured(http: httpx.AsyncClient, engine: Engine) -> None:
    await engine.create_job(function="work/good", trigger={"type": "every", "seconds": 0.05})
    async with asyncio.timeout(10):
        while (await scraped(http))["schedtui_run_lateness_seconds_count"] < 2:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.02)

    now = await scraped(http)
    assert now["schedtui_run_lateness_seconds_bucket +Inf"] >= 2
    assert now["schedtui_run_lateness_seconds_bucket 600.0"] >= 2
    assert now["schedtui_run_lateness_seconds_sum"] > 0


async def test_only_so_many_failing_jobs_have_a_name(
    http: httpx.AsyncClient, engine: Engine
) -> None:
    names = [f"job {number}" for number in range(MAX_FAILING + 3)]
    for name in names:
        await engine.create_job(function="work/bad", trigger=NEVER, name=name)
    runs = [await engine.trigger_job(f"work/{name}") for name in names]
    await ended(engine, *runs)

    now = await scraped(http)

    named = [name for name in now if name.startswith("schedtui_job_failures_in_a_row ")]
    assert len(named) == MAX_FAILING
    assert now["schedtui_job_failures_in_a_row work/job 0"] == 1
    assert now["schedtui_jobs_failing_left_out"] == 3


async def test_a_scrape_asks_nothing_of_the_store(
    http: httpx.AsyncClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the store was asked")

    await scraped(http)
    for name in ("runs", "run", "jobs", "open_runs", "audit_trail", "search_logs"):
        monkeypatch.setattr(engine.store, name, refuse)

    assert (await scraped(http))["schedtui_runs_running"] == 0


async def test_it_needs_a_token(engine: Engine) -> None:
    app = create_app(
        lambda actor: LocalClient(engine, actor=actor),
        auth=Access(make_tokens),
        closing=asyncio.Event(),
    )
    async with http_on(app, None) as nobody:
        assert problem_of(await nobody.get("/metrics"))["status"] == 401
