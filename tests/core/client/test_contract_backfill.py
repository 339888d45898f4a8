"""What every client promises: due times of the past are run."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from client_contract import spec

from schedtui.errors import ConflictError, InvalidArgumentsError, InvalidError, JobNotFoundError
from schedtui.models import Policies, RunFilter, RunState, Source
from schedtui.protocols import EngineClient

HOURLY = {"type": "cron", "expression": "0 * * * *"}
BERLIN = datetime(2026, 1, 10, tzinfo=UTC) - timedelta(hours=1)
"""Midnight there."""


async def test_a_key_makes_it_safe_to_send_again(client: EngineClient) -> None:
    await client.create_job(spec(name="hourly", trigger=HOURLY))
    day = ("2026-01-10", "2026-01-11")

    first = await client.backfill_job("work/hourly", *day, again=True, idempotency_key="k")
    again = await client.backfill_job("work/hourly", *day, again=True, idempotency_key="k")

    assert (first.queued, len(first.runs), first.replayed) == (24, 24, False)
    assert again == replace(first, replayed=True)
    assert len((await client.runs(RunFilter(source=Source.BACKFILL))).items) == 24
    with pytest.raises(ConflictError, match="with other arguments; nothing was started"):
        await client.backfill_job("work/hourly", *day, idempotency_key="k")
    dry = await client.backfill_job("work/hourly", *day, idempotency_key="k", dry_run=True)
    assert (dry.backfilled, dry.replayed) == (24, False)


async def test_a_key_holds_also_where_there_was_nothing_to_run(client: EngineClient) -> None:
    await client.create_job(spec(name="hourly", trigger=HOURLY))
    minute = (BERLIN + timedelta(minutes=1), BERLIN + timedelta(minutes=2))

    first = await client.backfill_job("work/hourly", *minute, idempotency_key="k")
    again = await client.backfill_job("work/hourly", *minute, idempotency_key="k")

    assert (first.queued, first.runs) == (0, ())
    assert again == replace(first, replayed=True)


async def test_a_range_is_run_by_typed_times_in_the_jobs_zone(client: EngineClient) -> None:
    made = await client.create_job(spec(name="hourly", trigger=HOURLY))

    dry = await client.backfill_job("work/hourly", "2026-01-10", "2026-01-11", dry_run=True)
    assert (await client.runs(RunFilter(source=Source.BACKFILL))).items == ()
    answer = await client.backfill_job(
        "work/hourly", "2026-01-10", "2026-01-11", kwargs={"name": "Ann"}, expect_id=made.id
    )

    assert (dry.found, dry.queued, dry.dry_run, dry.runs) == (24, 24, True, ())
    assert (dry.job, dry.job_id, dry.timezone) == ("work/hourly", made.id, "Europe/Berlin")
    assert (dry.start, dry.end) == (BERLIN, BERLIN + timedelta(days=1))
    assert [one.local for one in dry.first[:2]] == [
        "2026-01-10T00:00:00+01:00",
        "2026-01-10T01:00:00+01:00",
    ]
    assert dry.last[-1].at == BERLIN + timedelta(hours=23)
    assert (answer.first, answer.last, len(answer.runs)) == (dry.first, dry.last, 24)
    async with asyncio.timeout(20):
        while (last := await client.run(answer.runs[-1])).state is not RunState.SUCCEEDED:  # noqa: ASYNC110 - no event for one run
            await asyncio.sleep(0.01)
    assert (last.source, last.scheduled_for) == (Source.BACKFILL, BERLIN + timedelta(hours=23))
    assert last.kwargs == {"name": "Ann"}
    again = await client.backfill_job(
        "work/hourly", BERLIN, BERLIN + timedelta(hours=25), again=True
    )
    assert (again.found, again.queued, again.backfilled) == (25, 1, 24)


async def test_what_waits_is_cancelled(client: EngineClient) -> None:
    await client.create_job(
        spec(
            name="slow",
            function="work/wait",
            kwargs={},
            trigger=HOURLY,
            policies=Policies(concurrency=2),
        )
    )
    answer = await client.backfill_job("work/slow", "2026-01-10", "2026-01-11")

    async with asyncio.timeout(10):
        while (await client.run(answer.runs[1])).state is not RunState.RUNNING:  # noqa: ASYNC110 - no event for one run
            await asyncio.sleep(0.01)
    assert await client.cancel_backfill("work/slow", reason="wrong day") == 22
    assert await client.cancel_backfill("work/slow") == 0
    done = await client.run(answer.runs[-1])
    assert (done.state, done.reason.partition(": ")[2]) == (RunState.CANCELLED, "wrong day")
    with pytest.raises(InvalidError, match="1000 characters"):
        await client.cancel_backfill("work/slow", reason="x" * 1_001)


async def test_what_cannot_be_is_refused_in_the_same_words(client: EngineClient) -> None:
    made = await client.create_job(spec(name="hourly", trigger=HOURLY))
    await client.create_job(spec(name="by-hand", trigger={"type": "never"}))

    with pytest.raises(InvalidError, match=r"limit: got 5; .* this one has 24 due times") as caught:
        await client.backfill_job("work/hourly", "2026-01-10", "2026-01-11", limit=5)
    assert [error.field for error in caught.value.errors] == ["limit"]
    for start, end, field in (
        ("whenever", None, "start"),
        (BERLIN.replace(tzinfo=None), None, "start"),
        (BERLIN, BERLIN.replace(tzinfo=None), "end"),
        (BERLIN, BERLIN, "end"),
        (datetime(2100, 1, 1, tzinfo=UTC), None, "start"),
    ):
        with pytest.raises(InvalidError) as caught:
            await client.backfill_job("work/hourly", start, end)
        assert [error.field for error in caught.value.errors] == [field]
    with pytest.raises(InvalidArgumentsError):
        await client.backfill_job("work/hourly", BERLIN, "2026-01-11", kwargs={"nobody": 1})
    with pytest.raises(ConflictError, match="has no schedule"):
        await client.backfill_job("work/by-hand", BERLIN)
    for call in (
        lambda: client.backfill_job("work/hourly", BERLIN, expect_id=made.id + 9),
        lambda: client.cancel_backfill("work/hourly", expect_id=made.id + 9),
    ):
        with pytest.raises(ConflictError):
            await call()
    with pytest.raises(JobNotFoundError):
        await client.backfill_job("work/nobody", BERLIN)
    with pytest.raises(JobNotFoundError):
        await client.cancel_backfill("work/nobody")
    assert (await client.runs(RunFilter(source=Source.BACKFILL))).items == ()
