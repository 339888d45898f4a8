"""What every client promises, part four: one command to many jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from client_contract import ended, spec

from schedtui.errors import InvalidError
from schedtui.models import BulkAction, JobFilter, JobState, RunState
from schedtui.protocols import EngineClient

UNTIL = datetime(2100, 1, 1, tzinfo=UTC)


async def three(client: EngineClient) -> None:
    await client.create_job(spec(name="a", tags=("db", "x")))
    await client.create_job(spec(name="b", tags=("db",), group="other"))
    await client.create_job(spec(name="c", tags=("dbs",)))


async def paused(client: EngineClient) -> set[str]:
    rows = (await client.snapshot()).jobs
    return {row.full_name for row in rows if row.state is JobState.PAUSED}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (JobFilter(tag="db"), ["work/a", "other/b"]),
        (JobFilter(group="work"), ["work/yearly", "work/a", "work/c"]),
        (JobFilter(group="work", tag="db"), ["work/a"]),
        (JobFilter(state=JobState.PAUSED), []),
        (JobFilter(group="none"), []),
    ],
)
async def test_a_filter_finds_jobs(
    client: EngineClient, where: JobFilter, found: list[str]
) -> None:
    await three(client)

    outcomes = await client.bulk(BulkAction.PAUSE, where, reason="move", until=UNTIL)

    assert [one.job for one in outcomes] == found
    assert all(one.done and not one.problem and one.run_id is None for one in outcomes)
    assert await paused(client) == set(found)
    for name in found:
        job = await client.job(name)
        assert (job.pause_reason, job.paused_until) == ("move", UNTIL)
    again = await client.bulk(BulkAction.RESUME, JobFilter(state=JobState.PAUSED))
    assert [one.job for one in again] == found
    assert await paused(client) == set()


async def test_what_is_refused_for_one_is_done_to_the_others(client: EngineClient) -> None:
    await three(client)

    outcomes = await client.bulk(BulkAction.DELETE, JobFilter(group="work"))

    assert [(one.job, one.done) for one in outcomes] == [
        ("work/yearly", False),
        ("work/a", True),
        ("work/c", True),
    ]
    assert "declared in code" in outcomes[0].problem
    left = {row.full_name for row in (await client.snapshot()).jobs}
    assert left == {"work/yearly", "other/b"}
    deleted = [one.object for one in (await client.audit(limit=2)).items]
    assert set(deleted) == {"work/a", "work/c"}


async def test_a_trigger_gives_the_runs(client: EngineClient) -> None:
    await three(client)

    outcomes = await client.bulk(BulkAction.TRIGGER, JobFilter(tag="db"))

    for one in outcomes:
        assert one.run_id is not None
        run = await ended(client, await client.run(one.run_id))
        assert (run.job, run.state) == (one.job, RunState.SUCCEEDED)


async def test_a_pause_of_many_shortens_nobodys(client: EngineClient) -> None:
    await three(client)
    await client.pause_job("work/a", reason="data broken")
    await client.pause_job("other/b", reason="later", until=UNTIL + timedelta(days=1))
    await client.pause_job("work/c", reason="sooner", until=UNTIL - timedelta(days=1))

    where = JobFilter(state=JobState.PAUSED)
    outcomes = await client.bulk(BulkAction.PAUSE, where, reason="deploy", until=UNTIL)

    assert [(one.job, one.done) for one in outcomes] == [
        ("work/a", False),
        ("other/b", False),
        ("work/c", True),
    ]
    assert "data broken), and that pause has no end: it is left as it is" in outcomes[0].problem
    assert "and that pause ends at 2100-01-02T00:00:00Z: it is left" in outcomes[1].problem
    jobs = [await client.job(name) for name in ("work/a", "other/b", "work/c")]
    assert [job.pause_reason for job in jobs] == ["data broken", "later", "deploy"]
    assert jobs[2].paused_until == UNTIL
    for _ in range(2):  # the second one finds nothing to do
        outcomes = await client.bulk(BulkAction.PAUSE, where, reason="for long")
        assert all(one.done for one in outcomes)
    jobs = [await client.job(name) for name in ("work/a", "other/b", "work/c")]
    told = [(job.pause_reason, job.paused_until) for job in jobs]
    assert told == [("data broken", None), ("for long", None), ("for long", None)]


@pytest.mark.parametrize("action", list(BulkAction))
async def test_no_filter_is_refused(client: EngineClient, action: BulkAction) -> None:
    before = (await client.snapshot()).jobs

    with pytest.raises(InvalidError, match="filter"):
        await client.bulk(action, JobFilter())

    assert (await client.snapshot()).jobs == before


async def test_a_wrong_end_is_told_once_and_nothing_is_done(client: EngineClient) -> None:
    await three(client)

    for until in (datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1)):  # noqa: DTZ001 - naive
        with pytest.raises(InvalidError) as caught:
            await client.bulk(BulkAction.PAUSE, JobFilter(tag="db"), until=until)
        assert [error.field for error in caught.value.errors] == ["until"]
    assert await paused(client) == set()


async def test_hundreds_of_jobs_in_one_call(client: EngineClient) -> None:
    for number in range(450):
        await client.create_job(spec(name=f"job {number}", tags=("many",)))

    outcomes = await client.bulk(BulkAction.PAUSE, JobFilter(tag="many"))

    assert len(outcomes) == len({one.id for one in outcomes}) == 450
    assert [one.id for one in outcomes] == sorted(one.id for one in outcomes)
    assert len(await paused(client)) == 450


@pytest.mark.parametrize("where", [JobFilter(group="a/b"), JobFilter(tag="a\x00b")])
async def test_a_filter_that_fits_nothing_is_refused(
    client: EngineClient, where: JobFilter
) -> None:
    with pytest.raises(InvalidError, match="without '/' and without control characters"):
        await client.bulk(BulkAction.PAUSE, where)


async def test_a_reason_that_cannot_be_is_refused_also_where_no_job_fits(
    client: EngineClient,
) -> None:
    with pytest.raises(InvalidError, match="reason"):
        await client.bulk(BulkAction.PAUSE, JobFilter(tag="nobody"), reason="x" * 1_001)


async def test_a_key_makes_a_trigger_of_many_safe_to_send_again(client: EngineClient) -> None:
    await three(client)
    where = JobFilter(tag="db")
    first = await client.bulk(BulkAction.TRIGGER, where, idempotency_key="k")
    await client.create_job(spec(name="d", tags=("db",)))

    again = await client.bulk(BulkAction.TRIGGER, where, idempotency_key="k")

    assert [(one.job, one.replayed) for one in first] == [("work/a", False), ("other/b", False)]
    assert [(one.job, one.run_id, one.replayed) for one in again[:2]] == [
        (one.job, one.run_id, True) for one in first
    ]
    assert [(one.job, one.replayed) for one in again[2:]] == [("work/d", False)]
    other = await client.bulk(BulkAction.TRIGGER, JobFilter(tag="x"), idempotency_key="k")
    assert [one.done for one in other] == [False]
    assert "with other arguments" in other[0].problem
    with pytest.raises(InvalidError, match="printable ASCII"):
        await client.bulk(BulkAction.TRIGGER, where, idempotency_key="")
