"""What every client promises of counts and times."""

from __future__ import annotations

from datetime import timedelta

import pytest
from client_contract import ended, spec

from schedtui.errors import JobNotFoundError
from schedtui.models import RunFilter, StatsBy
from schedtui.protocols import EngineClient


async def test_runs_are_counted_by_job_and_by_function(client: EngineClient) -> None:
    await client.create_job(spec(name="ann"))
    await client.create_job(spec(name="bad", function="work/fail", kwargs={}))
    runs = [await ended(client, await client.trigger_job("work/ann")) for _ in range(2)]
    bad = await ended(client, await client.trigger_job("work/bad"))
    await ended(client, await client.run_function("work/greet", {"name": "Bo"}))

    told = await client.stats()

    assert (told.by, told.complete, told.until) == (StatsBy.JOB, True, None)
    ann, failing, direct = told.items
    assert (ann.name, ann.runs, ann.states, ann.success_rate) == (
        "work/ann",
        2,
        {"succeeded": 2},
        1.0,
    )
    assert ann.longest_s == max(run.duration_s or 0 for run in runs)
    assert ann.last_success == max(run.finished_at for run in runs if run.finished_at)
    assert (failing.name, failing.success_rate, failing.last_failure) == (
        "work/bad",
        0.0,
        bad.finished_at,
    )
    assert (failing.average_s, direct.name) == (None, "work/greet")

    by_function = await client.stats(RunFilter(group="work"), by=StatsBy.FUNCTION)
    assert [(one.name, one.runs) for one in by_function.items] == [
        ("work/fail", 1),
        ("work/greet", 3),
    ]
    only = await client.stats(RunFilter(job="work/ann", since=runs[1].claimed_at))
    assert [(one.name, one.runs) for one in only.items] == [("work/ann", 1)]
    assert only.since == runs[1].claimed_at
    before = RunFilter(until=runs[0].claimed_at)
    assert (await client.stats(before)).items == ()
    assert (await client.stats(before)).since == runs[0].claimed_at - timedelta(days=1)


async def test_those_of_the_jobs_with_a_tag_are_counted(client: EngineClient) -> None:
    for name, tags in (("ann", ("night",)), ("bo", ("day",))):
        await client.create_job(spec(name=name, tags=tags))
        await ended(client, await client.trigger_job(f"work/{name}"))
    await ended(client, await client.run_function("work/greet", {"name": "Bo"}))

    for where in (RunFilter(tag="night"), RunFilter(tag="night", group="work")):
        assert [one.name for one in (await client.stats(where)).items] == ["work/ann"]
    by_function = await client.stats(RunFilter(tag="day"), by=StatsBy.FUNCTION)
    assert [(one.name, one.runs) for one in by_function.items] == [("work/greet", 1)]
    assert (await client.stats(RunFilter(tag="nobody's"))).items == ()


async def test_a_job_that_never_was_has_none(client: EngineClient) -> None:
    with pytest.raises(JobNotFoundError):
        await client.stats(RunFilter(job="work/nobody"))
