"""The keyword parameters of a function: read from its signature, cheap until really needed."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from schedtui.errors import FieldError, InvalidArgumentsError, InvalidError, shorten_value
from schedtui.models.secret import opened
from schedtui.schema.docstring import Docstring, parse_docstring
from schedtui.schema.late import LateValue

if TYPE_CHECKING:
    from schedtui.schema.model import ArgumentModel

EMPTY = inspect.Parameter.empty
MISSING = "a value; it is missing"
_WORD = re.compile(r"[^\W\d]\w*")
_HARMLESS = frozenset(
    {
        *("Any", "Iterable", "Literal", "Mapping", "None", "NoneType", "Optional", "Sequence"),
        *("Union", "abc", "bool", "builtins", "bytes", "class", "collections", "date"),
        *("datetime", "dict", "float", "frozenset", "inspect", "int", "list", "object"),
        *("set", "str", "time", "timedelta", "tuple", "typing", "_empty"),
    }
)
"""What type hints are made of that hold nothing secret."""


class Parameters:
    """The keyword parameters of one function.

    Args:
        call: The function, a bound method, a `functools.partial` or an object with ``__call__``.

    Raises:
        InvalidError: its parameters cannot be read, or not all of them can be given by name.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call
        self.by_name, self.extra = _read(call)
        self.required = frozenset(
            name for name, one in self.by_name.items() if one.default is EMPTY
        )
        self.late: dict[str, LateValue] = {
            name: one.default
            for name, one in self.by_name.items()
            if isinstance(one.default, LateValue)
        }

    @cached_property
    def docstring(self) -> Docstring:
        """The function's docstring, taken apart."""
        call = without_partial(self.call)
        doc = underlying(call).__doc__
        return parse_docstring(doc or (None if inspect.isroutine(call) else type(call).__doc__))

    def json_schema(self) -> dict[str, Any]:
        """JSON schema (draft 2020-12) of the arguments: an ``object``. A new copy each time.

        Raises:
            InvalidError: a type hint cannot be resolved or has no JSON form; names the parameter.
        """
        if not self.by_name and self.extra is None:
            return {"type": "object", "properties": {}, "additionalProperties": False}
        return self._model.json_schema()

    def check_names(self, kwargs: Mapping[str, Any]) -> None:
        """Refuse arguments that are missing or unknown; types are not looked at.

        Raises:
            InvalidArgumentsError: with a field for each, ``kwargs.name``.
        """
        errors = [_error(name, None, MISSING) for name in self.by_name if self._lacks(kwargs, name)]
        if self.extra is None:
            known = ", ".join(self.by_name) or "it takes none"
            errors += [
                _error(name, value, f"no such parameter; known: {known}")
                for name, value in kwargs.items()
                if name not in self.by_name
            ]
        raise_errors(errors)

    def validate(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """JSON values as the Python arguments that the type hints ask for.

        Parameters that are not given are left to the function's own defaults.

        Raises:
            InvalidArgumentsError: with a field for each argument that does not fit.
            InvalidError: a type hint cannot be resolved or has no JSON form; names the parameter.
        """
        if not kwargs and not self.required:
            return {}
        kwargs = {name: opened(value) for name, value in kwargs.items()}
        if self._untyped:
            self.check_names(kwargs)
            return {name: _fresh(value) for name, value in kwargs.items()}
        return self._model.validate(kwargs)

    def is_secret(self, name: str) -> bool:
        """Whether an argument is to be shown to nobody: its type is, or holds, a `Secret`."""
        if self._plain:
            return False
        try:
            model = self._model
        except InvalidError:  # it cannot be called, and nobody knows what it would have been
            return True
        return name in model.secrets or (model.others and name not in self.by_name)

    def _lacks(self, kwargs: Mapping[str, Any], name: str) -> bool:
        return name in self.required and name not in kwargs

    @cached_property
    def _untyped(self) -> bool:
        """Whether there is nothing to convert, so that pydantic is not needed."""
        hints = [one.annotation for one in self.by_name.values()]
        if self.extra is not None:
            hints.append(self.extra.annotation)
        return all(hint in (EMPTY, Any, object, "Any", "object") for hint in hints)

    @cached_property
    def _plain(self) -> bool:
        """Whether no type hint can hold a secret, so that pydantic need not be asked."""
        hints = [one.annotation for one in self.by_name.values()]
        hints += [] if self.extra is None else [self.extra.annotation]
        words = (word for hint in hints for word in _WORD.findall(str(hint)))
        return _HARMLESS.issuperset(words)

    @cached_property
    def _model(self) -> ArgumentModel:
        # pydantic takes 100 ms to import; most processes never get here before the first paint
        from schedtui.schema.model import ArgumentModel

        return ArgumentModel(self)


def without_partial(call: Callable[..., Any]) -> Callable[..., Any]:
    """What a `functools.partial` was made of; anything else as it is."""
    while isinstance(call, functools.partial):
        call = call.func
    return call


def underlying(call: Callable[..., Any]) -> Any:
    """The plain function that holds the code, the docstring and the globals of ``call``."""
    call = without_partial(call)
    return inspect.unwrap(call if inspect.isroutine(call) else type(call).__call__)


def raise_errors(errors: list[FieldError]) -> None:
    """Raise one `InvalidArgumentsError` for all of ``errors``, if there are any."""
    if not errors:
        return
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    got = "nothing" if first.expected == MISSING else repr(first.got)
    raise InvalidArgumentsError(
        f"{first.field}: got {got}; expected {first.expected}{more}", tuple(errors)
    )


def _error(name: str, got: Any, expected: str) -> FieldError:
    return FieldError(field=f"kwargs.{name}", got=shorten_value(got), expected=expected)


def _signature(call: Callable[..., Any]) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        from annotationlib import Format  # names under TYPE_CHECKING must not fail here already

        return inspect.signature(call, annotation_format=Format.FORWARDREF)
    return inspect.signature(call)


def _read(
    call: Callable[..., Any],
) -> tuple[dict[str, inspect.Parameter], inspect.Parameter | None]:
    """The named parameters, and the ``**kwargs`` one."""
    try:
        found = _signature(call).parameters.values()
    except (TypeError, ValueError) as error:
        raise InvalidError(
            f"the parameters of {call!r} cannot be read ({error}); wrap it in a function of yours"
        ) from error
    for one in found:
        if one.kind is one.POSITIONAL_ONLY:
            raise InvalidError(
                f"parameter {one.name!r} is positional-only, and arguments are given by name; "
                "remove the '/' from the signature, or wrap the function"
            )
        if one.kind is one.VAR_POSITIONAL:
            raise InvalidError(
                f"parameter '*{one.name}' takes arguments by position, and they are given by name; "
                "name the parameters (a decorator in between needs functools.wraps)"
            )
    named = {one.name: one for one in found if one.kind is not one.VAR_KEYWORD}
    return named, next((one for one in found if one.kind is one.VAR_KEYWORD), None)


def _fresh(value: Any) -> Any:
    """A copy of a JSON value, so that a function cannot change the job's own arguments."""
    if isinstance(value, Mapping):
        return {key: _fresh(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_fresh(item) for item in value]
    return value
