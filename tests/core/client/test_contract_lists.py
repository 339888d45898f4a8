"""What every client promises of lists of jobs: filters, and pages of what they find."""

from __future__ import annotations

import pytest
from client_contract import spec

from schedtui.client.closing import closing
from schedtui.errors import InvalidError
from schedtui.models import Job, JobFilter, JobPatch, JobState
from schedtui.protocols import EngineClient

FILTERS: tuple[tuple[JobFilter, list[str]], ...] = (
    (JobFilter(), ["work/yearly", "work/a", "other/b", "other/c"]),
    (JobFilter(group="other"), ["other/b", "other/c"]),
    (JobFilter(tag="night"), ["work/a", "other/b"]),
    (JobFilter(group="other", tag="night"), ["other/b"]),
    (JobFilter(state=JobState.PAUSED), ["other/c"]),
    (JobFilter(group="work", state=JobState.PAUSED), []),
    (JobFilter(group="nobody's"), []),
    (JobFilter(tag="nigh"), []),
)


@pytest.fixture
async def filled(client: EngineClient) -> EngineClient:
    await client.create_job(spec(name="a", tags=("night",)))
    await client.create_job(spec(group="other", name="b", tags=("day", "night")))
    await client.create_job(spec(group="other", name="c", tags=("day",)))
    await client.pause_job("other/c")
    return client


async def test_jobs_are_filtered(filled: EngineClient) -> None:
    for where, names in FILTERS:
        assert [job.full_name for job in (await filled.jobs(where)).items] == names


async def test_the_table_of_jobs_is_filtered_and_counts_all(filled: EngineClient) -> None:
    for where, names in FILTERS:
        found = await filled.snapshot(where)
        assert sorted(row.full_name for row in found.jobs) == sorted(names)
        assert found.engine.jobs == 4


async def test_the_changes_of_some_groups(filled: EngineClient) -> None:
    cursor = (await filled.snapshot()).cursor
    gone = await filled.job("other/b")
    for name in ("work/a", "other/c"):
        await filled.edit_job(name, JobPatch(description="new"))
    await filled.delete_job("other/b")
    await filled.create_job(spec(group="third", name="d"))

    said: dict[tuple[str, ...], tuple[set[str], set[int]]] = {}
    for groups in (("work",), ("other", "third"), ("nobody's",)):
        names, removed = said.setdefault(groups, (set(), set()))
        last = (await filled.snapshot()).cursor
        async with closing(filled.changes(cursor, groups=groups)) as stream:
            async for frame in stream:
                names |= {row.full_name for row in frame.jobs}
                removed |= set(frame.removed)
                if frame.cursor == last:
                    break

    assert said == {
        ("work",): ({"work/a"}, set()),
        ("other", "third"): ({"other/c", "third/d"}, {gone.id}),
        ("nobody's",): (set(), set()),
    }
    for wrong in ((), ("a/b",)):
        with pytest.raises(InvalidError, match="groups"):
            await anext(aiter(filled.changes(cursor, groups=wrong)))


async def test_what_a_filter_finds_comes_in_pages(filled: EngineClient) -> None:
    where = JobFilter(tag="night")
    pages: list[tuple[Job, ...]] = []
    cursor = None
    while not pages or cursor is not None:
        page = await filled.jobs(where, limit=1, cursor=cursor)
        pages.append(page.items)
        cursor = page.cursor
    assert [[job.full_name for job in page] for page in pages] == [["work/a"], ["other/b"]]
