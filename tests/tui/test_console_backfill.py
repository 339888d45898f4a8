"""The dialog that asks for which due times of the past a job is to run."""

from __future__ import annotations

from backfill_doubles import make_backfill
from console_doubles import FakeEngine, summary
from console_driver import console, three

from schedtui.errors import InvalidError
from schedtui_tui.backfill_text import outcome


def asked(engine: FakeEngine) -> list[tuple[object, ...]]:
    """Job, start, end and whether it was a dry run, of each call."""
    return [(*call[1:4], call[7]) for call in engine.named("backfill_job")]


async def test_a_range_is_typed_counted_and_queued() -> None:
    async with console(three()) as driver:
        name = driver.engine.rows[1].full_name
        await driver.press("b")
        await driver.shows(f"Backfill {name}", "Times are by the clock of")
        await driver.press(*"monday", "tab", *"now")
        await driver.shows("5 runs would be queued", "left out: 1 backfilled already")
        await driver.until(lambda: asked(driver.engine)[-1][:3] == (name, "monday", "now"))
        await driver.shows("2026-03-02T12:00:00+00:00", "Enter queues them")
        await driver.press("enter")
        await driver.shows(f"Backfill of {name}: 5 runs")
        calls = asked(driver.engine)
        assert calls[-1] == (name, "monday", "now", False)
        assert all(dry for *_, dry in calls[:-1])
        assert driver.engine.named("backfill_job")[-1][-1] == 1, "the job is known by its id"


async def test_leaving_queues_nothing() -> None:
    async with console(three()) as driver:
        await driver.press("b", *"9:00")
        await driver.shows("5 runs would be queued")
        await driver.press("escape")
        await driver.until(lambda: len(driver.app.screen_stack) == 1)
        assert all(dry for *_, dry in asked(driver.engine))


async def test_what_is_wrong_is_shown_and_enter_queues_nothing() -> None:
    async with console(three()) as driver:
        driver.engine.backfill_error = InvalidError("start: got 'x'; expected \x1b[31ma time")
        await driver.press("b", "x")
        await driver.shows("expected", "a time")
        await driver.press("enter")
        await driver.shows("a time")
        assert len(driver.app.screen_stack) == 2
        assert all(dry for *_, dry in asked(driver.engine))


async def test_an_empty_range_is_not_queued() -> None:
    async with console(three()) as driver:
        driver.engine.backfill_changes = {"found": 0, "queued": 0, "first": ()}
        await driver.press("b", *"9:00")
        await driver.shows("no due time lies in that range")
        await driver.press("enter")
        assert all(dry for *_, dry in asked(driver.engine))


async def test_it_is_for_one_job() -> None:
    async with console(FakeEngine([summary(1, "alpha"), summary(2, "beta")])) as driver:
        await driver.press("space", "space", "b")
        await driver.shows("A backfill is for one job")


def test_an_outcome_in_words() -> None:
    assert outcome(make_backfill(queued=1, succeeded=0, active=2)) == (
        "1 run is queued; left out: 1 backfilled already, 2 still active"
    )
    assert outcome(make_backfill(queued=1_234, backfilled=0, succeeded=0, dry_run=True)) == (
        "1,234 runs would be queued"
    )
