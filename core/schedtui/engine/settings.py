"""What an engine is told when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schedtui.clock import Clock
from schedtui.models import Policies
from schedtui.models.alert import Alert
from schedtui.models.at_once import check_at_once
from schedtui.registry import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What an engine is told when it is made."""

    clock: Clock
    registry: Registry
    timezone: str
    policies: Policies
    pools: Mapping[str, int]
    """How many runs of each named pool may be active at once."""
    threads: int
    async_slots: int
    processes: int
    echo: bool
    """Whether captured output also goes where it went before."""
    log_level: int | None
    secrets: frozenset[str] = frozenset()
    """Names of arguments that are secret, of whichever function."""
    telemetry: bool = False
    """Whether there is a span for each attempt of a run."""
    alerts: tuple[Alert, ...] = ()
    """Who is told of failures and the like."""
    paused: bool = False
    """Whether the whole engine is paused from its start on."""

    def __post_init__(self) -> None:
        for field in ("threads", "async_slots", "processes"):
            check_at_once(field, getattr(self, field))
