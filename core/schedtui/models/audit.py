"""The audit trail: who did what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """Who did what, when."""

    id: int
    at: datetime
    actor: str
    action: str
    """``job.create``, ``job.edit``, ``job.pause``, ``engine.start`` and so on."""
    object: str
    """What it was done to, ``group/name`` for a job."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What changed: ``before`` and ``after`` where that makes sense."""
    address: str = ""
    """The network address it came from; empty for what came from this machine's own programs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditFilter:
    """Which lines of the audit trail; every part that is given must hold."""

    actor: str | None = None
    """Who, as the trail names them: ``token:ci``, ``local:ann``."""
    action: str | None = None
    """``job.edit``; all that is done to jobs with ``job.*``."""
    object: str | None = None
    """What it was done to."""
    since: datetime | None = None
    """At or after."""
    until: datetime | None = None
    """Before."""

    @property
    def actions(self) -> str | None:
        """How the actions that are meant begin, dot included; None: one is meant, or any."""
        wide = self.action is not None and self.action.endswith(".*")
        return self.action[:-1] if wide and self.action is not None else None
