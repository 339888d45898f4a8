"""What every client promises, part six: jobs that run after others."""

from __future__ import annotations

import asyncio

import pytest
from client_contract import ended, spec

from schedtui.errors import InvalidError, InvalidNameError
from schedtui.models import After, JobPatch, Run, RunFilter, RunState, Source
from schedtui.protocols import EngineClient


async def child_of(client: EngineClient, parent: Run) -> Run:
    """The run that followed another one, when it has ended."""
    async with asyncio.timeout(10):
        while True:
            page = await client.runs(RunFilter(source=Source.CHAIN), limit=10)
            for run in page.items:
                if run.parent_id == parent.id and run.finished_at is not None:
                    return run
            await asyncio.sleep(0.01)


async def test_a_job_without_a_trigger_runs_after_another_one(client: EngineClient) -> None:
    first = await client.create_job(spec(name="first"))
    after = ("work/first", After(job="work/yearly", on="failure"))
    second = await client.create_job(spec(name="second", trigger=None, after=after))
    assert second.after == (After(job="work/first"), After(job="work/yearly", on="failure"))
    assert (await client.job("work/second")).trigger == {"type": "never"}
    row = next(row for row in (await client.snapshot()).jobs if row.id == second.id)
    assert row.schedule == "after work/first, work/yearly (failure)"

    parent = await ended(client, await client.trigger_job(first.full_name))
    child = await child_of(client, parent)
    assert (child.job, child.state) == ("work/second", RunState.SUCCEEDED)
    assert child.actor == f"after run {parent.id} of work/first (succeeded)"
    told = await client.explain("work/second")
    assert f"chain: after run {parent.id} of work/first (succeeded)" in str(told.facts)
    assert "it has no schedule: it runs after work/first, work/yearly (failure)" in told.summary


async def test_what_a_job_runs_after_is_replaced_by_an_edit(client: EngineClient) -> None:
    await client.create_job(spec(name="first"))
    await client.create_job(spec(name="second", after=("work/first",)))
    edited = await client.edit_job(
        "work/second", JobPatch(after=(After(job="work/first", on="end"), "work/yearly"))
    )
    assert edited.after == (After(job="work/first", on="end"), After(job="work/yearly"))
    kept = await client.edit_job("work/second", JobPatch(description="x"))
    assert kept.after == edited.after
    assert (await client.edit_job("work/second", JobPatch(after=()))).after == ()


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (("work/none",), "work/none"),
        (("nobody",), "group/name"),
        (("work/second",), "work/second -> work/second"),
    ],
)
async def test_what_cannot_be_followed_is_refused(
    client: EngineClient, after: tuple[str, ...], told: str
) -> None:
    with pytest.raises((InvalidError, InvalidNameError), match=told) as caught:
        await client.create_job(spec(name="second", after=after))
    assert {error.field for error in caught.value.errors} == {"after"}


async def test_a_job_that_never_runs_is_refused(client: EngineClient) -> None:
    with pytest.raises(InvalidError, match="a trigger, or jobs to run after"):
        await client.create_job(spec(name="second", trigger=None))
