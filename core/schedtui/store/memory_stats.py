"""The runs of a while in numbers, from the store in memory."""

from __future__ import annotations

from collections.abc import Iterable

from schedtui.models import RunState
from schedtui.models.stats import MAX_FIGURES, MAX_SEEN, Figures, StatsBy
from schedtui.protocols import NewRun
from schedtui.store.figures import Counted, figures
from schedtui.store.memory_data import Data


def run_figures(data: Data, runs: Iterable[NewRun], by: StatsBy) -> tuple[bool, list[Figures]]:
    """Some runs in numbers, the newest ones first, and whether that is all of them."""
    ends: dict[tuple[str, RunState], list[NewRun]] = {}
    number = 0
    for run in runs:
        if number == MAX_SEEN:
            break
        number += 1
        name = run.function if by is StatsBy.FUNCTION else data.name_of(run.id)
        ends.setdefault((name, run.state), []).append(run)
    p95: dict[str, int] = {}
    counted: list[Counted] = []
    for (name, state), found in ends.items():
        took = sorted(
            run.finished_at_us - run.started_at_us
            for run in found
            if run.finished_at_us is not None and run.started_at_us is not None
        )
        ended = [run.finished_at_us for run in found if run.finished_at_us is not None]
        last_us = max(ended, default=None)
        times = (took[0], took[-1], sum(took) / len(took)) if took else (None, None, None)
        counted.append(Counted(name, state, len(found), last_us, *times))
        if took and state is RunState.SUCCEEDED:
            p95[name] = took[(len(took) * 95 + 99) // 100 - 1]
    told = figures(counted, p95)
    return number < MAX_SEEN and len(told) <= MAX_FIGURES, told[:MAX_FIGURES]
