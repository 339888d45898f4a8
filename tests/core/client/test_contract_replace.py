"""What every client promises of a job that is put in place of itself, or is created once."""

from __future__ import annotations

import asyncio

import pytest
from client_contract import spec

from schedtui.errors import ConflictError, InvalidError, JobNotFoundError, VersionConflictError
from schedtui.models import Policies
from schedtui.protocols import EngineClient


async def test_a_job_is_created_then_replaced_in_place(client: EngineClient) -> None:
    wanted = spec(name="hello", tags=("a",))
    made = await client.create_job(wanted, replace=True)
    same = await client.create_job(wanted, replace=True)
    await client.pause_job("work/hello", reason="not now")
    other = spec(name="hello", description="new", policies=Policies(retries=2))
    changed = await client.create_job(other, replace=True, version=2)

    assert (same.id, same.version) == (made.id, 1)
    assert (changed.id, changed.version, changed.paused) == (made.id, 3, True)
    assert (changed.tags, changed.description) == ((), "new")
    assert changed.policies.retries == 2
    assert len((await client.jobs()).items) == 2  # and that of the code


async def test_a_version_that_is_not_there_any_more_is_left_alone(client: EngineClient) -> None:
    await client.create_job(spec(name="hello"))

    with pytest.raises(VersionConflictError):
        await client.create_job(spec(name="hello", tags=("a",)), replace=True, version=7)
    with pytest.raises(VersionConflictError, match="there is no job work/other"):
        await client.create_job(spec(name="other"), replace=True, version=1)

    assert (await client.job("work/hello")).tags == ()
    with pytest.raises(JobNotFoundError):
        await client.job("work/other")


async def test_what_cannot_be_replaced_is_refused(client: EngineClient) -> None:
    with pytest.raises(InvalidError, match="a name, with replace=True"):
        await client.create_job(spec(), replace=True)
    with pytest.raises(ConflictError):
        await client.create_job(spec(name="yearly"), replace=True)
    with pytest.raises(ConflictError):
        await client.create_job(spec(name="yearly"), replace=True, version=1)
    with pytest.raises(InvalidError):
        await client.create_job(spec(name="a/b"), replace=True)


async def test_a_call_with_a_key_creates_one_job(client: EngineClient) -> None:
    calls = (client.create_job(spec(), idempotency_key="order 17") for _ in range(4))
    made = await asyncio.gather(*calls)
    again = await client.create_job(spec(), idempotency_key="order 17")
    other = await client.create_job(spec(), idempotency_key="order 18")

    assert len({job.id for job in (*made, again)}) == 1
    assert [job.replayed for job in made].count(False) == 1
    assert again.replayed
    assert (other.name, other.replayed) == ("greet-2", False)
    assert not (await client.job("work/greet")).replayed
    with pytest.raises(ConflictError, match="was used for job"):
        await client.create_job(spec(tags=("x",)), idempotency_key="order 17")
