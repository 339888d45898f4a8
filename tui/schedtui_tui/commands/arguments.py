"""Arguments of a function as a person types them: ``--arg name=value`` and ``--args JSON``."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schedtui.errors import FieldError, FunctionNotFoundError, InvalidError
from schedtui_tui.commands.policies import flag_of
from schedtui_tui.exits import UsageError, wrong
from schedtui_tui.fields import properties_of

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def add_arguments_options(parser: argparse.ArgumentParser) -> None:
    """``--arg`` and ``--args``."""
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an argument of the function; may be given again",
    )
    parser.add_argument("--args", metavar="JSON", help="arguments as a JSON object")


async def read_arguments(
    client: EngineClient, function: str, pairs: Sequence[str], document: str | None
) -> dict[str, Any]:
    """The arguments for ``function``; ``--arg`` wins over ``--args``.

    Raises:
        UsageError: not ``NAME=VALUE``, or not a JSON object.
    """
    arguments = _object(document)
    if not pairs:
        return arguments
    group = function.partition("/")[0]
    known = {info.full_name: info for info in await client.functions(group)}
    if function not in known:
        raise FunctionNotFoundError(function, "`schedtui functions` lists them")
    properties = properties_of(known[function].parameters)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--arg: got {pair!r}; expected NAME=VALUE")
        arguments[name] = value(text, properties.get(name, {}))
    return arguments


@contextlib.contextmanager
def in_words_of_the_shell(trigger: str = "") -> Iterator[None]:
    """While it lasts, what the engine refuses is told by the options that were typed.

    Args:
        trigger: The option that gave the trigger, such as ``--every``.

    Raises:
        InvalidError: instead of the one that the engine raised.
    """
    try:
        yield
    except InvalidError as error:
        if not error.errors:
            raise
        fields = tuple(_by_option(field, trigger) for field in error.errors)
        raise InvalidError("; ".join(map(wrong, fields)), fields) from error


_OPTIONS = {
    "name": "--name",
    "group": "--name",
    "timezone": "--timezone",
    "tags": "--tag",
    "after": "--after",
    "description": "--description",
    "idempotency_key": "--key",
    "start": "--from",
    "end": "--to",
    "limit": "--limit",
}


def _by_option(field: FieldError, trigger: str) -> FieldError:
    top, _, below = field.field.partition(".")
    if top == "kwargs" and below:
        return replace(field, field=f"--arg {below}")
    if top == "trigger" and trigger:
        return replace(field, field=trigger)
    if top == "policies" and below:
        return replace(field, field=flag_of(below))
    return replace(field, field=_OPTIONS.get(field.field, field.field))


def _object(document: str | None) -> dict[str, Any]:
    if document is None:
        return {}
    try:
        arguments = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--args: {error}; expected a JSON object") from error
    if not isinstance(arguments, dict):
        raise UsageError(f"--args: got {document}; expected a JSON object")
    return arguments


def value(text: str, schema: Mapping[str, Any]) -> Any:
    """``text`` itself for a parameter that is a string, else the JSON it spells, if it does."""
    kinds = _kinds(schema)
    if "string" in kinds:
        return None if text == "null" and "null" in kinds else text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    """The JSON types that a parameter may have, as far as its schema says; trusts nothing."""
    options = schema.get("anyOf")
    found: set[str] = set()
    for part in (schema, *(options if isinstance(options, list | tuple) else ())):
        kind = part.get("type") if isinstance(part, Mapping) else None
        kinds = kind if isinstance(kind, list | tuple) else [kind]
        found.update(one for one in kinds if isinstance(one, str))
    return found
