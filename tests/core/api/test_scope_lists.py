"""Lists as a token of some groups reads them: whole, and without those of the other groups."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from scope_kit import CRON, fail, scoped_engine

from schedtui import Engine
from schedtui.client.closing import closing
from schedtui.client.local import LocalClient
from schedtui.client.scoped import MAX_PAGES, ScopedClient
from schedtui.errors import ForbiddenError
from schedtui.models import Job, JobFilter, JobSpec, Page, Run, RunFilter, Snapshot

engine = pytest.fixture(scoped_engine)


async def test_pages_leave_nothing_out(engine: Engine) -> None:
    """Runs of two groups one after the other, read by a token of both and by one of one."""
    whole = LocalClient(engine)
    for group in ("theirs", "mine", "theirs", "theirs", "mine"):
        await whole.run_function(f"{group}/f")
    for groups, number in ((("mine",), 4), (("mine", "other"), 4), (("mine", "theirs"), 9)):
        scoped = ScopedClient(whole, groups)
        found: list[int] = []
        cursor = None
        while True:
            page = await scoped.runs(limit=2, cursor=cursor)
            found += [run.id for run in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert (len(found), found) == (number, sorted(found, reverse=True))


async def test_the_runs_of_other_groups_are_not_looked_through(engine: Engine) -> None:
    asked: list[RunFilter | None] = []

    class Asked(LocalClient):
        async def runs(self, where: RunFilter | None = None, **how: Any) -> Page[Run]:
            asked.append(where)
            return await super().runs(where, **how)

    whole = LocalClient(engine)
    for _ in range(MAX_PAGES + 10):
        await whole.trigger_job("theirs/static")
    newest = await whole.trigger_job("mine/static")
    scoped = ScopedClient(Asked(engine), ("mine", "other"))

    first = await scoped.runs(limit=1)
    second = await scoped.runs(limit=1, cursor=first.cursor)
    assert len(second.items) == 1
    third = await scoped.runs(limit=2, cursor=second.cursor)

    assert [run.id for run in first.items] == [newest.id]
    assert [run.job for run in (*second.items, *third.items)] == ["mine/f", "mine/j"]
    assert third.cursor is None
    assert all(one is not None and (one.group or one.job_id == 0) for one in asked)
    asked.clear()
    tagged = await scoped.runs(RunFilter(tag="shared"))
    assert [run.id for run in tagged.items] == [newest.id, third.items[0].id]
    assert asked == [RunFilter(tag="shared", group=group) for group in ("mine", "other")]
    assert (await scoped.runs(RunFilter(group="mine"), limit=1)).cursor == first.cursor


async def test_dead_runs_of_functions_are_there_once(engine: Engine) -> None:
    whole = LocalClient(engine)
    await fail(whole)
    newest = (await fail(whole))["mine"]
    for groups, number in ((("mine",), 2), (("mine", "theirs"), 4)):
        scoped = ScopedClient(whole, groups)
        found: list[int] = []
        cursor = None
        while not found or cursor is not None:
            page = await scoped.runs(RunFilter(dead=True), limit=3, cursor=cursor)
            found += [run.id for run in page.items]
            cursor = page.cursor
        assert (len(found), found) == (number, sorted(set(found), reverse=True))
    mine = await ScopedClient(whole, ("mine", "theirs")).runs(
        RunFilter(dead=True, function="mine/bad")
    )
    assert mine.items[0].id == newest.id
    assert len(mine.items) == 2


async def test_pages_of_jobs_are_full_and_leave_nothing_out(engine: Engine) -> None:
    whole = LocalClient(engine)
    for number, group in enumerate(("theirs", "mine", "theirs", "theirs", "mine")):
        spec = JobSpec(function=f"{group}/f", trigger=CRON, name=f"j{number}", tags=("new",))
        await whole.create_job(spec)
    for groups, number in ((("mine",), 4), (("mine", "other"), 4), (("mine", "theirs"), 9)):
        scoped = ScopedClient(whole, groups)
        pages: list[list[int]] = []
        cursor = None
        while not pages or cursor is not None:
            page = await scoped.jobs(limit=2, cursor=cursor)
            pages.append([job.id for job in page.items])
            cursor = page.cursor
        found = [one for page in pages for one in page]
        assert (len(found), found) == (number, sorted(found))
        assert {len(page) for page in pages[:-1]} == {2}
    scoped = ScopedClient(whole, ("mine",))
    new = [job.full_name for job in (await scoped.jobs(JobFilter(tag="new"))).items]
    assert new == ["mine/j1", "mine/j4"]
    assert (await scoped.jobs(JobFilter(group="theirs"))).items == ()
    shown = await scoped.snapshot(JobFilter(tag="new"))
    assert ([row.full_name for row in shown.jobs], shown.engine.jobs) == (new, 4)


async def test_it_is_not_asked_for_the_jobs_of_other_groups(engine: Engine) -> None:
    asked: list[JobFilter | None] = []

    class Asked(LocalClient):
        async def snapshot(self, where: JobFilter | None = None) -> Snapshot:
            asked.append(where)
            return await super().snapshot(where)

        async def jobs(self, where: JobFilter | None = None, **how: Any) -> Page[Job]:
            asked.append(where)
            return await super().jobs(where, **how)

        def changes(self, cursor: str, *, groups: Collection[str] | None = None) -> Any:
            assert groups == {"mine"}
            return super().changes(cursor, groups=groups)

    scoped = ScopedClient(Asked(engine), ("mine",))

    assert await scoped.cursor() == await LocalClient(engine).cursor()
    assert not asked
    assert (await scoped.info()).jobs == 2
    await scoped.snapshot()
    await scoped.jobs()
    assert asked == [JobFilter(group="mine")] * 3
    cursor = await scoped.cursor()
    await LocalClient(engine).pause_engine(reason="a break")
    asked.clear()
    async with closing(scoped.changes(cursor)) as stream:
        frame = await anext(aiter(stream))
    assert frame.engine is not None
    assert (frame.engine.jobs, asked) == (2, [JobFilter(group="mine")])
    with pytest.raises(ForbiddenError, match="none of them"):
        await anext(scoped.changes(cursor, groups=["theirs"]))


async def test_who_has_no_group_sees_nothing(engine: Engine) -> None:
    scoped = ScopedClient(LocalClient(engine), ())
    assert ((await scoped.snapshot()).jobs, (await scoped.info()).jobs) == ((), 0)
    assert (await scoped.jobs()).items == ()
