"""What jobs have of their groups and of their engine, told to clients."""

from __future__ import annotations

from schedtui.engine.running import Running
from schedtui.models import Defaults, GroupDefaults, Policies
from schedtui.policies import resolve, spell


def defaults(running: Running) -> Defaults:
    """What the jobs of a started engine have of it and of their groups; on its loop."""
    core = running.core
    counts = core.jobs.groups
    groups = [
        GroupDefaults(
            name=group.name,
            tags=group.tags,
            timezone=group.timezone,
            limit=group.limit,
            policies=group.policies,
            jobs=counts.pop(group.name, 0),
            declared=True,
        )
        for group in core.registry.groups.values()
    ]
    groups += [
        GroupDefaults(name=name, policies=Policies(), jobs=count, declared=False)
        for name, count in sorted(counts.items())
    ]
    settings = running.settings
    return Defaults(
        timezone=settings.timezone,
        policies=spell(resolve(settings.policies)),
        slots={
            "async": settings.async_slots,
            "thread": settings.threads,
            "process": settings.processes,
        },
        groups=tuple(groups),
    )
