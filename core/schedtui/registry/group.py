"""A group: the place where users decorate."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import FrameType, MappingProxyType
from typing import Any, TypeVar, Unpack, overload

from schedtui import policies
from schedtui.errors import ConflictError, InvalidError, InvalidTriggerError
from schedtui.models import After
from schedtui.models.after import check_after
from schedtui.models.at_once import check_at_once
from schedtui.models.names import check_name, check_tags
from schedtui.models.notes import check_note
from schedtui.policies import PolicyWords
from schedtui.registry.declaration import Declaration, check_arguments, json_arguments
from schedtui.registry.function import Function
from schedtui.triggers import (
    AnyOf,
    Cron,
    Every,
    Never,
    Once,
    Trigger,
    as_trigger,
    check_timezone,
    parse_duration,
)

F = TypeVar("F", bound=Callable[..., Any])


class Group:
    """A named set of functions and jobs.

    ::

        reports = Group("Reports", tags=["reports"])

        @reports.function()
        async def send_report(recipient: str): ...

        @reports.job(cron="0 9 * * *", timezone="Europe/Berlin")
        def daily_cleanup(): ...

    Args:
        name: 1 to 128 characters without ``/`` and control characters.
        tags: Given to all its jobs that the code declares, before their own, and to tasks that
            are made under ``/task-manager``.
        timezone: IANA zone of its jobs that name none; None: the engine's.
        limit: Runs of all its jobs together that may be active at once; None: any number.
        own: Policies of its jobs, where they do not say; see `schedtui.models.Policies`.

    Raises:
        InvalidNameError, InvalidTriggerError, InvalidError: an argument is wrong; says which.
    """

    def __init__(
        self,
        name: str,
        *,
        tags: Iterable[str] = (),
        timezone: str | None = None,
        limit: int | None = None,
        **own: Unpack[PolicyWords],
    ) -> None:
        self.name = check_name("name", name)
        self.tags = check_tags(tags)
        self.timezone = None if timezone is None else check_timezone(timezone)
        self.limit = _check_limit(limit)
        self.policies = policies.make(**own)
        self.file, self.line = _place(inspect.currentframe())
        self._functions: dict[str, Function] = {}
        self._declarations: dict[str, Declaration] = {}

    def __repr__(self) -> str:
        return f"<Group {self.name!r} of {self.place}>"

    @property
    def place(self) -> str:
        """``file:line`` where it was made."""
        return f"{self.file}:{self.line}"

    @property
    def functions(self) -> Mapping[str, Function]:
        """Its functions by bare name, those of ``register=False`` too; follows what is added."""
        return MappingProxyType(self._functions)

    def find(self, name: str) -> Function | None:
        """A function by its bare name."""
        return self._functions.get(name)

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """Its jobs in the order of the code."""
        return tuple(
            dataclasses.replace(one, timezone=one.timezone or self.timezone)
            for one in self._declarations.values()
        )

    def declaration(self, name: str) -> Declaration | None:
        """The declaration of one of its jobs, as the code has it; None when there is none."""
        return self._declarations.get(name)

    @overload
    def function(self, name: F, /) -> F: ...
    @overload
    def function(
        self,
        name: str | None = None,
        *,
        executor: str | None = None,
        memory_limit_mb: int | None = None,
    ) -> Callable[[F], F]: ...
    def function(
        self, name: Any = None, *, executor: str | None = None, memory_limit_mb: int | None = None
    ) -> Any:
        """Register the decorated function, without a schedule. ``@group.function`` works too.

        Args:
            name: None takes the function's own.
            executor: ``process`` runs it in a process of its own; None: on the event loop if it is
                async, else in a thread.
            memory_limit_mb: MiB that its process may use.

        Returns:
            The function, unchanged.

        Raises:
            ConflictError: another function of the group has this name.
            InvalidError, InvalidNameError: it cannot run as a job, or needs another name.
        """
        if callable(name):
            self._register(name, None, listed=True)
            return name

        def decorate(call: F) -> F:
            self._register(
                call, name, listed=True, executor=executor, memory_limit_mb=memory_limit_mb
            )
            return call

        return decorate

    def job(
        self,
        *,
        cron: str | Sequence[str] | None = None,
        every: float | timedelta | str | Sequence[float | timedelta | str] | None = None,
        at: datetime | Sequence[datetime] | None = None,
        trigger: Any = None,
        after: Iterable[str | After | Callable[..., Any]] = (),
        name: str | None = None,
        kwargs: Mapping[str, Any] | None = None,
        timezone: str | None = None,
        tags: Iterable[str] = (),
        description: str = "",
        owner: str = "",
        expected: str = "",
        runbook: str = "",
        rollback: str = "",
        register: bool = True,
        paused: bool = False,
        executor: str | None = None,
        memory_limit_mb: int | None = None,
        **own: Unpack[PolicyWords],
    ) -> Callable[[F], F]:
        """Register the decorated function and run it on a schedule: a static job.

        May be stacked: several jobs of one function, each with a ``name`` of its own.

        Args:
            cron: A crontab expression, or a list of them: due whenever one of them is.
            every: Seconds, a timedelta, or a text such as ``"5m"``; or a list.
            at: An aware moment; due once. Or a list: once at each.
            trigger: Any other trigger, also an object of APScheduler 3. At most one of these four
                is given, and one where ``after`` is not.
            after: The jobs whose runs it follows: ``group/name`` or a function that has one job in
                this group, for their success, or an `After`.
            name: The job's name; None takes the function's.
            kwargs: JSON arguments for the function.
            timezone: IANA zone of the schedule; None: the group's, else the engine's.
            tags: Added to the group's.
            description: One line; empty takes the summary of the function's docstring.
            owner: Who answers for it: a person, a team, an address.
            expected: What a good run leaves behind.
            runbook: What to do when it fails, or where that is written.
            rollback: How to undo what a run did. These four are for people, shown beside the job.
            register: False keeps the function from being listed and from jobs made at run time.
            paused: Start it paused.
            executor: Where the function runs, in every job of it; see `function`.
            memory_limit_mb: MiB that its process may use.
            own: Its policies, such as ``retries=3``; see `schedtui.models.Policies`. What it does
                not say the group says, else the engine.

        Returns:
            A decorator that returns the function unchanged.

        Raises:
            InvalidTriggerError: the schedule or the zone is wrong.
            InvalidArgumentsError: ``kwargs`` lack a required argument, hold an unknown one, or a
                value without a JSON form.
            ConflictError: another job or function of the group has this name.
            InvalidError, InvalidNameError: another argument is wrong; says which.
        """
        when = _one_trigger(cron=cron, every=every, at=at, trigger=trigger, after=after)
        follows = check_after(self._named(after))
        file, line = _place(inspect.currentframe())
        job_name = None if name is None else check_name("name", name)
        zone = None if timezone is None else check_timezone(timezone)
        said = policies.make(**own)
        all_tags = check_tags((*self.tags, *check_tags(tags)))
        arguments = json_arguments(kwargs or {})
        notes = {"owner": owner, "expected": expected, "runbook": runbook, "rollback": rollback}
        for field, text in notes.items():
            check_note(field, text)

        def decorate(call: F) -> F:
            function = self._register(
                call,
                None,
                listed=register,
                fallback=job_name,
                executor=executor,
                memory_limit_mb=memory_limit_mb,
            )
            own_name = job_name or function.name
            check_arguments(f"{self.name}/{own_name}", function.parameters, arguments)
            self._declare(
                Declaration(
                    group=self.name,
                    name=own_name,
                    function=function.full_name,
                    trigger=when,
                    timezone=zone,
                    kwargs=arguments,
                    policies=said,
                    after=follows,
                    tags=all_tags,
                    description=description or function.summary,
                    **notes,
                    paused=paused,
                    file=file,
                    line=line,
                )
            )
            return call

        return decorate

    def _named(self, after: object) -> object:
        """What is given as ``after``, with jobs in the place of functions."""
        if isinstance(after, str | After) or not isinstance(after, Iterable):
            return after
        return [self._job_of(one) if callable(one) else one for one in after]

    def _job_of(self, call: object) -> str:
        made = {one.full_name for one in self._functions.values() if one.is_made_of(call)}
        jobs = [one.full_name for one in self._declarations.values() if one.function in made]
        if len(jobs) != 1:
            expected = "a function with one job in this group; else name the job, 'group/name'"
            raise InvalidError.one("after", getattr(call, "__qualname__", call), expected)
        return jobs[0]

    def _register(
        self,
        call: object,
        name: str | None,
        *,
        listed: bool,
        fallback: str | None = None,
        executor: str | None = None,
        memory_limit_mb: int | None = None,
    ) -> Function:
        """The function for ``call``: the one that is there already, or a new one.

        Args:
            call: What was decorated.
            name: The name asked for.
            listed: A function that was listed once stays so.
            fallback: The name of a callable that has none of its own.
            executor: Where it runs; None leaves it to the other decorators, and to what it is.
            memory_limit_mb: As the executor.
        """
        known = next((one for one in self._functions.values() if one.is_made_of(call)), None)
        if known is not None and name in (None, known.name):
            known = self._functions[known.name] = known.also(listed, executor, memory_limit_mb)
            return known
        function = Function.of(
            call,
            group=self.name,
            name=name,
            fallback=fallback,
            listed=listed,
            executor=executor,
            memory_limit_mb=memory_limit_mb,
        )
        taken = self._functions.get(function.name)
        if taken is not None:
            raise ConflictError(
                f"group {self.name!r} already has a function {function.name!r} "
                f"({taken.file}:{taken.line}); rename one of them, or give this one "
                f'another name: @….function("another_name")'
            )
        self._functions[function.name] = function
        return function

    def _declare(self, declaration: Declaration) -> None:
        taken = self._declarations.get(declaration.name)
        if taken is not None:
            raise ConflictError(
                f"group {self.name!r} already has a job {declaration.name!r} ({taken.place}); "
                'give this one another name: @….job(name="another_name", …)'
            )
        self._declarations[declaration.name] = declaration


def _one_trigger(
    *,
    cron: object,
    every: object,
    at: object,
    trigger: object,
    after: object,
) -> Trigger:
    given = {"cron": cron, "every": every, "at": at, "trigger": trigger}
    named = [name for name, value in given.items() if value is not None]
    if after and not named:
        return Never()
    if len(named) != 1:
        got = " and ".join(named) or "none of them"
        raise InvalidTriggerError(
            f"job: got {got}; expected exactly one of cron, every, at, trigger (or none of them, "
            "with after)"
        )
    makers: dict[str, Callable[[Any], Trigger]] = {
        "cron": Cron,
        "every": lambda one: Every(parse_duration(one) if isinstance(one, str) else one),
        "at": Once,
        "trigger": as_trigger,
    }
    make, value = makers[named[0]], given[named[0]]
    if isinstance(value, list | tuple):
        return AnyOf([make(one) for one in value])
    return make(value)


def _check_limit(limit: object) -> int | None:
    return None if limit is None else check_at_once("limit", limit)


def _place(frame: FrameType | None) -> tuple[str, int]:
    """File and line of the caller of the function that ``frame`` is of."""
    caller = frame.f_back if frame else None
    return (caller.f_code.co_filename, caller.f_lineno) if caller else ("", 0)
