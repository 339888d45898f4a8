"""The fields of a form, from the JSON schema of a function's parameters."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_FIELDS = 50
"""Each is a handful of widgets, and no person fills in more."""
MISSING = object()
"""Stands for a field that is not sent, so that the function's own default counts."""


class Kind(StrEnum):
    """How a value is typed."""

    TEXT = "text"
    INTEGER = "whole number"
    NUMBER = "number"
    CHOICE = "choice"
    JSON = "JSON"


class FieldTextError(ValueError):
    """What was typed is not a value of this kind; the message is for the person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One parameter of a function."""

    name: str
    kind: Kind
    required: bool
    default: Any = MISSING
    description: str = ""
    choices: tuple[Any, ...] = ()
    """The values of a choice."""
    optional: bool = False
    """Whether null is allowed."""
    text_allowed: bool = False
    """A JSON field that also takes a plain string."""
    secret: bool = False
    """What is typed is not to be seen."""

    def initial(self) -> str:
        """The default as it would be typed."""
        if self.default is MISSING or self.default is None:
            return ""
        if self.kind is Kind.TEXT:
            return str(self.default)
        return json.dumps(self.default, ensure_ascii=False)

    def read(self, text: str) -> Any:
        """The value that was typed, or `MISSING` where the default was left as it is.

        What is no number is sent as it is: the engine says what it expects.

        Raises:
            FieldTextError: it is no JSON.
        """
        if text == self.initial() and not (self.required and text):
            return MISSING
        if self.kind is Kind.TEXT:
            return text if text or self.default is not None else None
        typed = text.strip()
        if not typed:
            return None if self.optional else MISSING
        if self.kind is Kind.JSON:
            return self._json(typed)
        number = _number(typed, whole=self.kind is Kind.INTEGER)
        return typed if number is None else number

    def wrong(self, text: str) -> str:
        """What is certainly wrong with what was typed, before the engine is asked; else empty."""
        try:
            value = self.read(text)
        except FieldTextError as problem:
            return str(problem)
        if self.kind not in (Kind.INTEGER, Kind.NUMBER) or not isinstance(value, str):
            return ""
        # Some texts that no JSON number spells are numbers to the engine: 5.0 as a whole one, inf.
        try:
            number = float(value)
        except ValueError:
            return f"expected a {self.kind}"
        right = self.kind is Kind.NUMBER or number.is_integer()
        return "" if right else f"expected a {self.kind}"

    def _json(self, typed: str) -> Any:
        try:
            return json.loads(typed)
        except (ValueError, RecursionError) as error:
            if self.text_allowed:
                return typed
            where = (
                f" at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
            )
            raise FieldTextError(f'not JSON{where}; write ["a", "b"] or {{"key": 1}}') from None


def _number(typed: str, *, whole: bool) -> int | float | None:
    try:
        number = int(typed) if whole else float(typed)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def fields_of(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """The first `MAX_FIELDS` fields for an ``object`` schema.

    The required ones come first, else they stand in its own order. Nothing about the schema is
    trusted: it may come from a remote engine.
    """
    return tuple(_field(*part, schema) for part in _parameters(schema)[:MAX_FIELDS])


def without_field(schema: Mapping[str, Any]) -> int:
    """How many parameters `fields_of` leaves out."""
    return max(len(_parameters(schema)) - MAX_FIELDS, 0)


def _parameters(schema: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any], bool]]:
    """Name, schema, and whether it is required."""
    required = required_of(schema)
    found = [
        (name, part, name in required)
        for name, part in properties_of(schema).items()
        if part.get("readOnly") is not True
    ]
    return sorted(found, key=lambda one: not one[2])


def properties_of(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The schema of each parameter; what is none is one that allows anything. Trusts nothing."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {
        str(name): part if isinstance(part, Mapping) else {} for name, part in properties.items()
    }


def required_of(schema: Mapping[str, Any]) -> set[str]:
    """The names of the parameters without a default. Trusts nothing."""
    names = schema.get("required")
    return set(map(str, names)) if isinstance(names, list | tuple) else set()


def _field(name: str, part: Mapping[str, Any], required: bool, root: Mapping[str, Any]) -> Field:
    outer = part
    part, optional = _resolve(part, root)
    kind, choices = _kind(part)
    variants = part.get("anyOf")
    text_allowed = isinstance(variants, list | tuple) and any(
        isinstance(variant, Mapping) and variant.get("type") == "string" for variant in variants
    )
    description = outer.get("description") or part.get("description") or ""
    late = outer.get("late")
    if isinstance(late, str) and not description:
        description = f"left out: fetched at each attempt by {late}"
    return Field(
        name=name,
        kind=kind,
        required=required,
        default=outer.get("default", part.get("default", MISSING)),
        description=description if isinstance(description, str) else "",
        choices=choices,
        optional=optional,
        text_allowed=text_allowed or not part,
        secret=part.get("writeOnly") is True or outer.get("writeOnly") is True,
    )


def _resolve(part: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The schema behind references and behind ``X or null``; and whether null is allowed."""
    optional = False
    for _ in range(10):  # a schema may refer to itself
        reference = part.get("$ref")
        variants = part.get("anyOf") or part.get("oneOf")
        if isinstance(reference, str):
            found: Any = root
            for step in reference.removeprefix("#/").split("/"):
                found = found.get(step) if isinstance(found, Mapping) else None
            part = found if isinstance(found, Mapping) else {}
        elif isinstance(variants, list | tuple):
            others = [
                variant
                for variant in variants
                if isinstance(variant, Mapping) and variant.get("type") != "null"
            ]
            optional = optional or len(others) < len(variants)
            if len(others) != 1:
                break
            part = others[0]
        else:
            break
    return part, optional


def _kind(part: Mapping[str, Any]) -> tuple[Kind, tuple[Any, ...]]:
    choices = part.get("enum")
    if isinstance(choices, list | tuple) and choices:
        return Kind.CHOICE, tuple(choices[:200])
    if "const" in part:
        return Kind.CHOICE, (part["const"],)
    kinds = {
        "string": Kind.TEXT,
        "integer": Kind.INTEGER,
        "number": Kind.NUMBER,
    }
    type_ = part.get("type")
    if type_ == "boolean":
        return Kind.CHOICE, (True, False)
    return (kinds.get(type_, Kind.JSON) if isinstance(type_, str) else Kind.JSON), ()
