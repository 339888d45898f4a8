"""What every client promises, of idempotency keys and of periods."""

from __future__ import annotations

import asyncio

import pytest
from client_contract import ended, spec

from schedtui.errors import ConflictError, InvalidError
from schedtui.models import JobPatch, Policies, RunState
from schedtui.protocols import EngineClient

KEYS = ["order-17", 'a "quoted" \\ one', "  blanks  ", "~" * 200]


@pytest.mark.parametrize("key", KEYS)
async def test_the_same_call_with_the_same_key_is_answered_with_its_run(
    client: EngineClient, key: str
) -> None:
    await client.create_job(spec(name="hello"))

    first = await client.trigger_job("work/hello", kwargs={"times": 2}, idempotency_key=key)
    done = await ended(client, first)
    again = await client.trigger_job("work/hello", kwargs={"times": 2}, idempotency_key=key)
    direct = await client.run_function("work/greet", {"name": "Bo"}, idempotency_key=key)
    direct_again = await client.run_function("work/greet", {"name": "Bo"}, idempotency_key=key)
    repeat = await client.rerun(first.id, idempotency_key=key)
    repeat_again = await client.rerun(first.id, idempotency_key=key)

    assert (again.id, again.state, again.replayed) == (first.id, RunState.SUCCEEDED, True)
    assert (direct_again.id, direct_again.replayed) == (direct.id, True)
    assert (repeat_again.id, repeat_again.replayed) == (repeat.id, True)
    assert not any(run.replayed for run in (first, done, direct, repeat))
    assert len((await client.runs()).items) == 3


async def test_calls_without_a_key_are_calls_of_their_own(client: EngineClient) -> None:
    runs = await asyncio.gather(
        *(client.run_function("work/greet", {"name": "Bo"}) for _ in range(3))
    )

    assert len({run.id for run in runs}) == 3
    assert not any(run.replayed for run in runs)


async def test_a_key_with_other_arguments_is_a_conflict(client: EngineClient) -> None:
    await client.create_job(spec(name="hello"))
    await client.trigger_job("work/hello", idempotency_key="k")

    with pytest.raises(ConflictError, match="with other arguments; nothing was started") as raised:
        await client.trigger_job("work/hello", kwargs={"times": 2}, idempotency_key="k")

    assert [error.field for error in raised.value.errors] == ["idempotency_key"]


@pytest.mark.parametrize("key", ["", "x" * 201, "é", "a\r\nX-Other: 1"])
async def test_what_cannot_be_a_key_is_refused(client: EngineClient, key: str) -> None:
    with pytest.raises(InvalidError, match="printable ASCII"):
        await client.run_function("work/greet", {"name": "Bo"}, idempotency_key=key)

    assert (await client.runs()).items == ()


async def test_once_a_period(client: EngineClient) -> None:
    policies = Policies(run_once_key="%Y")
    job = await client.create_job(spec(name="hello", policies=policies))
    assert job.policies == policies
    first = await ended(client, await client.trigger_job("work/hello"))

    second = await client.trigger_job("work/hello")

    assert second.state is RunState.SKIPPED
    assert second.reason.endswith(f": run {first.id} succeeded")
    await client.edit_job("work/hello", JobPatch(policies=Policies()))
    assert (await client.trigger_job("work/hello")).state is not RunState.SKIPPED


@pytest.mark.parametrize("key", ["today", "%c", "%x %Y", "%Y" + "x" * 99, "%", "%%", "%Y\n", "%B"])
async def test_a_period_that_has_no_name_is_refused(client: EngineClient, key: str) -> None:
    with pytest.raises(InvalidError, match="run_once_key") as raised:
        await client.create_job(spec(policies=Policies(run_once_key=key)))

    assert [error.field for error in raised.value.errors] == ["policies.run_once_key"]
