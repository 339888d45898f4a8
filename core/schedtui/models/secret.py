"""Arguments that are secret: their type, and the form in which they are kept and shown.

A secret argument is kept as ``{"$secret": value}``, in a job and in its runs, so that what is shown
needs no look at the function, which may be another one by then, or gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from schedtui.errors import InvalidError
from schedtui.models.hidden import MASK, hold, remember

if TYPE_CHECKING:
    from schedtui.models.job import Job
    from schedtui.models.run import Run

    One = TypeVar("One", Job, Run)

SEAL: Final = "$secret"
"""The one key of a secret as it is kept."""


class Secret(str):
    """A text that is shown as ``***`` wherever an engine shows it.

    The type hint of a parameter: the function gets the true value. In what runs of this process
    write, return or raise, the value of every `Secret` that was made is replaced.
    """

    __slots__ = ("__weakref__",)

    def __new__(cls, value: str) -> Secret:
        """Make one of ``value``, which nothing shows from now on."""
        made = super().__new__(cls, value)
        hold(made)
        return made

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """How pydantic makes one."""
        del source
        from pydantic_core import core_schema  # 100 ms, and only where one is checked

        return core_schema.no_info_after_validator_function(cls, handler(str))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        """What a form is to know of it."""
        return {**handler(schema), "format": "password", "writeOnly": True}


def hides(shown: Any, definitions: Mapping[str, Any], seen: set[str] | None = None) -> bool:
    """Whether a JSON schema says ``writeOnly``, at any depth.

    Args:
        shown: The schema, or a part of one.
        definitions: Its ``$defs``.
        seen: Those of them that need no other look.
    """
    seen = set() if seen is None else seen
    if isinstance(shown, list):
        return any(hides(item, definitions, seen) for item in shown)
    if not isinstance(shown, dict):
        return False
    if shown.get("writeOnly") is True:
        return True
    name = str(shown.get("$ref", "")).removeprefix("#/$defs/")
    if name and name not in seen:
        seen.add(name)
        if hides(definitions.get(name), definitions, seen):
            return True
    return any(hides(item, definitions, seen) for item in shown.values())


def is_sealed(value: object) -> bool:
    """Whether a JSON value is a secret as it is kept."""
    return isinstance(value, Mapping) and len(value) == 1 and SEAL in value


def sealed(value: Any) -> Any:
    """A JSON value as a secret is kept."""
    return value if is_sealed(value) else {SEAL: value}


def has_seal(value: Any) -> bool:
    """Whether a secret as it is kept is anywhere in a JSON value."""
    if isinstance(value, Mapping):
        return SEAL in value or any(map(has_seal, value.values()))
    return isinstance(value, list | tuple) and any(map(has_seal, value))


def opened(value: Any) -> Any:
    """A JSON value with every secret in it as the function gets it; nothing shows those then."""
    if is_sealed(value):
        remember(value[SEAL])
        return value[SEAL]
    if isinstance(value, Mapping):
        return {key: opened(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [opened(item) for item in value]
    return value


def held(value: Any) -> tuple[Secret, ...]:
    """The secrets in a JSON value, of which no text shows any while these are held."""
    if is_sealed(value):
        return tuple(Secret(text) for text in _texts(value[SEAL]))
    if isinstance(value, Mapping):
        return tuple(one for item in value.values() for one in held(item))
    return tuple(one for item in value for one in held(item)) if isinstance(value, list) else ()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


def masked(value: Any) -> Any:
    """A JSON value with `MASK` in place of every secret in it."""
    if is_sealed(value):
        return MASK
    if isinstance(value, Mapping):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


def check_secrets(names: object) -> frozenset[str]:
    """Names of arguments that are to be secret.

    Raises:
        InvalidError: they are no list of names.
    """
    fine = not isinstance(names, str) and isinstance(names, Iterable)
    found = list(names) if fine and isinstance(names, Iterable) else []
    if not fine or not all(isinstance(name, str) and name.isidentifier() for name in found):
        raise InvalidError.one("names", names, "a list of arguments' names, such as ['password']")
    return frozenset(found)


def shown(one: One) -> One:
    """A job or a run as it leaves its engine: without a secret."""
    # Most have none, and another copy of a job costs more than to look.
    if one.kwargs and (kwargs := masked(one.kwargs)) != one.kwargs:
        one = replace(one, kwargs=kwargs)
    declared = getattr(one, "declared", None)
    return one if not declared else replace(one, declared=masked(declared))  # type: ignore[call-arg]  # a job's
