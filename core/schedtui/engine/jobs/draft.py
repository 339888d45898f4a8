"""Jobs as they are to be: from what was asked for, checked against the registry and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from schedtui import policies as policy_rules
from schedtui.clock import from_us
from schedtui.engine.core import Core
from schedtui.engine.live.followers import refuse_circle
from schedtui.engine.live.job import LiveJob, dump_kwargs
from schedtui.engine.upkeep import damage
from schedtui.errors import (
    ConflictError,
    FunctionNotFoundError,
    InvalidError,
)
from schedtui.models import After, Job, JobPatch, JobSpec, Policies
from schedtui.models.after import check_after
from schedtui.models.names import MAX_NAME, check_name, check_tags, split_name
from schedtui.models.notes import check_note, notes_of
from schedtui.triggers import Never, Trigger, check_timezone, parse_trigger

MAX_TEXT = 10_000
"""Characters of a description."""
_NONE = Policies()


class Edited(NamedTuple):
    """A job as it is to be, but for its next due time."""

    job: Job
    follows: Trigger | None
    """The trigger that tells the next due time; None where that stays as it is."""
    moved: bool
    """Whether it is another one than before."""


class Drafts:
    """Turns specifications and patches into jobs, or says all that is wrong with them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def new(self, spec: JobSpec, known: Mapping[str, Any] | None = None) -> Job:
        """A job as it is to be inserted; its ``id`` is 0.

        Raises:
            InvalidError: with every field that is wrong.
            FunctionNotFoundError: no such function.
            ConflictError: the name is taken.
        """
        group, function_name = split_name("function", spec.function)
        if spec.group is not None:
            group = check_name("group", spec.group)
        found = _Findings()
        name = found.of("name", lambda: self._name(group, spec.name, function_name))
        timezone = found.of("timezone", lambda: self._core.zone_for(spec.timezone, group))
        trigger = found.of(
            "trigger", lambda: self._new_trigger(spec, timezone or self._core.timezone)
        )
        after = found.of("after", lambda: self._after(spec.after, group, name))
        kwargs = found.of(
            "kwargs",
            lambda: self.arguments(spec.function, spec.kwargs, listed=True, known=known),
        )
        policies = found.of("policies", lambda: self._policies(spec.policies))
        found.of("description", lambda: _check_text(spec.description))
        found.notes(notes_of(spec))
        tags = found.of("tags", lambda: check_tags(spec.tags))
        found.raise_if_any()
        self._check_free(group, name)
        now = from_us(self._core.clock.now_us())
        return Job(
            id=0,
            group=group,
            name=name,
            function=spec.function,
            trigger=trigger.to_json(),
            timezone=timezone,
            kwargs=kwargs,
            policies=policies,
            after=after,
            tags=tags,
            description=spec.description,
            **notes_of(spec),
            paused=spec.paused,
            paused_by="" if not spec.paused else "whoever created it",
            next_due=next_due_after(trigger, None, self._core.clock.now_us()),
            created_at=now,
            updated_at=now,
        )

    def edited(self, live: LiveJob, patch: JobPatch) -> Edited | None:
        """A living job with a patch applied; where it goes on is for `placed`.

        None where the patch changes nothing: a job declared in code is not overridden by that.

        Raises:
            InvalidError: with every field that is wrong.
            FunctionNotFoundError: no such function.
            ConflictError: the new name is taken.
        """
        job = live.current()
        found = _Findings()
        for field in damage.missing(job, patch):
            found.add(InvalidError.one(field, None, "a value, for what the store has is damaged"))
        function = job.function if patch.function is None else patch.function
        timezone = found.of(
            "timezone",
            lambda: job.timezone if patch.timezone is None else check_timezone(patch.timezone),
        )
        trigger: Trigger | None = None
        if patch.trigger is not None or patch.timezone is not None:
            data = job.trigger if patch.trigger is None else patch.trigger
            zone = timezone or job.timezone
            trigger = found.of("trigger", lambda: self._changed_trigger(job, data, zone))
        kwargs = job.kwargs
        if patch.kwargs is not None or patch.function is not None:
            given = job.kwargs if patch.kwargs is None else patch.kwargs
            listed = patch.function is not None
            kwargs = found.of(
                "kwargs", lambda: self.arguments(function, given, listed=listed, known=job.kwargs)
            )
        name = job.name
        if patch.name is not None and patch.name != job.name:
            name = found.of("name", lambda: check_name("name", patch.name))
        policies = job.policies
        if patch.policies is not None:
            policies = found.of("policies", lambda: self._policies(patch.policies))
        if patch.description is not None:
            found.of("description", lambda: _check_text(patch.description or ""))
        notes = {field: text for field, text in notes_of(patch).items() if text is not None}
        found.notes(notes)
        after = job.after
        if patch.after is not None:
            after = found.of("after", lambda: self._after(patch.after, job.group, name))
        elif name != job.name:
            found.of("after", lambda: self._check_circle(job.after, job.group, name))
        tags = job.tags
        if patch.tags is not None:
            tags = found.of("tags", lambda: check_tags(patch.tags or ()))
        found.raise_if_any()
        if name != job.name:
            self._check_free(job.group, name)
        changed = replace(
            job,
            name=name,
            function=function,
            timezone=timezone,
            kwargs=kwargs,
            tags=tags,
            policies=policies,
            after=after,
            description=job.description if patch.description is None else patch.description,
            **notes,
            damage={},
        )
        # The same trigger again is a change where the present one cannot be read or has failed.
        moved = trigger is not None and (
            trigger.to_json() != job.trigger or timezone != job.timezone or bool(live.problem)
        )
        follows: Trigger | None = None
        if trigger is not None and moved:
            changed = replace(changed, trigger=trigger.to_json())
            follows = trigger
        elif job.damage:
            changed, follows = replace(changed, next_due=None), live.trigger
        elif _same(changed, job):
            return None
        elif changed.next_due is None and live.exhausted:
            # More of its due times are to run now, or as few as before: the engine sees to that.
            follows = live.trigger
        changed = replace(changed, overridden=job.static or job.overridden)
        return Edited(changed, follows, moved)

    async def placed(self, live: LiveJob, edited: Edited, now_us: int) -> Job:
        """An edited job with its next due time after ``now_us``.

        Raises:
            InvalidTriggerError: it would be never due.
            ForeignTriggerError: its trigger, one of the user's own, failed.
        """
        trigger, last_us = edited.follows, live.last_due_us
        if trigger is None:
            return edited.job
        next_due = await self._core.asking.ask(
            trigger, lambda: next_due_after(trigger, last_us, now_us)
        )
        if edited.moved and trigger.foreign and next_due is None:
            raise trigger.refusal()
        return replace(edited.job, next_due=next_due)

    def trigger(self, data: Mapping[str, Any], timezone: str) -> Trigger:
        """A trigger from its JSON or typed form, which must be due at least once more.

        Raises:
            InvalidTriggerError: it is wrong, or never due.
        """
        return self._due(parse_trigger(data, timezone, self._core.clock.now_us()))

    def _new_trigger(self, spec: JobSpec, timezone: str) -> Trigger:
        if spec.trigger is not None:
            return self.trigger(spec.trigger, timezone)
        if spec.after:
            return Never()
        raise InvalidError.one("trigger", None, "a trigger, or jobs to run after")

    def _after(self, given: object, group: str, name: str | None) -> tuple[After, ...]:
        """What a job is to run after, all of it there, and nothing of it after the job itself."""
        after = check_after(given)
        self._check_circle(after, group, name)
        for one in after:
            if not self._exists(one):
                raise InvalidError.one("after", one.job, "'group/name' of a job that there is")
        return after

    def _check_circle(self, after: tuple[After, ...], group: str, name: str | None) -> None:
        own = f"{group}/{name}"
        if after and name is not None:
            refuse_circle(own, lambda one: after if one == own else self._after_of(one))

    def _exists(self, after: After) -> bool:
        """Whether the job is there that another one is to run after."""
        return self._core.jobs.find(*after.names) is not None

    def _after_of(self, full_name: str) -> tuple[After, ...]:
        return self._core.jobs.after_of(full_name)

    def _changed_trigger(self, job: Job, data: Mapping[str, Any], timezone: str) -> Trigger:
        declared = self._core.declared_trigger(job) if data == job.trigger else None
        if declared is not None:  # an object in code may have no JSON form to read
            bound = declared.with_timezone(timezone)
            return bound if bound.foreign else self._due(bound)
        return self.trigger(data, timezone)

    def _due(self, trigger: Trigger) -> Trigger:
        if not trigger.dueless and trigger.next_after_us(self._core.clock.now_us()) is None:
            raise trigger.refusal()
        return trigger

    def arguments(
        self,
        function: str,
        kwargs: Mapping[str, Any],
        *,
        listed: bool = False,
        known: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """JSON arguments that fit a function, as they are kept.

        Args:
            function: Its name.
            kwargs: What was asked for.
            listed: Whether it must be one that new jobs may use.
            known: What there was before: a secret that is given as ``***`` stays what it is.

        Raises:
            FunctionNotFoundError: no such function.
            InvalidArgumentsError: they do not fit its parameters, or have no JSON form.
        """
        split_name("function", function)
        found = self._core.registry.resolve(function)
        if listed and not found.listed:
            raise FunctionNotFoundError(function, "it is registered for its static jobs alone")
        return self._core.secrets.checked(found, kwargs, known or {})

    def _policies(self, given: object) -> Policies:
        """Policies as an engine follows them, of what is only said to be some."""
        if not isinstance(given, Policies):
            raise InvalidError.one("policies", given, "Policies(…)")
        if given == _NONE:
            return _NONE
        policies = policy_rules.make(**policy_rules.words(given))
        if policies.pool and policies.pool not in self._core.slots.named:
            raise InvalidError.one("pool", policies.pool, self._core.slots.pools_told)
        return policies

    def _check_free(self, group: str, name: str) -> None:
        taken = self._core.jobs.find(group, name)
        if taken is not None:
            why = f"; {damage.told(taken.job)}" if taken.job.damage else ""
            message = f"a job {group}/{name} exists already; choose another name{why}"
            raise ConflictError.taken(message, name)

    def _name(self, group: str, name: str | None, function_name: str) -> str:
        if name is not None:
            return check_name("name", name)
        candidate, number = function_name, 1
        while self._core.jobs.find(group, candidate) is not None:
            number += 1
            candidate = f"{function_name[: MAX_NAME - 8]}-{number}"
        return candidate


def _same(one: Job, other: Job) -> bool:
    # As JSON: to Python 1, 1.0 and True are equal, and to a function they are not.
    arguments = dump_kwargs(one.kwargs) == dump_kwargs(other.kwargs)
    return arguments and replace(one, kwargs={}) == replace(other, kwargs={})


def next_due_after(
    trigger: Trigger | None, last_due_us: int | None, now_us: int
) -> datetime | None:
    """The first due time after now and after what is accounted for."""
    if trigger is None:
        return None
    next_us = trigger.next_after_us(now_us if last_due_us is None else max(now_us, last_due_us))
    return None if next_us is None else from_us(next_us)


class _Findings:
    """Collects what is wrong with each field, to tell all of it at once."""

    def __init__(self) -> None:
        self._errors: list[InvalidError] = []

    def of(self, prefix: str, check: Any) -> Any:
        """What ``check`` returns; None where it finds something wrong."""
        try:
            return check()
        except FunctionNotFoundError:
            raise
        except InvalidError as error:
            same = all(field.field.split(".")[0] == prefix for field in error.errors)
            self._errors.append(error if same else error.below(prefix))
            return None

    def notes(self, given: Mapping[str, str]) -> None:
        """What people are told of a job."""
        for field, text in given.items():
            self.of(field, partial(check_note, field, text))

    def add(self, error: InvalidError) -> None:
        """Something is wrong."""
        self._errors.append(error)

    def raise_if_any(self) -> None:
        """Raise the one error, or all in one.

        Raises:
            InvalidError: something is wrong.
        """
        if not self._errors:
            return
        first = self._errors[0]
        if len(self._errors) == 1:
            raise first
        fields = tuple(field for error in self._errors for field in error.errors)
        raise InvalidError("; ".join(str(error) for error in self._errors), fields)


def _check_text(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise InvalidError.one("description", text, f"at most {MAX_TEXT} characters")
