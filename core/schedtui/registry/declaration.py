"""A job declared in code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from schedtui.errors import FieldError, InvalidArgumentsError, shorten, shorten_value
from schedtui.models import After, Policies
from schedtui.models.notes import notes_of
from schedtui.models.wire import to_wire
from schedtui.schema.parameters import MISSING, Parameters
from schedtui.triggers import Trigger

_MAX_DEPTH = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """What the code says a static job is."""

    group: str
    name: str
    function: str
    """``group/name`` of the decorated function."""
    trigger: Trigger
    timezone: str | None
    """The job's own zone, else its group's; None: the engine's."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """JSON arguments of the function."""
    policies: Policies = field(default_factory=Policies)
    """What the job itself says; the group's are not mixed in."""
    after: tuple[After, ...] = ()
    """The jobs whose runs it follows."""
    tags: tuple[str, ...] = ()
    """The group's, then its own."""
    description: str = ""
    owner: str = ""
    """Who answers for it."""
    expected: str = ""
    """What a good run leaves behind."""
    runbook: str = ""
    """What to do when it fails."""
    rollback: str = ""
    """How to undo what a run did."""
    paused: bool = False
    """Whether it starts out paused."""
    file: str = ""
    """Where it is declared; no part of what it is."""
    line: int = 0

    @property
    def full_name(self) -> str:
        """``group/name``."""
        return f"{self.group}/{self.name}"

    @property
    def place(self) -> str:
        """``file:line`` of the decorator."""
        return f"{self.file}:{self.line}"

    def to_json(self) -> dict[str, Any]:
        """The declaration as JSON values, in the form of a `JobSpec`. Equal ones are equal."""
        said = {
            "function": self.function,
            "trigger": self.trigger.to_json(),
            "group": self.group,
            "name": self.name,
            "timezone": self.timezone,
            "kwargs": to_wire(self.kwargs),
            "policies": to_wire(self.policies),
            "tags": list(self.tags),
            "description": self.description,
            "paused": self.paused,
        }
        # Only where it is there, so that what older versions stored is still the same.
        more = {"after": to_wire(self.after), **notes_of(self)}
        return said | {field: value for field, value in more.items() if value}


def check_arguments(job: str, parameters: Parameters, kwargs: Mapping[str, Any]) -> None:
    """Refuse arguments in code that are missing or unknown; types are not looked at.

    Args:
        job: ``group/name``, for the message.
        parameters: Those of the job's function.
        kwargs: What the decorator gives.

    Raises:
        InvalidArgumentsError: with a field for each, ``kwargs.name``; says what to do.
    """
    try:
        parameters.check_names(kwargs)
    except InvalidArgumentsError as error:
        wrong = error.errors
        lacking = [one.field.removeprefix("kwargs.") for one in wrong if one.expected == MISSING]
        said = [_lacks(lacking)] if lacking else []
        said += [
            f"{one.field}: got {one.got!r}; expected {one.expected}"
            for one in wrong
            if one.expected != MISSING
        ]
        text = "; ".join(said)
        raise InvalidArgumentsError(f"job {job}{' ' if lacking else ': '}{text}", wrong) from None


def _lacks(names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    listed = " and ".join([", ".join(quoted[:-1]), quoted[-1]] if quoted[1:] else quoted)
    given = ", ".join(f"{name}: ..." for name in quoted)
    one = len(names) == 1
    return (
        f"lacks the argument{'' if one else 's'} {listed}, which its function requires; give "
        f"{'it' if one else 'them'} in the decorator, kwargs={{{given}}}, or give the "
        f"parameter{'' if one else 's'} a default"
    )


def json_arguments(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments written in code as plain JSON values.

    Raises:
        InvalidArgumentsError: a value has no JSON form; names it.
    """
    if not isinstance(kwargs, Mapping):
        raise _not_json("kwargs", kwargs, "a mapping of argument names to values")
    plain: dict[str, Any] = _plain(kwargs, "kwargs", 0)
    return plain


def _plain(value: Any, where: str, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise _not_json(where, value, f"at most {_MAX_DEPTH} levels of nesting")
    if isinstance(value, Enum) and isinstance(value, str | int | float):
        return value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}.{at}", depth + 1) for at, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise _not_json(where, key, "strings as keys")
        return {key: _plain(item, f"{where}.{key}", depth + 1) for key, item in value.items()}
    raise _not_json(
        where,
        value,
        "a JSON value (string, finite number, true, false, None, list, dict), because the "
        "arguments of a job are stored; a date goes in as its ISO text",
    )


def _not_json(where: str, got: Any, expected: str) -> InvalidArgumentsError:
    return InvalidArgumentsError(
        f"{where}: got {shorten(got)}; expected {expected}",
        (FieldError(field=where, got=shorten_value(got), expected=expected),),
    )
