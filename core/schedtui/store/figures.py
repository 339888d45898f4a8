"""Counts and times of runs, as numbers of a job or a function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schedtui.clock import from_us
from schedtui.models import FAILED, RunState
from schedtui.models.stats import Figures


class Counted(NamedTuple):
    """The runs of one job or function that are in one state."""

    name: str
    state: str
    runs: int
    last_us: int | None
    """When the last of them has ended."""
    shortest_us: int | None
    """From start to end."""
    longest_us: int | None
    average_us: float | None


def figures(counted: Iterable[Counted], p95_us: Mapping[str, int]) -> list[Figures]:
    """What that comes to, by name.

    Args:
        counted: One for each name and state.
        p95_us: Of those that succeeded, by name.
    """
    found: dict[str, list[Counted]] = {}
    for one in counted:
        found.setdefault(one.name, []).append(one)
    return [_figures(name, found[name], p95_us.get(name)) for name in sorted(found)]


def _figures(name: str, counted: list[Counted], p95_us: int | None) -> Figures:
    good = next((one for one in counted if one.state == RunState.SUCCEEDED), None)
    bad = [one for one in counted if one.state in FAILED]
    ended = sum(one.runs for one in bad) + (good.runs if good else 0)
    last_bad_us = max((one.last_us for one in bad if one.last_us is not None), default=None)
    return Figures(
        name=name,
        runs=sum(one.runs for one in counted),
        states={one.state: one.runs for one in sorted(counted, key=lambda one: one.state)},
        success_rate=(good.runs if good else 0) / ended if ended else None,
        average_s=_seconds(good.average_us if good else None),
        shortest_s=_seconds(good.shortest_us if good else None),
        longest_s=_seconds(good.longest_us if good else None),
        p95_s=_seconds(p95_us),
        last_success=None if good is None or good.last_us is None else from_us(good.last_us),
        last_failure=None if last_bad_us is None else from_us(last_bad_us),
    )


def _seconds(us: float | None) -> float | None:
    return None if us is None else round(us) / 1e6
