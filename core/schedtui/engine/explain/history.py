"""What a job was at a moment of the past: from what it is now, and what the audit trail changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from schedtui.clock import MAX_US, MIN_US, from_us, to_us
from schedtui.engine.jobs.audited import told
from schedtui.models import AuditEvent, Job

_SCHEDULE = ("trigger", "timezone")
_PAUSE = ("paused", "paused_by", "pause_reason", "paused_until")


def by_the_clock(lines: Sequence[AuditEvent]) -> list[AuditEvent]:
    """What was done to the engine, its pauses when they began by a clock that was set back since.

    Args:
        lines: Newest first.
    """
    found: list[AuditEvent] = []
    since_us: int | None = None  # as the newest step has it
    for line in lines:
        told = line.detail.get("paused_since_us")
        if line.action == "engine.clock" and since_us is None and isinstance(told, int):
            since_us = max(MIN_US, min(told, MAX_US))
        elif line.action == "engine.pause" and since_us is not None:
            line = replace(line, at=from_us(since_us))
        if line.action in {"engine.pause", "engine.resume"}:
            since_us = None
        found.append(line)
    return found


class JobHistory:
    """One job through time.

    Args:
        job: As it is now; None where it was deleted.
        lines: Its changes in the audit trail, newest first.
    """

    def __init__(self, job: Job | None, lines: Sequence[AuditEvent]) -> None:
        self._now: Mapping[str, Any] | None = None if job is None else told(job)
        self._lines = lines
        first = lines[-1] if lines else None
        self.created: AuditEvent | None = (
            first if first is not None and first.action == "job.create" else None
        )
        """How it began; None where that is not known."""
        self.deleted: AuditEvent | None = (
            lines[0] if lines and lines[0].action == "job.delete" else None
        )
        """How it ended; None for a living one."""
        self.created_at: datetime | None = (
            self.created.at if self.created is not None else None if job is None else job.created_at
        )

    def lived(self, at: datetime) -> bool:
        """Whether there was this job at a moment."""
        begun = self.created_at is None or self.created_at <= at
        return begun and (self.deleted is None or at < self.deleted.at)

    def at(self, at: datetime) -> Mapping[str, Any]:
        """What it was at a moment: before its creation what it began as, after its end the last."""
        known = self._known(lambda line: line.at <= at)
        return _unpaused(known) if _is_over(known, at) else known

    def ruling(self, due: datetime) -> Mapping[str, Any]:
        """What rules a due time: not what was changed at that very moment, which found it due."""
        known = self._known(lambda line: line.at < due)
        return _unpaused(known) if _is_over(known, due) else known

    def edges(self) -> set[int]:
        """The first microseconds, UTC, at which something else may rule what is due."""
        parts = [_part(line, name) for line in self._lines for name in ("before", "after")]
        ends = {part.get("paused_until") for part in [*parts, self._now or {}]}
        until = {to_us(datetime.fromisoformat(one)) for one in ends if one}
        return until | {to_us(line.at) + 1 for line in self._lines}

    def limits_since(self, at: datetime) -> set[int]:
        """How many of its due times were to run by its own policies, at a moment and later."""
        later = [line for line in self._lines if line.at >= at]
        parts = [_part(line, name) for line in later for name in ("before", "after")]
        policies = [part.get("policies") for part in [*parts, self.at(at)]]
        said = [one.get("max_runs") for one in policies if isinstance(one, Mapping)]
        return {int(limit) for limit in said if limit}

    def newest(self, action: str) -> AuditEvent | None:
        """The newest line of an action, whatever the others did."""
        return next((line for line in self._lines if line.action == action), None)

    def _known(self, applies: Callable[[AuditEvent], bool]) -> Mapping[str, Any]:
        known = dict(self._now or {})
        for line in self._lines:
            if line is self.deleted:
                known = dict(_part(line, "before"))
            elif line.action == "job.create":
                known = known or dict(_part(line, "after"))
                break
            elif applies(line):
                break
            else:
                known |= _part(line, "before")
        return known

    def before(self, at: datetime, field: str) -> AuditEvent | None:
        """The last change of a field at or before a moment; its creation counts as one."""
        return next((line for line in self._changes(field) if line.at <= at), self.created)

    def after(self, at: datetime, field: str) -> AuditEvent | None:
        """The first change of a field after a moment; None where it is what it was."""
        later = [line for line in self._changes(field) if line.at > at]
        return later[-1] if later else None

    def paused_since(self, at: datetime) -> AuditEvent | None:
        """The newest pause at or before a moment, of one that was paused already too."""
        return next((line for line in self._pauses() if line.at <= at), self.created)

    def paused_until(self, at: datetime) -> AuditEvent | None:
        """What ended the pause of a moment: a resume, or another pause."""
        later = [line for line in self._pauses() if line.at > at]
        return later[-1] if later else None

    def _pauses(self) -> Iterator[AuditEvent]:
        """What began, changed or ended a pause, newest first."""
        changes = [line for field in _PAUSE for line in self._changes(field)]
        return iter(sorted({line.id: line for line in changes}.values(), key=_by_id, reverse=True))

    def rescheduled(self, at: datetime) -> AuditEvent | None:
        """The first change of its schedule after a moment."""
        found = [line for field in _SCHEDULE if (line := self.after(at, field)) is not None]
        return min(found, key=lambda line: line.id, default=None)

    def _changes(self, field: str) -> Iterator[AuditEvent]:
        """Newest first."""
        return (
            line
            for line in self._lines
            if field in _part(line, "after") and "before" in line.detail
        )


def _part(line: AuditEvent, name: str) -> Mapping[str, Any]:
    """What a line tells of before or after; nothing where it is damaged in the store."""
    found = line.detail.get(name)
    return found if isinstance(found, Mapping) else {}


def _is_over(known: Mapping[str, Any], at: datetime) -> bool:
    """Whether a pause had ended by itself at a moment, whenever the engine came to write that."""
    until = known.get("paused_until")
    return bool(known.get("paused") and until and datetime.fromisoformat(until) <= at)


def _unpaused(known: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**known, "paused": False, "pause_reason": "", "paused_by": "", "paused_until": None}


def _by_id(line: AuditEvent) -> int:
    return line.id
