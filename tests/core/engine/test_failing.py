"""A trigger that fails, as people are told of it."""

from __future__ import annotations

from pathlib import Path

from engine_kit import at
from explain_kit import why
from owed_kit import FAILS, paused

from schedtui import Webhook
from schedtui.models import FactKind


async def test_explain_tells_that_it_fails_since_when_and_what_becomes_of_due_times(
    tmp_path: Path,
) -> None:
    place = await paused(tmp_path)
    for seconds in (20, 40):
        told = await why(place.kit, at(seconds))
        assert told.facts[0].kind is FactKind.BROKEN
        assert "OSError: away" in told.summary
        assert "never" not in told.summary
        assert "gets its row" in told.summary
    assert FactKind.PAUSED in {fact.kind for fact in (await why(place.kit, at(20))).facts}
    await place.kit.clock.advance(40)
    for moment in (at(20), at(40), at(90)):
        told = await why(place.kit, moment)
        assert "since 2026-03-02 12:00:35 UTC" in told.summary
        assert told.facts[0].since == at(35)
    told = await why(place.kit)
    assert "OSError: away" in " ".join(fact.text for fact in told.facts)
    await place.kit.stop()


async def test_somebody_is_told_when_it_fails_at_the_end(tmp_path: Path) -> None:
    place = await paused(tmp_path)
    core = place.kit.running.core
    core.alerts.targets = (Webhook(url="http://127.0.0.1:1/x"),)
    (notice,) = core.alerts.of_broken(core.jobs.named("g/work"), FAILS)
    assert '"type": "missed"' in notice.body
    assert "away" in notice.body
    assert core.alerts.of_broken(core.jobs.named("g/work"), "") == ()
    await place.kit.stop()
