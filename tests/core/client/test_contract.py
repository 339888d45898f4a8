"""What every client promises, part one: jobs, and what is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from client_contract import CRON, ODD_NAMES, spec

from schedtui import Engine, Group
from schedtui.client.local import LocalClient
from schedtui.errors import (
    ConflictError,
    FunctionNotFoundError,
    InvalidError,
    InvalidNameError,
    InvalidTriggerError,
    JobNotFoundError,
    RunNotFoundError,
    StaticJobError,
    VersionConflictError,
)
from schedtui.models import (
    AuditFilter,
    JobPatch,
    Page,
    Policies,
)
from schedtui.models.wire import to_wire
from schedtui.policies import inherited
from schedtui.protocols import EngineClient

# --- reading --------------------------------------------------------------------------------


async def test_the_engine_says_what_it_is(client: EngineClient, engine: Engine) -> None:
    info = await client.info()

    assert (info.timezone, info.jobs, info.health) == ("Europe/Berlin", 1, "ok")
    assert info.boot == (await LocalClient(engine).info()).boot


async def test_groups_and_functions_with_their_schemas(client: EngineClient) -> None:
    functions = await client.functions()

    assert await client.groups() == ("work",)
    assert [one.full_name for one in functions] == [
        "work/fail",
        "work/greet",
        "work/wait",
        "work/yearly",
    ]
    assert set(functions[1].parameters["properties"]) == {"name", "times"}
    assert await client.functions("work") == functions


async def test_a_created_job_reads_back_the_same(client: EngineClient) -> None:
    made = await client.create_job(
        spec(
            name="hello",
            kwargs={"name": "Ann \U0001f600", "times": 2},
            policies=Policies(grace_s=30),
            tags=("a", "b"),
            description="what\nit does",
            timezone="America/New_York",
        )
    )

    assert await client.job("work/hello") == made
    assert made.kwargs == {"name": "Ann \U0001f600", "times": 2}
    assert (made.timezone, made.tags, made.policies.grace_s) == ("America/New_York", ("a", "b"), 30)
    assert made.next_due is not None
    assert made.next_due.tzinfo is not None


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_odd_names_work_in_every_call(client: EngineClient, name: str) -> None:
    made = await client.create_job(spec(name=name))

    assert (await client.job(f"work/{name}")).id == made.id
    assert (await client.pause_job(f"work/{name}")).paused
    assert not (await client.resume_job(f"work/{name}")).paused
    run = await client.trigger_job(f"work/{name}")
    assert run.job == f"work/{name}"
    assert len((await client.next_due(f"work/{name}", count=2)).next) == 2
    await client.delete_job(f"work/{name}")
    with pytest.raises(JobNotFoundError):
        await client.job(f"work/{name}")


async def test_jobs_come_in_pages(client: EngineClient) -> None:
    for number in range(4):
        await client.create_job(spec(name=f"job {number}"))

    names: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = await client.jobs(limit=2, cursor=cursor)
        names += [job.name for job in page.items]
        cursor = page.cursor

    assert names == ["yearly", "job 0", "job 1", "job 2", "job 3"]
    assert cursor is None


async def test_next_due_times_count_in_the_jobs_zone(client: EngineClient) -> None:
    await client.create_job(spec(name="newyear", timezone="Asia/Tokyo"))

    preview = await client.next_due("work/newyear", count=3)

    assert preview.timezone == "Asia/Tokyo"
    assert [due.local[4:] for due in preview.next] == ["-01-01T09:00:00+09:00"] * 3
    assert all(due.at == datetime.fromisoformat(due.local) for due in preview.next)


async def test_a_trigger_is_explained_before_it_is_used(client: EngineClient) -> None:
    preview = await client.preview(CRON, timezone="UTC", count=2)

    assert preview.description
    assert [due.at.strftime("%m-%d %H:%M") for due in preview.next] == ["01-01 09:00"] * 2


async def test_a_preview_counts_in_the_zone_that_a_job_of_the_group_gets(
    client: EngineClient, engine: Engine
) -> None:
    engine.registry.add(Group("tokyo", timezone="Asia/Tokyo"))

    previews = [
        await client.preview(CRON, group="tokyo"),
        await client.preview(CRON, group="new"),
        await client.preview(CRON, group="tokyo", timezone="UTC"),
    ]
    made = await client.create_job(spec(group="tokyo"))

    assert [one.timezone for one in previews] == ["Asia/Tokyo", "Europe/Berlin", "UTC"]
    assert made.timezone == previews[0].timezone
    with pytest.raises(InvalidNameError):
        await client.preview(CRON, group="a/b")


async def test_what_a_job_inherits_is_told_with_what_it_says(
    client: EngineClient, engine: Engine
) -> None:
    engine.registry.add(Group("slow", timeout_s=900, retry_delay_s=5, concurrency=2))
    own = Policies(concurrency=1, retry_jitter=0.0)

    made = await client.create_job(spec(group="slow", policies=own))

    assert made.policies == own
    assert made.effective is not None
    assert None not in to_wire(made.effective).values()
    rest = inherited(own, made.effective)
    assert rest == Policies(timeout_s=900.0, retry_delay_s=5.0, retries=3)
    assert (await client.job(made.full_name)).effective == made.effective


# --- changing -------------------------------------------------------------------------------


async def test_an_edit_keeps_the_id_and_counts_the_version(client: EngineClient) -> None:
    made = await client.create_job(spec(name="hello"))

    edited = await client.edit_job(
        "work/hello", JobPatch(name="hi", kwargs={"name": "Bob"}), version=made.version
    )

    assert (edited.id, edited.name, edited.version) == (made.id, "hi", made.version + 1)
    assert await client.job("work/hi") == edited


async def test_an_edit_of_what_has_changed_is_a_conflict(client: EngineClient) -> None:
    made = await client.create_job(spec(name="hello"))
    await client.edit_job("work/hello", JobPatch(description="first"))

    with pytest.raises(VersionConflictError, match="version"):
        await client.edit_job("work/hello", JobPatch(description="2nd"), version=made.version)
    assert (await client.job("work/hello")).description == "first"


async def test_taken_names_are_conflicts(client: EngineClient) -> None:
    await client.create_job(spec(name="hello"))
    other = await client.create_job(spec(name="other"))

    with pytest.raises(ConflictError, match="exists"):
        await client.create_job(spec(name="hello"))
    with pytest.raises(ConflictError, match="exists") as caught:
        await client.edit_job("work/other", JobPatch(name="hello"), version=other.version)
    assert not isinstance(caught.value, VersionConflictError)
    assert [(error.field, error.got) for error in caught.value.errors] == [("name", "hello")]


async def test_a_job_of_the_same_name_is_not_the_expected_one(client: EngineClient) -> None:
    old = await client.create_job(spec(name="hello"))
    await client.delete_job("work/hello", expect_id=old.id)
    new = await client.create_job(spec(name="hello"))

    for call in (client.delete_job, client.pause_job, client.resume_job, client.trigger_job):
        with pytest.raises(ConflictError):
            await call("work/hello", expect_id=old.id)
    with pytest.raises(ConflictError):
        await client.edit_job("work/hello", JobPatch(description="x"), expect_id=old.id)
    assert await client.job("work/hello") == new


async def test_pause_and_resume_are_idempotent_and_say_why(client: EngineClient) -> None:
    await client.create_job(spec(name="hello"))

    paused = await client.pause_job("work/hello", reason="holidays")
    again = await client.pause_job("work/hello", reason="holidays")

    assert (paused.paused, paused.pause_reason) == (True, "holidays")
    assert again == paused
    assert not (await client.resume_job("work/hello")).paused
    assert not (await client.resume_job("work/hello")).paused


async def test_a_job_of_the_code_cannot_be_deleted(client: EngineClient) -> None:
    with pytest.raises(StaticJobError, match="code"):
        await client.delete_job("work/yearly")


async def test_what_is_done_is_in_the_audit_trail(client: EngineClient) -> None:
    await client.create_job(spec(name="hello"))
    await client.pause_job("work/hello", reason="why not")

    first, second = (await client.audit(limit=2)).items

    assert [first.action, second.action] == ["job.pause", "job.create"]
    assert first.object == "work/hello"
    assert first.actor.endswith("tester") or first.actor.startswith("local:")
    assert (await client.audit(limit=1)).cursor is not None


async def test_the_audit_trail_is_filtered(client: EngineClient) -> None:
    created = await client.create_job(spec(name="hello"))
    await client.pause_job("work/hello")
    where = AuditFilter(object="work/hello", action="job.*")

    page = await client.audit(where, limit=1)
    rest = await client.audit(where, cursor=page.cursor)

    assert [one.action for one in page.items + rest.items] == ["job.pause", "job.create"]
    actor = page.items[0].actor
    mine = await client.audit(AuditFilter(actor=actor, since=created.created_at))
    assert [one.action for one in mine.items] == ["job.pause", "job.create"]
    assert (await client.audit(AuditFilter(until=created.created_at, object="work/hello"))) == Page(
        items=(), cursor=None
    )


# --- refusals: nothing changes --------------------------------------------------------------

BAD_SPECS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"trigger": {"type": "cron", "expression": "61 * * * *"}}, InvalidError, "trigger"),
    ({"trigger": {"type": "cron", "expression": "rm -rf"}}, InvalidError, "trigger"),
    ({"trigger": {"type": "interval", "every_s": 0}}, InvalidError, "trigger"),
    ({"trigger": {"type": "interval", "every_s": -1}}, InvalidError, "trigger"),
    ({"trigger": {"type": "once", "at": "2030-01-01T00:00:00"}}, InvalidError, "trigger"),
    ({"trigger": {}}, InvalidError, "trigger"),
    ({"timezone": "Mars/Olympus"}, InvalidError, "timezone"),
    ({"name": "a/b"}, InvalidError, "name"),
    ({"name": "a\x07b"}, InvalidError, "name"),
    ({"name": ""}, InvalidError, "name"),
    ({"kwargs": {}}, InvalidError, "kwargs"),
    ({"kwargs": {"name": 3}}, InvalidError, "kwargs"),
    ({"kwargs": {"name": "Ann", "nme": "x"}}, InvalidError, "kwargs"),
    ({"policies": Policies(grace_s=-1)}, InvalidError, "policies"),
]


@pytest.mark.parametrize(("wrong", "kind", "field"), BAD_SPECS)
async def test_a_wrong_job_is_refused_by_field(
    client: EngineClient, wrong: dict[str, Any], kind: type[InvalidError], field: str
) -> None:
    before = await client.snapshot()

    with pytest.raises(kind) as caught:
        await client.create_job(spec(**wrong))

    assert {error.field.split(".")[0] for error in caught.value.errors} == {field}
    assert all(error.expected for error in caught.value.errors)
    assert (await client.snapshot()).jobs == before.jobs


async def test_all_wrong_fields_are_told_at_once(client: EngineClient) -> None:
    with pytest.raises(InvalidError) as caught:
        await client.create_job(spec(timezone="Nowhere", kwargs={}, name="a/b"))

    fields = {error.field.split(".")[0] for error in caught.value.errors}
    assert fields == {"timezone", "kwargs", "name"}


async def test_unknown_things_are_not_found(client: EngineClient) -> None:
    with pytest.raises(FunctionNotFoundError) as function:
        await client.create_job(spec(function="work/nothing"))
    assert "nothing" in str(function.value)
    with pytest.raises(JobNotFoundError) as job:
        await client.job("work/nothing")
    assert job.value.name == "work/nothing"
    for run_id in (10**6, 2**62):
        with pytest.raises(RunNotFoundError):
            await client.run(run_id)
        with pytest.raises(RunNotFoundError):
            await client.logs(run_id)
        with pytest.raises(RunNotFoundError):
            await anext(aiter(client.follow(run_id)))
    for name in ("no slash", "work/a/b", "", "work/.."):
        with pytest.raises((JobNotFoundError, InvalidNameError)):
            await client.job(name)


async def test_a_wrong_trigger_is_explained(client: EngineClient) -> None:
    with pytest.raises(InvalidTriggerError) as caught:
        await client.preview({"type": "cron", "expression": "* * * *"})

    assert caught.value.errors[0].field == "trigger.expression"
    assert caught.value.errors[0].expected
    assert not caught.value.retryable
