"""What runs after what: declared, created, edited; and the circles that are refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_kit import Kit, World, running

from schedtui import After, Group, Never
from schedtui.errors import InvalidError, InvalidNameError, InvalidTriggerError
from schedtui.models import Health, JobPatch, Source

LATER: Any = "later"


async def work() -> None:
    return


def group_of(**after: list[str | After] | None) -> Group:
    """A group ``g`` with a job for each word, in this order; and a function ``work``."""
    group = Group("g")
    group.function("work")(work)
    for name, follows in after.items():
        if follows is None:
            group.job(every=3_600, name=name)(work)
        else:
            group.job(after=follows, name=name)(work)
    return group


def after_of(kit: Kit, name: str) -> list[str]:
    return [str(one) for one in kit.running.core.jobs.named(f"g/{name}").job.after]


async def create(kit: Kit, name: str, *after: str | After) -> None:
    await kit.engine.create_job(function="g/work", name=name, after=after)


async def edit(kit: Kit, job: str, **fields: Any) -> None:
    await kit.engine.edit_job(f"g/{job}", JobPatch(**fields))


async def test_a_job_has_a_trigger_or_runs_after_others_or_both() -> None:
    async with running(group_of(a=None)) as kit:
        with pytest.raises(InvalidError, match="trigger: got None; expected a trigger, or jobs"):
            await kit.engine.create_job(function="g/work")
        await create(kit, "b", "g/a")
        live = kit.running.core.jobs.named("g/b")
        assert (live.job.trigger, live.schedule) == ({"type": "never"}, "after g/a")
        await kit.engine.create_job(
            function="g/work", name="c", trigger={"type": "every", "seconds": 60}, after=["g/a"]
        )
        assert kit.running.core.jobs.named("g/c").next_due_us is not None
    with pytest.raises(InvalidTriggerError, match="or none of them, with after"):
        Group("g").job(name="x")
    assert "Reports/load (failure)" in str(After(job="Reports/load", on="failure"))


async def test_what_is_followed_may_be_declared_later_and_in_another_group() -> None:
    one, other = Group("one"), Group("other")
    one.job(after=["other/b"], name="a")(work)
    other.job(trigger=Never(), name="b")(work)
    async with running(one, other) as kit:
        assert kit.running.info().problems == ()
        await kit.client.trigger_job("other/b")
        await kit.clock.settle()
        assert [run.job for run in await kit.rows()] == ["other/b", "one/a"]


async def test_a_function_stands_for_its_one_job_in_the_group() -> None:
    group = Group("g")

    @group.job(every=60)
    async def export() -> None: ...

    @group.job(after=[export])
    async def mail() -> None: ...

    assert [one.after for one in group.declarations] == [(), (After(job="g/export"),)]
    group.job(every=60, name="export-2")(export)
    with pytest.raises(InvalidError, match="a function with one job in this group"):
        group.job(after=[export])
    with pytest.raises(InvalidError, match="a function with one job in this group"):
        group.job(after=[work])


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("g/a", "a list of jobs"),
        ([7], "'group/name' or After"),
        (["a"], "'group/name'"),
        ([After(job="g/a", on=LATER)], "one of 'success', 'failure', 'end'"),
        ([f"g/{n}" for n in range(51)], "at most 50 jobs"),
    ],
)
async def test_what_cannot_be_followed_is_refused_in_code_and_at_run_time(
    after: Any, expected: str
) -> None:
    with pytest.raises((InvalidError, InvalidNameError), match=expected):
        Group("g").job(after=after, name="b")
    async with running(group_of(a=None)) as kit:
        with pytest.raises((InvalidError, InvalidNameError), match=expected):
            await kit.engine.create_job(function="g/work", name="b", after=after)


async def test_a_job_that_is_not_there_is_refused_at_run_time_and_told_of_a_declared_one() -> None:
    async with running(group_of(a=["g/gone"])) as kit:
        info = kit.running.info()
        assert info.health is Health.DEGRADED
        (told,) = info.problems
        assert told.startswith("g/a runs after g/gone, and there is no such job: declare or create")
        with pytest.raises(InvalidError, match=r"'g/none'; expected 'group/name' of a job that"):
            await create(kit, "b", "g/none")
        with pytest.raises(InvalidError, match=r"'g/none'; expected"):
            await edit(kit, "a", after=("g/none",))
        await kit.engine.create_job(function="g/work", name="gone", trigger=Never())
        assert kit.running.info().problems == ()
        await kit.client.trigger_job("g/gone")
        await kit.clock.settle()
        assert [run.job for run in await kit.rows()] == ["g/gone", "g/a"]
        await kit.client.delete_job("g/gone")
        assert len(kit.running.info().problems) == 1


async def test_watchers_are_told_when_a_followed_job_goes_and_comes() -> None:
    async with running(group_of(a=None, b=["g/dyn"])) as kit:
        cursor = (await kit.client.snapshot()).cursor
        healths = []
        for change in ("create", "rename", "rename back", "delete"):
            if change == "create":
                await kit.engine.create_job(function="g/work", name="dyn", trigger=Never())
            elif change == "delete":
                await kit.client.delete_job("g/dyn")
            else:
                old, new = ("dyn", "x") if change == "rename" else ("x", "dyn")
                await edit(kit, old, name=new)
            async with asyncio.timeout(10):
                told = await kit.running.core.hub.after(cursor)
            cursor = told.cursor
            assert told.engine is not None
            healths.append(str(told.engine.health))
        assert healths == ["ok", "degraded", "ok", "degraded"]


async def test_of_many_jobs_that_follow_nobody_a_few_are_named() -> None:
    gone: dict[str, list[str | After] | None] = {f"j{n}": ["g/gone"] for n in range(1_005)}
    async with running(group_of(**gone)) as kit:
        (told,) = kit.running.info().problems
        assert told.startswith("g/j0, g/j1, g/j2, g/j3, g/j4 and 1,000 more run after g/gone, and")


async def test_a_circle_is_refused_at_create_edit_and_rename_and_names_the_way() -> None:
    async with running(group_of(a=None, b=["g/a"], c=["g/b"], waits=["g/made"])) as kit:
        with pytest.raises(InvalidError, match=r"'g/own -> g/own'; expected jobs that do not run"):
            await create(kit, "own", "g/own")
        with pytest.raises(InvalidError, match="g/made -> g/waits -> g/made"):
            await create(kit, "made", "g/waits")
        with pytest.raises(InvalidError, match="g/a -> g/b -> g/c -> g/a"):
            await edit(kit, "a", after=("g/c",))
        await create(kit, "late", "g/waits")
        with pytest.raises(InvalidError, match="g/made -> g/waits -> g/made"):
            await edit(kit, "late", name="made")
        assert after_of(kit, "a") == []
        assert kit.running.core.jobs.find("g", "made") is None


async def test_two_edits_at_once_cannot_close_a_circle() -> None:
    async with running(group_of(a=None, b=None)) as kit:
        done = await asyncio.gather(
            edit(kit, "a", after=("g/b",)), edit(kit, "b", after=("g/a",)), return_exceptions=True
        )
        assert [type(one) for one in done] == [type(None), InvalidError]
        assert (after_of(kit, "a"), after_of(kit, "b")) == (["g/b"], [])


async def test_a_circle_in_the_code_is_told_and_leaves_the_schedules() -> None:
    group = group_of(a=["g/b"], b=["g/a"], c=["g/b"])
    group.job(every=10, after=["g/d"], name="d")(work)
    async with running(group) as kit:
        told = sorted(kit.running.info().problems)
        assert len(told) == 3
        assert told[0].startswith("g/a would run after itself, g/a -> g/b -> g/a, so it runs after")
        assert told[2].startswith("g/d would run after itself, g/d -> g/d")
        assert [after_of(kit, name) for name in "abcd"] == [[], [], ["g/b"], []]
        await kit.clock.advance(11)
        assert {run.job for run in await kit.rows()} == {"g/d"}
        await kit.client.trigger_job("g/b")
        await kit.clock.settle()
        assert sorted({run.job for run in await kit.rows()}) == ["g/b", "g/c", "g/d"]


async def test_a_circle_that_the_code_no_longer_has_is_over_at_the_next_start(world: World) -> None:
    async with running(group_of(a=["g/b"], b=["g/a"]), world=world):
        pass
    async with running(group_of(a=None, b=["g/a"]), world=world) as kit:
        assert kit.running.info().problems == ()
        assert (after_of(kit, "a"), after_of(kit, "b")) == ([], ["g/a"])
    async with running(group_of(a=["g/b"], b=None), world=world) as kit:  # turned round
        assert kit.running.info().problems == ()
        assert (after_of(kit, "a"), after_of(kit, "b")) == (["g/b"], [])


async def test_a_declaration_closes_no_circle_with_an_edit_from_outside(world: World) -> None:
    async with running(group_of(a=None, b=None), world=world) as kit:
        await edit(kit, "b", after=("g/a",))
        await create(kit, "dyn", "g/b")
    async with running(group_of(a=["g/dyn"], b=None), world=world) as kit:
        (told,) = kit.running.info().problems
        assert "g/a -> g/b -> g/dyn -> g/a" in told
        assert (after_of(kit, "a"), after_of(kit, "b")) == ([], ["g/a"])
        await edit(kit, "dyn", after=())
        await edit(kit, "b", after=("g/dyn",))
    async with running(group_of(a=["g/dyn"], b=None), world=world) as kit:
        assert kit.running.info().problems == ()
        assert after_of(kit, "a") == ["g/dyn"]


async def test_a_revert_closes_no_circle() -> None:
    async with running(group_of(a=None, b=["g/a"])) as kit:
        await edit(kit, "b", after=())
        await edit(kit, "a", after=("g/b",))
        with pytest.raises(InvalidError, match="g/b -> g/a -> g/b"):
            await kit.engine.revert_job("g/b")
        await kit.engine.revert_job("g/a")
        await kit.engine.revert_job("g/b")
        assert (after_of(kit, "a"), after_of(kit, "b")) == ([], ["g/a"])


async def test_what_a_living_job_runs_after_can_be_changed_and_survives(world: World) -> None:
    group = group_of(a=None, b=None, c=["g/a"])
    async with running(group, world=world) as kit:
        await edit(kit, "c", after=(After(job="g/b", on="end"), "g/a"))
        await create(kit, "dyn", After(job="g/b", on="failure"))
        event, *_ = (await kit.client.audit()).items[1:]
        assert event.detail["before"]["after"] == [{"job": "g/a", "on": "success"}]
    async with running(group, world=world) as kit:
        assert after_of(kit, "c") == ["g/b (end)", "g/a"]
        assert after_of(kit, "dyn") == ["g/b (failure)"]
        await kit.client.trigger_job("g/b")
        await kit.clock.settle()
        assert [run.job for run in await kit.rows() if run.source is Source.CHAIN] == ["g/c"]
        await edit(kit, "c", after=())
        await kit.client.trigger_job("g/b")
        await kit.clock.settle()
        assert len([run for run in await kit.rows() if run.source is Source.CHAIN]) == 1


async def test_a_declaration_that_changes_is_followed_and_told(world: World) -> None:
    async with running(group_of(a=None, b=None, c=["g/a"]), world=world) as kit:
        version = kit.running.core.jobs.named("g/c").version
    async with running(group_of(a=None, b=None, c=["g/a"]), world=world) as kit:
        assert kit.running.core.jobs.named("g/c").version == version
    changed = group_of(a=None, b=None, c=["g/b", After(job="g/a", on="failure")])
    async with running(changed, world=world) as kit:
        assert after_of(kit, "c") == ["g/b", "g/a (failure)"]
        edits = [e for e in (await kit.client.audit()).items if e.action == "job.edit"]
        assert [event.object for event in edits] == ["g/c"]
        assert edits[0].detail["after"]["after"][1] == {"job": "g/a", "on": "failure"}


async def test_a_program_that_says_what_it_wants_changes_what_a_job_runs_after() -> None:
    async with running(group_of(a=None, b=None)) as kit:
        jobs = []
        for follows in (["g/a"], ["g/b"], ["g/b"]):
            job = await kit.engine.create_job(
                function="g/work", name="dyn", after=follows, replace=True
            )
            jobs.append((str(job.after[0]), job.version))
        assert jobs == [("g/a", 1), ("g/b", 2), ("g/b", 2)]
