"""Applying a file on a running engine: in place, in one transaction, or not at all."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import pairwise

import pytest
from engine_commands import EVERY_10, Editable, dynamic
from engine_kit import FULL, Kit, World, at, check, due_s, running
from files_kit import edited

from schedtui import Once
from schedtui.engine.live.followers import refuse_circle
from schedtui.errors import ConflictError, InvalidError, SchedtuiError, StoreUnavailableError
from schedtui.models import After, JobPatch, JobState, RunState
from schedtui.models.jobs_file import JobsFile, parse


@pytest.fixture
def worker() -> Editable:
    return Editable()


@pytest.fixture
async def kit(worker: Editable, world: World) -> AsyncIterator[Kit]:
    """Two jobs that are due every ten seconds, three seconds ago since the last time."""
    async with running(worker.group, world=world) as kit:
        await dynamic(kit, name="one", owner="Ann")
        await dynamic(kit, name="two")
        await kit.clock.advance(23)
        yield kit


async def text_of(kit: Kit, *pairs: tuple[str, str]) -> str:
    return edited((await kit.client.export_jobs()).text, *pairs)


async def test_a_job_keeps_id_history_and_phase(kit: Kit, worker: Editable) -> None:
    before = await kit.client.job("g/one")
    text = await text_of(kit, ("every = 10", "every = 10\ntags = ['x']"), ("Ann", "Bob"))
    await kit.client.apply_jobs(text, note="n")
    job = await kit.client.job("g/one")
    assert (job.id, job.next_due, job.last_due) == (before.id, at(30), at(20))
    assert (job.tags, job.owner, job.version) == (("x",), "Bob", before.version + 1)
    untouched = await kit.client.job("g/two")
    assert untouched.version == 1

    await kit.client.apply_jobs(await text_of(kit, ("every = 10", "every = 15")), note="n")
    assert (await kit.client.job("g/one")).next_due == at(30), "after now and the last claim"
    await kit.clock.advance(40)
    rows = [due_s(run) for run in await kit.rows(before.id)]
    assert rows == [10.0, 20.0, 30.0, 45.0, 60.0]
    await check(kit, after=at(23), effects=worker.done)


async def test_a_pause_and_its_end(kit: Kit, worker: Editable) -> None:
    pause = "\npaused = true\npause_reason = 'stock'\npaused_until = 2026-03-02T12:02:00Z"
    text = await text_of(kit, ("every = 10", f"every = 10{pause}"))
    await kit.client.apply_jobs(text, note="n")
    job = await kit.client.job("g/one")
    assert (job.paused, job.pause_reason, job.paused_until) == (True, "stock", at(120))
    assert await text_of(kit) == (await kit.client.revision(2)).text
    await kit.clock.advance(20)
    await kit.client.apply_jobs((await kit.client.revision(1)).text, note="n")
    assert not (await kit.client.job("g/one")).paused
    states = [(due_s(run), run.state) for run in await kit.rows(job.id)]
    assert states[-2:] == [(30.0, RunState.SKIPPED), (40.0, RunState.SKIPPED)]
    actions = [one.action for one in (await kit.client.audit(limit=9)).items]
    assert actions.count("job.pause") == actions.count("job.resume") == 1
    await kit.clock.advance(30)
    await check(kit, effects=worker.done)


async def test_a_pause_that_is_over_ends_by_itself(kit: Kit) -> None:
    await kit.client.pause_job("g/one", until=at(60))
    text = await text_of(kit)
    await kit.clock.advance(40)
    assert not (await kit.client.job("g/one")).paused
    await kit.client.apply_jobs(text, note="n")
    await kit.clock.advance(5)
    assert not (await kit.client.job("g/one")).paused


@pytest.mark.parametrize("point", ["begin", "insert_job", "update_job:after", "commit"])
async def test_a_store_that_fails_in_between_leaves_nothing(
    kit: Kit, worker: Editable, point: str
) -> None:
    before = await text_of(kit)
    new = '[jobs."g/new"]\nfunction = "g/work"\nevery = 10\n'
    text = edited(before, ("Ann", "Bob"), ('[jobs."g/two"]', f'{new}[jobs."g/two2"]'))
    kit.faults.once(point, FULL)
    with pytest.raises(StoreUnavailableError):
        await kit.client.apply_jobs(text, note="n")
    await kit.clock.advance(10)
    assert await text_of(kit) == before
    assert (await kit.client.revisions()).items == ()
    assert {job.name: job.version for job in kit.store.jobs()} == {"one": 1, "two": 1}

    applied = await kit.client.apply_jobs(text, note="n")
    assert applied.revision is not None
    assert (applied.revision.number, applied.revision.added) == (2, 2)
    await kit.clock.advance(10)
    await check(kit, effects=worker.done)


async def test_names_are_free_within_one_transaction(kit: Kit) -> None:
    gone = await kit.client.job("g/two")
    text = (await text_of(kit)).partition('[jobs."g/two"]')[0]
    await kit.client.apply_jobs(text, note="n")
    await kit.client.rollback_jobs(1)
    again = await kit.client.job("g/two")
    assert again.id > gone.id
    actions = [one.action for one in (await kit.client.audit(limit=4)).items]
    assert actions == ["jobs.rollback", "job.create", "jobs.apply", "job.delete"]


async def test_what_was_changed_by_hand_is_a_revision_of_its_own(kit: Kit) -> None:
    await kit.client.apply_jobs(await text_of(kit, ("Ann", "Bob")), note="first")
    await kit.client.edit_job("g/one", JobPatch(owner="Eve"))
    by_hand = await text_of(kit)
    await kit.client.apply_jobs(await text_of(kit, ("Eve", "Zoe")), note="second")

    listed = (await kit.client.revisions()).items
    assert [(one.number, one.note) for one in listed][::-1] == [
        (1, "as the jobs were before the next revision"),
        (2, "first"),
        (3, "as the jobs were before the next revision"),
        (4, "second"),
    ]
    assert (await kit.client.revision(3)).text == by_hand
    await kit.client.rollback_jobs(3, note="Eve it is")
    assert await text_of(kit) == by_hand
    assert (await kit.client.revisions(limit=1)).items[0].note == "Eve it is"


async def test_the_revision_outlives_the_engine(world: World) -> None:
    async with running(Editable().group, world=world) as kit:
        await dynamic(kit, name="one", owner="Ann")
        await kit.client.apply_jobs(await text_of(kit, ("Ann", "Bob")), note="n")
        text = await text_of(kit)
    async with running(Editable().group, world=world) as kit:
        assert (await kit.client.info()).revision == 2
        assert (await kit.client.revision(2)).text == text
        assert (await kit.client.apply_jobs(text, note="n")).revision is None


MEANWHILE: dict[str, Callable[[Kit], object]] = {
    "edit": lambda kit: kit.client.edit_job("g/one", JobPatch(owner="Eve")),
    "delete": lambda kit: kit.client.delete_job("g/one"),
    "create": lambda kit: dynamic(kit, name="three"),
}


@pytest.mark.parametrize("command", ["edit", "delete", "create"])
async def test_what_changes_while_a_file_is_compared_is_not_lost(
    kit: Kit, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await text_of(kit, ("every = 10", "every = 20"))
    revisions = kit.running.revisions
    original = revisions._with_the_one_before
    done: list[object] = []

    async def meanwhile(present: str) -> object:
        if not done:
            done.append(await MEANWHILE[command](kit))  # type: ignore[misc]  # a coroutine
        return await original(present)

    monkeypatch.setattr(revisions, "_with_the_one_before", meanwhile)
    await kit.client.apply_jobs(text, note="n")
    assert await text_of(kit) == edited(text), "the file won, over the jobs as they were by then"
    assert ("Eve" in (await kit.client.revision(1)).text) is (command == "edit")
    assert ("three" in (await kit.client.revision(1)).text) is (command == "create")


async def test_a_job_that_never_keeps_still_is_told(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await text_of(kit, ("every = 10", "every = 20"))
    revisions = kit.running.revisions
    original = revisions._with_the_one_before

    async def meanwhile(present: str) -> object:
        paused = (await kit.client.job("g/two")).paused
        change = kit.client.resume_job if paused else kit.client.pause_job
        await change("g/two")
        return await original(present)

    monkeypatch.setattr(revisions, "_with_the_one_before", meanwhile)
    with pytest.raises(ConflictError, match="changed each time"):
        await kit.client.apply_jobs(text, note="n")
    assert (await kit.client.job("g/one")).trigger == EVERY_10


async def test_one_plan_is_read_at_a_time(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    text = await text_of(kit, ("every = 10", "every = 20"))
    lock, most, reading = threading.Lock(), 0, 0

    def counted(text: str) -> JobsFile:
        nonlocal most, reading
        with lock:
            reading += 1
            most = max(most, reading)
        time.sleep(0.02)  # on a thread, where others could get in
        with lock:
            reading -= 1
        return parse(text)

    monkeypatch.setattr("schedtui.engine.revisions.revisions.parse", counted)
    plans = await asyncio.gather(*(kit.client.plan_jobs(text) for _ in range(4)))
    assert len({plan.id for plan in plans}) == 1
    assert most == 1


async def test_a_moment_that_is_over_comes_back_as_finished(kit: Kit) -> None:
    await kit.engine.create_job(function="g/work", trigger=Once(at(30)), name="once")
    text = await text_of(kit)
    await kit.clock.advance(20)
    await kit.client.apply_jobs(await text_of(kit, ("Ann", "Bob")), note="n")
    await kit.client.delete_job("g/once")
    plan = await kit.client.plan_jobs(text)
    assert plan.warnings == ("g/once will not be due any more: its moment is over",)
    await kit.client.apply_jobs(text, note="n")
    assert await text_of(kit) == text
    job = await kit.client.job("g/once")
    rows = {row.id: row.state for row in (await kit.client.snapshot()).jobs}
    assert (job.next_due, rows[job.id]) == (None, JobState.FINISHED)


@pytest.mark.parametrize(
    ("block", "field"),
    [
        ('function = "g/work"\ncron = "0 0 30 2 *"', "trigger.expression"),
        ('function = "g/work"', "cron"),
        ("every = 5", "function"),
        ('function = "g/none"\nevery = 5', "function"),
        ('function = "g/work"\nevery = 5\ntimezone = "Mars/Base"', "timezone"),
        ('function = "g/work"\nevery = 5\nafter = ["g/none"]', "after"),
        ('function = "g/work"\nevery = 5\nafter = ["g/bad"]', "after"),
        ('function = "g/work"\nevery = 5\nkwargs = {n = "x"}', "kwargs.n"),
        ('function = "g/work"\nevery = 5\npolicies = {pool = "none"}', "pool"),
        ('function = "g/work"\nevery = 5\npolicies = {retries = -1}', "retries"),
        ('function = "g/work"\nevery = 5\ntags = ["a/b"]', "tags"),
        (f'function = "g/work"\nevery = 5\nowner = "{"x" * 201}"', "owner"),
        ('function = "g/work"\nevery = "soon"', "trigger.typed"),
    ],
)
async def test_one_bad_job_is_named_with_its_field(kit: Kit, block: str, field: str) -> None:
    before = await text_of(kit)
    text = edited(before, ("Ann", "Bob")) + f'[jobs."g/bad"]\n{block}\n'
    for call in (kit.client.plan_jobs(text), kit.client.apply_jobs(text, note="n")):
        with pytest.raises(InvalidError) as refused:
            await call
        fields = [one.field for one in refused.value.errors]
        assert all(one.startswith("jobs.g/bad") for one in fields), fields
        assert any(one.endswith(field) for one in fields), fields
    assert await text_of(kit) == before


@pytest.mark.parametrize(("end", "walks"), [("g/one", 0), ("g/j0", 10)])
async def test_a_long_row_of_jobs_is_not_gone_through_for_each(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, end: str, walks: int
) -> None:
    walked: list[str] = []

    def refuse(name: str, after: Callable[[str], Iterable[After]]) -> None:
        walked.append(name)
        refuse_circle(name, after)

    monkeypatch.setattr("schedtui.engine.jobs.draft.refuse_circle", refuse)
    names = [*(f"g/j{number}" for number in range(50)), end]
    text = await text_of(kit)
    for name, other in pairwise(names):
        text += f'[jobs."{name}"]\nfunction = "g/work"\nafter = ["{other}"]\n'
    if walks:
        with pytest.raises(InvalidError) as refused:
            await kit.client.plan_jobs(text)
        assert len(refused.value.errors) == 50
        assert "g/j0 -> g/j49" in str(refused.value)
    else:
        assert len((await kit.client.plan_jobs(text)).changes) == 50
    assert len(walked) == walks


async def test_a_zone_and_a_trigger_that_cannot_be_are_told_at_once(kit: Kit) -> None:
    block = 'function = "g/work"\ncron = "61 * * * *"\ntimezone = "Mars/Base"'
    with pytest.raises(InvalidError) as refused:
        await kit.client.plan_jobs(await text_of(kit) + f'[jobs."g/bad"]\n{block}\n')
    fields = [one.field for one in refused.value.errors]
    assert fields == ["jobs.g/bad.timezone", "jobs.g/bad.trigger.expression"]


async def test_a_job_that_is_never_due_has_no_moment_that_is_over(kit: Kit) -> None:
    never = 'trigger = {type = "never"}'
    startup = f'function = "g/work"\n{never}\npolicies = {{run_on_startup = true}}'
    text = await text_of(kit, ("every = 10", never)) + f'[jobs."g/startup"]\n{startup}\n'
    assert (await kit.client.plan_jobs(text)).warnings == ("g/one will not be due any more",)


async def test_jobs_that_follow_each_other_come_together(kit: Kit) -> None:
    job = 'function = "g/work"\n'
    chain = f'[jobs."g/b"]\n{job}after = ["g/a"]\n[jobs."g/a"]\n{job}after = ["g/one"]\n'
    text = await text_of(kit) + chain
    await kit.client.apply_jobs(text, note="n")
    assert await text_of(kit) == (await kit.client.revision(2)).text
    circle = edited(await text_of(kit), ("every = 10", 'every = 10\nafter = ["g/b"]'))
    with pytest.raises(InvalidError, match="do not run, directly or through others"):
        await kit.client.apply_jobs(circle, note="n")

    await kit.client.delete_job("g/a")
    await kit.client.apply_jobs(await text_of(kit, ("Ann", "Bob")), note="b follows nobody")
    gone = (await kit.client.revision(3)).text
    await kit.client.apply_jobs(gone.partition('[jobs."g/b"]')[0] + OTHERS, note="n")
    plan = await kit.client.plan_jobs(3)
    assert plan.warnings == ("g/b runs after g/a, which will not be there",)
    await kit.client.rollback_jobs(3)
    assert await text_of(kit) == gone


OTHERS = '[jobs."g/one"]\nfunction = "g/work"\nevery = 10\ntimezone = "UTC"\nowner = "Ann"\n'


async def test_a_damaged_job_has_no_place_in_a_file(kit: Kit) -> None:
    live = next(one for one in kit.running.core.jobs if one.full_name == "g/one")
    live.job = type(live.job)(
        **{
            **{name: getattr(live.job, name) for name in live.job.__dataclass_fields__},
            "damage": {"kwargs": "not JSON"},
        }
    )
    for call in (kit.client.export_jobs(), kit.client.apply_jobs("format = 1", note="n")):
        with pytest.raises(SchedtuiError, match="g/one has no place in a file"):
            await call
