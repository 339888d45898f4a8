"""What every client promises: a job that was changed meanwhile is left as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from client_contract import spec

from schedtui.errors import VersionConflictError
from schedtui.models import JobPatch
from schedtui.protocols import EngineClient

Steer = Callable[[EngineClient, str, int], Awaitable[object]]
CALLS: dict[str, Steer] = {
    "pause": lambda client, job, version: client.pause_job(job, version=version),
    "resume": lambda client, job, version: client.resume_job(job, version=version),
    "delete": lambda client, job, version: client.delete_job(job, version=version),
}


@pytest.mark.parametrize("name", CALLS)
async def test_only_what_has_the_version_is_steered(client: EngineClient, name: str) -> None:
    job = await client.create_job(spec(name="ann"))
    if name == "resume":
        job = await client.pause_job("work/ann", version=job.version)
    changed = await client.edit_job("work/ann", JobPatch(description="changed"))

    with pytest.raises(VersionConflictError, match=f"has version {changed.version}, not"):
        await CALLS[name](client, "work/ann", job.version)

    assert await client.job("work/ann") == changed
    await CALLS[name](client, "work/ann", changed.version)


async def test_a_revert_holds_to_the_version_too(client: EngineClient) -> None:
    edited = await client.edit_job("work/yearly", JobPatch(description="edited"))

    with pytest.raises(VersionConflictError):
        await client.revert_job("work/yearly", version=edited.version - 1)

    assert (await client.job("work/yearly")).overridden
    assert not (await client.revert_job("work/yearly", version=edited.version)).overridden
