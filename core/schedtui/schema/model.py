"""The pydantic model behind a function's parameters. Imports pydantic: import this late."""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, Optional

import pydantic
import pydantic_core
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from schedtui.errors import FieldError, InvalidError, shorten, shorten_value
from schedtui.models.secret import hides
from schedtui.schema.parameters import EMPTY, MISSING, raise_errors, underlying

if TYPE_CHECKING:
    from schedtui.schema.parameters import Parameters

_WORDS = {
    "missing": MISSING,
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "a string",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "date_type": "a date such as 2026-12-24",
    "date_parsing": "a date such as 2026-12-24",
    "date_from_datetime_parsing": "a date such as 2026-12-24",
    "datetime_type": "a date and time such as 2026-12-24T18:00:00Z",
    "datetime_parsing": "a date and time such as 2026-12-24T18:00:00Z",
    "datetime_from_date_parsing": "a date and time such as 2026-12-24T18:00:00Z",
    "time_delta_parsing": "a duration such as PT5M, or seconds",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "dataclass_type": "an object",
}


class _Schema(GenerateJsonSchema):
    """Without titles that only repeat names, and without warnings."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {  # noqa: RUF012 - declared so in the base
        "skipped-choice",
        "non-serializable-default",
    }

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


class ArgumentModel:
    """A function's parameters as a pydantic model.

    Fields are called ``p0``, ``p1`` … and carry the parameter's name as their alias, because
    pydantic refuses or shadows names such as ``_x``, ``json`` and ``model_config``.

    Raises:
        InvalidError: a type hint cannot be resolved, or pydantic cannot take it.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._hints = _resolve_hints(parameters)
        self._closed = frozenset(name for name in parameters.late if name not in self._hints)
        """Late parameters that no job can give: their types have no JSON form."""
        named = enumerate(parameters.by_name)
        self._names = {f"p{at}": name for at, name in named if name not in self._closed}
        try:
            self._model = self._build()
            self._schema = self._describe()
            if "writeOnly" in self._schema:
                self._schema = json.dumps(self._discreet(self.json_schema()))
        except Exception as error:  # noqa: BLE001 - types of the user's run code of theirs here
            self._blame(error)

    def json_schema(self) -> dict[str, Any]:
        """A copy of the schema."""
        schema: dict[str, Any] = json.loads(self._schema)
        return schema

    def validate(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The converted arguments; see `Parameters.validate`."""
        raise_errors([_closed(name, kwargs[name]) for name in self._closed if name in kwargs])
        try:
            instance = self._model.model_validate(dict(kwargs))
        except pydantic.ValidationError as error:
            raise_errors(self._explain(error, kwargs))
            raise
        except Exception as error:
            raise InvalidError(
                f"checking the arguments raised {type(error).__name__}: {error}"
            ) from error
        given = instance.model_fields_set
        values = {
            name: instance.__dict__[field]
            for field, name in self._names.items()
            if field in given or name in self._parameters.required
        }
        values |= instance.__pydantic_extra__ or {}
        raise_errors(self._booleans(kwargs, values))
        return values

    def _build(self) -> type[pydantic.BaseModel]:
        extra = self._parameters.extra
        namespace: dict[str, Any] = {
            "__module__": __name__,
            "model_config": pydantic.ConfigDict(extra="forbid" if extra is None else "allow"),
        }
        if extra is not None:
            every = types.GenericAlias(dict, (str, self._hints[extra.name]))
            namespace["__annotations__"] = {"__pydantic_extra__": every}
        base = type("Arguments", (pydantic.BaseModel,), namespace)
        fields: dict[str, Any] = {
            field: (self._hints[name], self._field(name)) for field, name in self._names.items()
        }
        return pydantic.create_model("Arguments", __base__=base, **fields)

    def _field(self, name: str) -> Any:
        names = {"alias": name, "validation_alias": name, "serialization_alias": name}
        if name in self._parameters.required:
            return pydantic.Field(**names)  # type: ignore[call-overload]  # its overloads take no mapping
        return pydantic.Field(default_factory=_left_out, **names)  # type: ignore[call-overload]  # as above

    def _describe(self) -> str:
        """The model's JSON schema, with defaults and descriptions of the function's own."""
        schema = self._model.model_json_schema(schema_generator=_Schema)
        for noise in ("title", "description"):
            schema.pop(noise, None)
        for name, definition in schema.get("$defs", {}).items():
            if definition.get("title") == name:
                del definition["title"]
        described = self._parameters.docstring.parameters
        properties = schema.setdefault("properties", {})
        properties |= {name: {"readOnly": True} for name in sorted(self._closed)}
        for name, shown in properties.items():
            if name in described:
                shown.setdefault("description", described[name])
            default = _json_default(self._parameters.by_name[name].default)
            if default is not EMPTY:
                shown["default"] = default
            if name in self._parameters.late:
                shown["late"] = self._parameters.late[name].shown
        order = ("$defs", "type", "properties", "required", "additionalProperties")
        return json.dumps({key: schema[key] for key in order if key in schema}, allow_nan=False)

    def _discreet(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema without the defaults of what is secret."""
        for name in self.secrets:
            schema["properties"][name].pop("default", None)
        for definition in schema.get("$defs", {}).values():
            for shown in definition.get("properties", {}).values():
                if self._hides(shown):
                    shown.pop("default", None)
        return schema

    def _blame(self, error: Exception) -> NoReturn:
        """Find the parameter that pydantic cannot take."""
        for name, hint in self._hints.items():
            try:
                pydantic.TypeAdapter(hint).json_schema(schema_generator=_Schema)
            except Exception as cause:
                reason = str(cause).partition("\n")[0]
                raise InvalidError(
                    f"parameter {name!r}: its type {_show(hint)} has no JSON form ({reason}); "
                    "give it another type hint",
                ) from cause
        raise InvalidError(f"the parameters have no JSON schema: {error}") from error

    def _explain(
        self, error: pydantic.ValidationError, kwargs: Mapping[str, Any]
    ) -> list[FieldError]:
        """One error per field; what the members of a union expected is joined."""
        found: dict[str, tuple[Any, list[str]]] = {}
        for one in error.errors(include_url=False):
            missing = one["type"] == "missing"
            field = ".".join(["kwargs", *_path(one["loc"], kwargs, keep_last=missing)])
            secret = bool(one["loc"]) and self._secret(str(one["loc"][0]))
            got = None if missing else "***" if secret else shorten_value(one["input"])
            words = found.setdefault(field, (got, []))[1]
            expected = self._expected(one)
            if expected not in words:
                words.append(expected)
        return [
            FieldError(field=field, got=got, expected=" or ".join(words))
            for field, (got, words) in found.items()
        ]

    def _expected(self, one: Any) -> str:
        if one["type"] == "extra_forbidden" and len(one["loc"]) == 1:
            known = ", ".join(self._parameters.by_name) or "it takes none"
            return f"no such parameter; known: {known}"
        words = _WORDS.get(one["type"])
        if words:
            return words
        text = str(one["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
        return shorten(text, 200)[1:-1] if len(text) > 200 else text

    def _secret(self, name: str) -> bool:
        return name in self.secrets or (self.others and name not in self._parameters.by_name)

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The parameters whose schema says ``writeOnly``, at any depth."""
        properties = self.json_schema().get("properties", {})
        return frozenset(name for name, shown in properties.items() if self._hides(shown))

    @cached_property
    def others(self) -> bool:
        """Whether what ``**kwargs`` takes is secret."""
        return self._hides(self.json_schema().get("additionalProperties"))

    def _hides(self, shown: Any) -> bool:
        return hides(shown, self.json_schema().get("$defs", {}))

    def _booleans(self, given: Mapping[str, Any], values: Mapping[str, Any]) -> list[FieldError]:
        """Errors for ``true`` where a number is wanted, which pydantic would take for 1."""
        return [
            FieldError(field=f"kwargs.{name}", got=got, expected=_WORDS[kind])
            for name, got in given.items()
            if isinstance(got, bool)
            and (kind := f"{type(values.get(name)).__name__}_type") in {"int_type", "float_type"}
        ]


def _closed(name: str, got: Any) -> FieldError:
    expected = "nothing: it is fetched at each attempt, and its type has no JSON form"
    return FieldError(field=f"kwargs.{name}", got=shorten_value(got), expected=expected)


def _left_out() -> None:
    """Stands for the default of a parameter, which stays with the function."""


def _json_default(value: Any) -> Any:
    """A default as a JSON value, or ``EMPTY`` where it has none."""
    if value is EMPTY:
        return EMPTY
    try:
        plain = pydantic_core.to_jsonable_python(value)
        json.dumps(plain, allow_nan=False)
    except Exception:  # noqa: BLE001 - a default may be any object at all
        return EMPTY
    return plain


def _path(loc: tuple[int | str, ...], kwargs: Mapping[str, Any], *, keep_last: bool) -> list[str]:
    """The part of ``loc`` that leads through the input; pydantic adds its own tags of unions."""
    steps: list[str] = []
    at: Any = kwargs
    for number, step in enumerate(loc, 1):
        inside = (isinstance(at, Mapping) and step in at) or (
            isinstance(at, list | tuple) and isinstance(step, int) and step < len(at)
        )
        if inside:
            at = at[step]
        if inside or (keep_last and number == len(loc)):
            steps.append(str(step))
    return steps


def _resolve_hints(parameters: Parameters) -> dict[str, Any]:
    """Each parameter's type; strings are looked up where the function was written."""
    named = parameters.by_name
    every = named if parameters.extra is None else named | {parameters.extra.name: parameters.extra}
    scope = getattr(underlying(parameters.call), "__globals__", {})
    hints: dict[str, Any] = {}
    for name, one in every.items():
        try:
            hint = _resolve(one, scope)
            if name in parameters.late:
                pydantic.TypeAdapter(hint).json_schema(schema_generator=_Schema)
        except Exception:
            if name in parameters.late:
                continue  # its provider gives it, so that it may be a connection or any other thing
            raise
        hints[name] = hint
    return hints


def _resolve(parameter: inspect.Parameter, scope: dict[str, Any]) -> Any:
    if parameter.annotation is EMPTY:
        return Any
    # get_type_hints wants something that carries annotations; one parameter at a time, so that
    # the error can name it
    carrier = types.FunctionType(_left_out.__code__, scope)
    carrier.__annotations__ = {"hint": parameter.annotation}
    try:
        hint = typing.get_type_hints(carrier, include_extras=True)["hint"]
    except Exception as error:
        raise InvalidError(
            f"parameter {parameter.name!r}: its type hint {_show(parameter.annotation)} cannot be "
            f"resolved ({error}); import or define that name at module level, outside of "
            "'if TYPE_CHECKING'"
        ) from error
    if parameter.default is not None:
        return hint
    return Optional[hint]  # noqa: UP045 - `hint | None` asks the type, whose metaclass may define `|`


def _show(hint: Any) -> str:
    return hint if isinstance(hint, str) else inspect.formatannotation(hint)
