"""Dead letters as a token of some groups replays them: in one call, as anybody does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from scope_kit import CRON, done, fail, scoped_engine

from schedtui import Engine
from schedtui.client.local import LocalClient
from schedtui.client.scoped import ScopedClient
from schedtui.errors import InvalidError
from schedtui.models import JobSpec, Run, RunFilter

engine = pytest.fixture(scoped_engine)
FAILED = RunFilter(error_type="ValueError")
BOTH = ("mine", "theirs")


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_of_several_groups_the_oldest_are_taken_and_no_more(
    engine: Engine, limit: int
) -> None:
    whole = LocalClient(engine)
    runs = [run for _ in range(2) for run in (await fail(whole)).values()]
    scoped = ScopedClient(whole, BOTH)

    dry = await scoped.replay_runs(FAILED, limit=limit, dry_run=True)
    answer = await scoped.replay_runs(FAILED, limit=limit, idempotency_key="k")

    for told in (dry, answer):
        assert (told.found, told.done, told.left) == (4, limit, 4 - limit)
        assert [one.run for one in told.letters] == [run.id for run in runs[:limit]]
    again = await scoped.replay_runs(FAILED, limit=limit, idempotency_key="k")
    assert (again.replayed, again.letters) == (True, answer.letters)
    one = await ScopedClient(whole, ("mine",)).dismiss_runs(FAILED, groups=BOTH)
    assert {letter.job for letter in one.letters} <= {"mine/bad"}


async def test_too_many_ids_are_refused_before_any_is_read(engine: Engine) -> None:
    read: list[int] = []

    class Asked(LocalClient):
        async def run(self, run_id: int) -> Run:
            read.append(run_id)
            return await super().run(run_id)

    scoped = ScopedClient(Asked(engine), BOTH)
    for call in (scoped.replay_runs, scoped.dismiss_runs):
        with pytest.raises(InvalidError, match="1 to 1,000 runs"):
            await call(range(1, 1_002))
        which: Any
        for which in ([], FAILED, [1]):
            with pytest.raises(InvalidError, match="limit"):
                await call(which, limit=0)
    assert (await scoped.replay_runs(range(1_000, 2_000))).found == 1_000
    assert read == []


async def test_by_a_tag_only_the_letters_and_numbers_of_its_groups_are_found(
    engine: Engine,
) -> None:
    whole = LocalClient(engine)
    for group in BOTH:
        spec = JobSpec(function=f"{group}/bad", trigger=CRON, name="bad", tags=("shared",))
        await whole.create_job(spec)
        await done(whole, await whole.trigger_job(f"{group}/bad"))
    scoped, shared = ScopedClient(whole, ("mine",)), RunFilter(tag="shared")

    assert [one.name for one in (await scoped.stats(shared)).items] == ["mine/bad", "mine/j"]
    for call in (scoped.replay_runs, scoped.dismiss_runs):
        assert [one.job for one in (await call(shared, dry_run=True)).letters] == ["mine/bad"]
    assert (await ScopedClient(whole, BOTH).dismiss_runs(shared)).done == 2


async def test_numbers_of_other_groups_are_none_of_the_same_while(engine: Engine) -> None:
    whole = LocalClient(engine)
    await fail(whole)
    scoped = ScopedClient(whole, ("mine",))

    theirs = await scoped.stats(RunFilter(group="theirs"))

    own = await scoped.stats()
    assert (theirs.items, theirs.complete, theirs.until) == ((), True, None)
    assert timedelta(0) <= own.since - theirs.since < timedelta(hours=1)
    assert (await ScopedClient(whole, ()).stats()).items == ()
