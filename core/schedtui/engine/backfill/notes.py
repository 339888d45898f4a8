"""What backfills add to the reasons of the rows that they make good."""

from __future__ import annotations

import logging
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from schedtui.clock import to_us
from schedtui.engine.backfill.keys import ACTION, PAGE
from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob
from schedtui.engine.tick.decide import Verdict
from schedtui.errors import SchedtuiError
from schedtui.models import AuditFilter
from schedtui.protocols import NewRun, Store

logger = logging.getLogger("schedtui.engine")

_NOTED = "backfilled by run"
_MOST = 10_000
"""Backfill runs that are looked at."""
_NOTE = re.compile(rf"(^|; ){_NOTED}.*$", re.DOTALL)


def notes(rows: Sequence[NewRun]) -> Iterable[tuple[int, str]]:
    """What the rows that are made good say from now on; one of a stretch has many runs."""
    made: dict[int, list[int]] = {}
    for row in rows:
        if row.parent_id is not None:
            made.setdefault(row.parent_id, []).append(row.id)
    for parent_id, ids in made.items():
        yield parent_id, _note(ids)


async def noted(core: Core, live: LiveJob, verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
    """Due times that get their rows only now, with the backfills that have made them good by then.

    Reads the store where there may be any.
    """
    if not verdicts:
        return verdicts
    first_us = min(_span(one)[0] for one in verdicts)
    last_us = max(one.scheduled_for_us for one in verdicts)
    try:
        if not (live.backfilled or (first_us < core.begun_us and await _before(core, live))):
            return verdicts
        runs = await core.off_loop(core.store.backfills, live.id, first_us, last_us, limit=_MOST)
    except SchedtuiError as error:  # the rows are right without it
        logger.warning("the backfills of %s cannot be read: %s", live.full_name, error)
        return verdicts
    made = sorted((to_us(run.scheduled_for), run.id) for run in runs if run.scheduled_for)
    return [_with(one, made) for one in verdicts] if made else verdicts


async def _before(core: Core, live: LiveJob) -> bool:
    """Whether a job was backfilled before this engine had the store, which is asked once."""
    if core.backfilled is None:
        core.backfilled = await core.off_loop(_backfilled, core.store)
    return live.id in core.backfilled or live.full_name in core.backfilled


def _backfilled(store: Store) -> set[int | str]:
    """All jobs that the audit trail has backfills of: their ids; of old lines the names then."""
    found: set[int | str] = set()
    before: int | None = None
    while lines := store.audit_trail(AuditFilter(action=ACTION), limit=PAGE, before=before):
        found |= {line.detail.get("job_id") or line.object for line in lines}
        before = lines[-1].id
    return found


def _with(verdict: Verdict, made: Sequence[tuple[int, int]]) -> Verdict:
    first_us, last_us = _span(verdict)
    first, last = bisect_left(made, (first_us, 0)), bisect_left(made, (last_us + 1, 0))
    ids = sorted(run_id for _, run_id in made[first:last])
    if verdict.state is None or not ids:
        return verdict
    said = [verdict.reason, _note(ids)]
    return verdict._replace(reason="; ".join(one for one in said if one))


def _span(verdict: Verdict) -> tuple[int, int]:
    last_us = verdict.scheduled_for_us
    return (last_us if verdict.range_from_us is None else verdict.range_from_us), last_us


def _note(ids: Sequence[int]) -> str:
    return f"{_NOTED}s {ids[0]} to {ids[-1]}" if len(ids) > 1 else f"{_NOTED} {ids[0]}"


def own_reason(reason: str) -> str:
    """The reason of a row without what backfills have added."""
    return _NOTE.sub("", reason)
