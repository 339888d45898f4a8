"""What every client promises: jobs as files, planned, applied, and gone back from."""

from __future__ import annotations

import asyncio

import pytest
from client_contract import spec, stream
from files_kit import edited

from schedtui.errors import ConflictError, InvalidError, RevisionNotFoundError
from schedtui.models import ChangeKind, FieldChange, RunState
from schedtui.protocols import EngineClient


async def test_a_file_goes_out_and_comes_back_as_a_revision(client: EngineClient) -> None:
    kept = await client.create_job(spec(name="kept", owner="Ann"))
    gone = await client.create_job(spec(name="gone", kwargs={"name": "x", "times": 2}))
    await client.pause_job("work/yearly", reason="disk full")
    first = await client.export_jobs()
    assert (await client.plan_jobs(first.text)).changes == ()

    head, _, rest = first.text.partition('[jobs."work/gone"]')
    text = head + rest[rest.index('[jobs."work/kept"]') :]
    text = edited(text, ("Ann", "Bob"), ("disk full", "disk fuller"))
    plan = await client.plan_jobs(text)
    assert [(one.job, one.kind) for one in plan.changes] == [
        ("work/gone", ChangeKind.REMOVED),
        ("work/kept", ChangeKind.CHANGED),
        ("work/yearly", ChangeKind.CHANGED),
    ]
    assert plan.changes[1].fields[0] == FieldChange(field="owner", old="Ann", new="Bob")

    applied = await client.apply_jobs(text, note="a tidier list", plan=plan.id)

    assert applied.revision is not None
    assert applied.revision.note == "a tidier list"
    assert (applied.revision.changed, applied.revision.removed) == (2, 1)
    assert applied.changes == plan.changes
    assert (await client.export_jobs()).text == text
    job = await client.job("work/kept")
    assert (job.id, job.owner, job.version) == (kept.id, "Bob", kept.version + 1)
    assert (await client.info()).revision == applied.revision.number

    back = await client.rollback_jobs(applied.revision.number - 1)
    assert back.revision is not None
    assert back.revision.restored == applied.revision.number - 1
    assert (await client.export_jobs()).text == first.text
    again = await client.job("work/gone")
    assert again.id > gone.id, "an id is never used again"
    listed = await client.revisions(limit=2)
    assert [one.number for one in listed.items] == [3, 2]
    assert listed.cursor is not None
    assert [one.number for one in (await client.revisions(cursor=listed.cursor)).items] == [1]
    assert (await client.revision(3)).text == first.text
    event = (await client.audit(limit=1)).items[0]
    assert (event.action, event.object) == ("jobs.rollback", "revision 3")


async def test_one_bad_job_is_named_and_nothing_is_done(client: EngineClient) -> None:
    await client.create_job(spec(name="fine", owner="Ann"))
    before = await client.export_jobs()
    text = edited(before.text, ("Ann", "Bob")) + (
        '[jobs."work/bad"]\nfunction = "work/greet"\ncron = "99 * * * *"\nkwargs = {nme = "x"}\n'
        '[jobs."work/worse"]\nfunction = "work/nothing"\nevery = 60\n'
    )
    for call in (client.plan_jobs(text), client.apply_jobs(text, note="n")):
        with pytest.raises(InvalidError) as refused:
            await call
        fields = {one.field for one in refused.value.errors}
        assert any(field.startswith("jobs.work/bad.trigger") for field in fields), fields
    assert await client.export_jobs() == before
    assert (await client.revisions()).items == ()

    text = edited(text, ("99 * * * *", "9 * * * *"))
    with pytest.raises(InvalidError) as refused:
        await client.apply_jobs(text, note="n")
    fields = {one.field for one in refused.value.errors}
    assert {"jobs.work/bad.kwargs.nme", "jobs.work/worse.function"} <= fields
    assert await client.export_jobs() == before


async def test_a_plan_holds_only_for_what_was_planned(client: EngineClient) -> None:
    await client.create_job(spec(name="fine", owner="Ann"))
    text = edited((await client.export_jobs()).text, ("Ann", "Bob"))
    plan = await client.plan_jobs(text)

    with pytest.raises(ConflictError, match="file is another one"):
        await client.apply_jobs(edited(text, ("Bob", "Eve")), note="n", plan=plan.id)
    await client.pause_job("work/fine")
    with pytest.raises(ConflictError, match="jobs have changed"):
        await client.apply_jobs(text, note="n", plan=plan.id)
    await client.resume_job("work/fine")
    assert (await client.apply_jobs(text, note="n", plan=plan.id)).revision is not None


async def test_what_is_so_already_makes_no_revision(client: EngineClient) -> None:
    await client.create_job(spec(name="fine"))
    text = (await client.export_jobs()).text
    assert (await client.apply_jobs(text, note="n")).revision is None
    assert (await client.revisions()).items == ()


async def test_what_cannot_be_asked_for(client: EngineClient) -> None:
    for note in ("", "  ", "x" * 1_001):
        with pytest.raises(InvalidError, match="note"):
            await client.apply_jobs("format = 1", note=note)
    for number in (0, 7):
        with pytest.raises(RevisionNotFoundError):
            await client.rollback_jobs(number)
        with pytest.raises(RevisionNotFoundError):
            await client.plan_jobs(number)
        with pytest.raises(RevisionNotFoundError):
            await client.revision(number)
    with pytest.raises(InvalidError):
        await client.revisions(limit=0)


async def test_watchers_hear_of_a_revision(client: EngineClient) -> None:
    cursor = (await client.snapshot()).cursor
    async with stream(client, cursor) as frames:
        text = 'format = 1\n[jobs."work/new"]\nfunction = "work/greet"\nevery = 60\n'
        text += 'kwargs = {name = "Ann"}\n'
        await client.apply_jobs(text, note="n")
        async with asyncio.timeout(10):
            async for frame in frames:
                if frame.engine is not None and frame.engine.revision:
                    break
    run = await client.trigger_job("work/new")
    assert run.state in {RunState.QUEUED, RunState.RUNNING, RunState.SUCCEEDED}
