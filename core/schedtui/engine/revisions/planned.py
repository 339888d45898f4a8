"""Jobs as a file wants them, checked: against the registry, the clock, and each other."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from schedtui.clock import to_us
from schedtui.engine.code.circles import looped
from schedtui.engine.code.declared import as_declared, declared_name, reverted_job
from schedtui.engine.code.reconcile import not_again
from schedtui.engine.core import Core
from schedtui.engine.jobs.draft import Drafts, next_due_after
from schedtui.engine.jobs.idle import idle_reason
from schedtui.engine.live.job import LiveJob
from schedtui.engine.revisions.content import PAUSE, same
from schedtui.engine.revisions.moves import Move
from schedtui.errors import ConflictError, InvalidError
from schedtui.models import After, Job, JobPatch, JobSpec, JobState
from schedtui.models.jobs_file import Content
from schedtui.models.wire import from_wire
from schedtui.triggers import Trigger
from schedtui.triggers.base import FLOOR_US

Kwargs = Mapping[str, Any]

logger = logging.getLogger("schedtui.engine")

_WALKED = 10
"""Jobs of which it is told how they would run after themselves; of more only that they might."""
_PATCHED = frozenset(field.name for field in fields(JobPatch))


class Planned(Drafts):
    """Drafts among jobs that are all there once the whole file is applied.

    Args:
        core: The engine's parts.
        moves: All that the file changes.
        restored: Whether it goes back to a revision: then a job may run after one that is gone.
        buried: Arguments of deleted jobs that come back, with the secrets that a file does not say.
    """

    def __init__(
        self, core: Core, moves: Iterable[Move], *, restored: bool, buried: Mapping[str, Kwargs]
    ) -> None:
        super().__init__(core)
        self._buried = buried
        self._restored = restored
        self._walked = 0
        self._after_by_name = {live.full_name: live.job.after for live in core.jobs}
        moves = list(moves)
        for move in moves:
            if move.old is not None:
                self._after_by_name.pop(move.old.full_name, None)
        for move in moves:
            if move.new is not None:
                self._after_by_name[new_name(move)] = _after(move.new)

    def added(self, move: Move, actor: str) -> Job:
        """A job that is not there yet; its ``id`` is 0.

        Raises:
            InvalidError, FunctionNotFoundError: what the file says of it cannot be.
        """
        content = _content(move)
        group, _, name = move.name.partition("/")
        spec: JobSpec = from_wire(
            JobSpec,
            {
                **{field: content[field] for field in content if field not in PAUSE},
                "group": group,
                "name": name,
            },
        )
        job = self.new(spec, self._buried.get(move.name))
        return _paused(job, content, actor) if self._pauses(content) else job

    async def changed(self, move: Move, live: LiveJob, now_us: int, actor: str) -> Job:
        """A living job as it is to be.

        Raises:
            InvalidError, FunctionNotFoundError, ConflictError: that cannot be.
        """
        content, old = _content(move), live.current()
        if move.reverted and old.overridden:
            fresh = await self._as_the_code_says(old)
            job = as_declared(old, replace(fresh, paused=old.paused))
            job = await not_again(self._core, live, job, now_us)
        else:
            job = await self._edited(live, move, now_us) or old
        before = move.before or {}
        if all(same(content[field], before.get(field)) for field in PAUSE):
            return job
        if self._pauses(content):
            return await self._left(live, _paused(job, content, actor), now_us)
        return await self._resumed(live, job, now_us) if old.paused else job

    def _pauses(self, content: Content) -> bool:
        """Whether a job is to be paused: not by a pause that is over."""
        until = content["paused_until"]
        if not content["paused"] or until is None:
            return bool(content["paused"])
        return to_us(datetime.fromisoformat(until)) > self._core.clock.now_us()

    async def _edited(self, live: LiveJob, move: Move, now_us: int) -> Job | None:
        before = move.before or {}
        patch = {
            field: value
            for field, value in _content(move).items()
            if field in _PATCHED and not same(value, before.get(field))
        }
        draft = self.edited(live, from_wire(JobPatch, patch)) if patch else None
        return None if draft is None else await self.placed(live, draft, now_us)

    async def _left(self, live: LiveJob, job: Job, now_us: int) -> Job:
        """What was due while it did not fire already keeps the old reason, as in `Pauses.begin`."""
        due_us, trigger, last_us = live.next_due_us, live.trigger, live.last_due_us
        moved = (job.trigger, job.timezone) != (live.job.trigger, live.job.timezone)
        if moved or trigger is None or due_us is None or due_us > now_us or not idle_reason(live):
            return job
        try:
            next_due = await self._core.asking.ask(
                trigger, lambda: next_due_after(trigger, last_us, now_us)
            )
        except Exception as error:  # noqa: BLE001 - as `Pauses.begin`
            logger.debug("the trigger of %s failed: %s", live.full_name, error)
            return job
        return replace(job, next_due=next_due)

    async def _resumed(self, live: LiveJob, job: Job, now_us: int) -> Job:
        old = live.job
        moved = (job.trigger, job.timezone) != (old.trigger, old.timezone)
        if live.state is JobState.BROKEN and not moved:
            raise ConflictError(f"it cannot be resumed: {live.problem}; change its trigger")
        next_due = job.next_due
        if not moved:
            trigger, last_us = live.trigger, live.last_due_us
            next_due = await self._core.asking.ask(
                trigger, lambda: next_due_after(trigger, last_us, now_us)
            )
        return replace(
            job,
            paused=False,
            pause_reason="",
            paused_by="",
            paused_until=None,
            next_due=next_due,
        )

    async def _as_the_code_says(self, job: Job) -> Job:
        names = declared_name(job)
        for declaration in self._core.registry.declarations():
            if (declaration.group, declaration.name) == names:
                return await reverted_job(self._core, declaration, job)
        raise ConflictError("its declaration cannot be found in the code just now")

    def _check_circle(self, after: tuple[After, ...], group: str, name: str | None) -> None:
        # Every job of the file comes by: none of them walks the whole row of those before it.
        if not after or f"{group}/{name}" not in self._in_circles:
            return
        if self._walked < _WALKED:
            self._walked += 1
            super()._check_circle(after, group, name)
        else:
            expected = "jobs that lead to no circle; first mend those that are named"
            raise InvalidError.one("after", after[0].job, expected)

    @cached_property
    def _in_circles(self) -> set[str]:
        return looped(self._after_by_name)

    def _exists(self, after: After) -> bool:
        return self._restored or after.job in self._after_by_name

    def _after_of(self, full_name: str) -> tuple[After, ...]:
        return self._after_by_name.get(full_name, ())

    def _check_free(self, group: str, name: str) -> None:
        """The names of a file are each there once; the store refuses those of others."""

    def _due(self, trigger: Trigger) -> Trigger:
        """One that was due once is finished, as it was where the file came from."""
        if not trigger.dueless and trigger.next_after_us(FLOOR_US) is None:
            raise trigger.refusal()
        return trigger


def new_name(move: Move) -> str:
    """The full name that a job has once it is moved."""
    own = None if move.new is None else move.new.get("name")
    return move.name if own is None else f"{move.name.partition('/')[0]}/{own}"


def _content(move: Move) -> Content:
    if move.new is None:
        raise ValueError(f"{move.name} is to go")
    return move.new


def _after(content: Content) -> tuple[After, ...]:
    return tuple(from_wire(After, one) for one in content["after"])


def _paused(job: Job, content: Content, actor: str) -> Job:
    until = content["paused_until"]
    return replace(
        job,
        paused=True,
        pause_reason=content["pause_reason"],
        paused_by=actor,
        paused_until=None if until is None else datetime.fromisoformat(until),
    )
