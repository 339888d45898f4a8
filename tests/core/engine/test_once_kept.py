"""Which periods of a job are remembered, and by whom: in memory, in the store, after a start."""

from __future__ import annotations

import pytest
from engine_kit import Kit, World, at
from once_kit import Guarded, restart

from schedtui.engine import once
from schedtui.engine.backfill import MAX_LIMIT
from schedtui.engine.once import Once
from schedtui.protocols import KEPT_SUCCESSES
from schedtui.store import memory_once
from schedtui.store.sql import once as sql_once


def test_a_whole_backfill_is_remembered() -> None:
    assert KEPT_SUCCESSES >= MAX_LIMIT


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three periods are remembered."""
    for module in (once, memory_once, sql_once):
        monkeypatch.setattr(module, "KEPT_SUCCESSES", 3)


@pytest.mark.usefixtures("few")
async def test_a_backfill_does_not_have_the_newest_period_forgotten(world: World) -> None:
    jobs = Guarded(every=60)
    kit = await Kit([jobs.group], world=world).start()
    first = await kit.client.trigger_job("g/clean")
    await kit.clock.settle()
    for hours in (1, 2):  # the older ones come last
        await kit.engine.backfill_job("g/clean", at(-3600 * hours), at(-3600 * hours + 300))
        await kit.clock.advance(1)
    assert len(jobs.done) == 11
    expected = f"once per 12:00: run {first.id} succeeded"
    assert (await kit.client.trigger_job("g/clean")).reason == expected
    kit = await restart(kit, jobs, world)
    try:
        assert (await kit.client.trigger_job("g/clean")).reason == expected
    finally:
        await kit.stop()


@pytest.mark.usefixtures("few")
def test_a_period_is_taken_while_one_of_its_moments_is_remembered() -> None:
    periods = Once()
    periods.rule("%Y", "UTC")
    periods.remember([(9, 40), (8, 30), (7, 20), (6, 10), (9, 40)])
    assert periods.taken(50, ()) == "once per 1970: run 9 succeeded"
    periods.rule("%S", "UTC")
    periods.rule("%Y", "UTC")
    assert periods.taken(50, ()) == "once per 1970: run 9 succeeded"
