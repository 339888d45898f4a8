"""Owner, expected result, runbook and rollback note: in code, at run time, over restarts."""

from __future__ import annotations

from typing import Any

import pytest

from schedtui import Cron, Engine, Group
from schedtui.client.local import LocalClient
from schedtui.errors import InvalidError
from schedtui.models import JobPatch
from schedtui.models.notes import NOTES, notes_of
from schedtui.testing import FakeClock, MemoryStore

TOLD: dict[str, Any] = {
    "owner": "Ann <ann@example.com>",
    "expected": "one row a day in sales",
    "runbook": "https://wiki.example.com/sales",
    "rollback": "delete the rows of that day",
}


def group(**notes: Any) -> Group:
    work = Group("work")

    @work.job(cron="0 0 1 1 *", **notes)
    async def yearly() -> None: ...

    return work


def engine(store: MemoryStore, **notes: Any) -> Engine:
    return Engine(groups=[group(**notes)], store=store, clock=FakeClock())


async def test_code_gives_them_changes_them_and_takes_them_back() -> None:
    store = MemoryStore()
    async with engine(store, **TOLD) as first:
        job = await LocalClient(first).job("work/yearly")
        assert notes_of(job) == TOLD
    async with engine(store, **{**TOLD, "owner": "Bob"}) as second:
        changed = await LocalClient(second).job("work/yearly")
        assert (changed.owner, changed.runbook, changed.id) == ("Bob", TOLD["runbook"], job.id)
    async with engine(store) as third:
        assert notes_of(await LocalClient(third).job("work/yearly")) == dict.fromkeys(NOTES, "")


async def test_a_job_made_at_run_time_has_them_and_an_edit_changes_one() -> None:
    async with engine(MemoryStore()) as running:
        await running.create_job(
            function="work/yearly", trigger=Cron("0 9 * * *"), name="daily", **TOLD
        )
        edited = await running.edit_job("work/daily", JobPatch(rollback=""))
        assert notes_of(edited) == {**TOLD, "rollback": ""}
        replaced = await running.create_job(
            function="work/yearly",
            trigger=Cron("0 9 * * *"),
            name="daily",
            owner="Bob",
            replace=True,
        )
        assert notes_of(replaced) == {**dict.fromkeys(NOTES, ""), "owner": "Bob"}
        assert replaced.id == edited.id
        kept = next(one for one in running.store.jobs() if one.id == edited.id)
        assert notes_of(kept) == notes_of(replaced)


async def test_an_edit_of_them_from_outside_can_be_reverted() -> None:
    async with engine(MemoryStore(), **TOLD) as running:
        edited = await running.edit_job("work/yearly", JobPatch(owner="Bob"))
        assert (edited.owner, edited.overridden) == ("Bob", True)
        reverted = await running.revert_job("work/yearly")
        assert (notes_of(reverted), reverted.overridden) == (TOLD, False)


@pytest.mark.parametrize("field", NOTES)
async def test_a_document_is_none(field: str) -> None:
    fits: dict[str, Any] = {field: "x" * NOTES[field]}
    wrong: dict[str, Any] = {field: 7}
    too_long: dict[str, Any] = {field: "x" * (NOTES[field] + 1)}
    with pytest.raises(InvalidError, match=f"^{field}: .*at most"):
        group(**too_long)
    async with engine(MemoryStore(), **fits) as running:
        for change in (JobPatch(**too_long), JobPatch(**wrong)):
            with pytest.raises(InvalidError) as refused:
                await running.edit_job("work/yearly", change)
            assert [one.field for one in refused.value.errors] == [field]
        with pytest.raises(InvalidError) as refused:
            await running.create_job(function="work/yearly", trigger=Cron("@daily"), **too_long)
        assert [one.field for one in refused.value.errors] == [field]
