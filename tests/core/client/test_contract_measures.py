"""What every client promises: what jobs inherit, how long they took, and retries called off."""

from __future__ import annotations

import asyncio

import pytest
from client_contract import ended, spec

from schedtui import Engine, Group
from schedtui.errors import ConflictError, InvalidError, JobNotFoundError
from schedtui.models import Overlap, Policies, Run, RunFilter, RunState, WaitReason
from schedtui.protocols import EngineClient


async def succeeded(client: EngineClient, job: str) -> Run:
    return await ended(client, await client.trigger_job(job))


async def test_what_jobs_have_of_groups_and_engine(client: EngineClient, engine: Engine) -> None:
    tagged = Group("tagged", tags=["a", "b"], limit=3, timezone="Asia/Tokyo", overlap="allow")
    engine.registry.add(tagged)
    await client.create_job(spec(group="loose", name="one"))

    found = await client.defaults()

    assert found.timezone == "Europe/Berlin"
    assert (found.policies.overlap, found.policies.retry_delay_s) == (Overlap.SKIP, 1.0)
    assert set(found.slots) == {"async", "thread", "process"}
    work, other, loose = found.groups
    assert (work.name, work.declared, work.jobs, work.tags) == ("work", True, 1, ())
    assert (other.tags, other.limit, other.timezone) == (("a", "b"), 3, "Asia/Tokyo")
    assert other.policies == Policies(overlap=Overlap.ALLOW)
    assert (loose.name, loose.declared, loose.jobs) == ("loose", False, 1)


async def test_the_engine_in_numbers(client: EngineClient) -> None:
    await client.create_job(spec(name="ann"))
    lines = (await client.metrics()).splitlines()
    assert 'schedtui_jobs{state="scheduled"} 2.0' in lines


async def test_how_long_the_runs_took_that_succeeded(client: EngineClient) -> None:
    await client.create_job(spec(name="ann"))
    first, second = [await succeeded(client, "work/ann") for _ in range(2)]

    found = await client.statistics("work/ann")

    assert (found.job, found.since) == ("work/ann", None)
    assert [one.run_id for one in found.runs] == [first.id, second.id]
    assert [one.duration_s for one in found.runs] == [first.duration_s, second.duration_s]
    assert found.runs[0].finished_at == first.finished_at
    assert [one.run_id for one in (await client.statistics("work/ann", limit=1)).runs] == [
        second.id
    ]


async def test_a_run_that_failed_does_not_count(client: EngineClient) -> None:
    await client.create_job(spec(name="bad", function="work/fail", kwargs={}))
    assert (await succeeded(client, "work/bad")).state is RunState.FAILED
    assert (await client.statistics("work/bad")).runs == ()


async def test_cleared_statistics_begin_anew_and_the_history_stays(client: EngineClient) -> None:
    job = await client.create_job(spec(name="ann"))
    old = await succeeded(client, "work/ann")
    await client.clear_statistics("work/ann", expect_id=job.id)
    for reason in ("edited often", "since then"):
        await client.pause_job("work/ann", reason=reason)
        await client.resume_job("work/ann")

    found = await client.statistics("work/ann")
    assert found.runs == ()
    assert found.since is not None

    new = await succeeded(client, "work/ann")
    assert [one.run_id for one in (await client.statistics("work/ann")).runs] == [new.id]
    history = await client.runs(RunFilter(job="work/ann"))
    assert {run.id for run in history.items} == {old.id, new.id}
    lines = [line for line in (await client.audit()).items if "statistics" in line.action]
    assert [(line.action, line.object) for line in lines] == [("job.clear_statistics", "work/ann")]
    assert (await client.explain("work/ann")).job == "work/ann"


async def test_what_waits_for_a_retry_is_called_off(client: EngineClient) -> None:
    policies = Policies(retry_delay_s=3_600.0)
    failing = spec(name="bad", function="work/fail", kwargs={}, policies=policies)
    job = await client.create_job(failing)
    run = await client.trigger_job("work/bad")
    async with asyncio.timeout(10):
        while (await client.run(run.id)).wait_reason is not WaitReason.RETRY:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    assert await client.cancel_retries("work/bad", reason="mended", expect_id=job.id) == 1

    run = await ended(client, run)
    assert (run.state, run.attempt) == (RunState.CANCELLED, 1)
    assert "mended" in run.reason
    assert await client.cancel_retries("work/bad") == 0


async def test_a_run_that_runs_is_no_retry(client: EngineClient) -> None:
    await client.create_job(spec(name="slow", function="work/wait", kwargs={}))
    run = await client.trigger_job("work/slow")
    assert await client.cancel_retries("work/slow") == 0
    await client.cancel_run(run.id)
    assert (await ended(client, run)).state is RunState.CANCELLED


async def test_another_job_of_that_name_is_left_alone(client: EngineClient) -> None:
    job = await client.create_job(spec(name="ann"))
    with pytest.raises(ConflictError):
        await client.clear_statistics("work/ann", expect_id=job.id + 1)
    with pytest.raises(ConflictError):
        await client.cancel_retries("work/ann", expect_id=job.id + 1)


async def test_what_is_not_there_has_neither(client: EngineClient) -> None:
    with pytest.raises(JobNotFoundError):
        await client.statistics("work/ghost")
    with pytest.raises(JobNotFoundError):
        await client.clear_statistics("work/ghost")
    with pytest.raises(JobNotFoundError):
        await client.cancel_retries("work/ghost")
    with pytest.raises(InvalidError, match="limit"):
        await client.statistics("work/yearly", limit=0)
