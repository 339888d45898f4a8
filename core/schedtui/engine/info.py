"""What an engine says of itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from schedtui import __version__
from schedtui.clock import from_us
from schedtui.engine.upkeep import damage
from schedtui.models import EngineInfo, Health

if TYPE_CHECKING:
    from schedtui.engine.running import Running

HANGS_S = 5.0
"""A tick older than this makes the engine's health degraded."""


def info(running: Running) -> EngineInfo:
    """An engine now."""
    core = running.core
    age_s = max(0.0, running.clock.monotonic() - running.claims.last_tick)
    problems = [*core.problems.values(), *damage.of_runs(running.store.damage)]
    if running.ready:
        problems += core.jobs.followers.missing(core.jobs.find)
    if age_s > HANGS_S and running.ready:
        problems.append(f"the tick last ran {age_s:.0f} s ago")
    counts = {kind: pool.executor.stuck for kind, pool in core.pools.items()}
    given_up = {kind: count for kind, count in counts.items() if count}
    for kind, count in given_up.items():
        these = (
            "function that was given up is" if count == 1 else "functions that were given up are"
        )
        problems.append(f"{count} {kind} {these} still at work")
    paused = running.halt.now
    health = Health.STOPPED if running.stopping else Health.DEGRADED if problems else Health.OK
    return EngineInfo(
        boot=running.boot,
        version=__version__,
        health=health,
        problems=tuple(problems),
        timezone=running.settings.timezone,
        now=from_us(running.clock.now_us()),
        started_at=from_us(running.started_us),
        last_tick_age_s=age_s,
        jobs=len(core.jobs),
        jobs_paused=core.jobs.paused,
        runs_active=len(running.supervisor.running),
        runs_queued=core.slots.waiting,
        given_up=given_up,
        store=running.store.url,
        pid=os.getpid(),
        revision=core.revision,
        paused=paused is not None,
        pause_reason=paused.reason if paused else "",
        paused_by=paused.by if paused else "",
        paused_since=from_us(paused.since_us) if paused else None,
    )
