"""Which arguments are secret, and how they are kept: sealed, so that nothing shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schedtui.errors import FieldError, InvalidArgumentsError, InvalidError
from schedtui.models import FunctionInfo
from schedtui.models.hidden import MASK, looking
from schedtui.models.secret import SEAL, has_seal, is_sealed, sealed
from schedtui.registry import Declaration, Registry, json_arguments
from schedtui.registry.function import Function
from schedtui.schema.parameters import raise_errors

_NO_SEAL = (
    f"a value without the key {SEAL!r}, by which engines keep secrets: give the secret itself"
)
_MARKS = {"format": "password", "writeOnly": True}


class Secrets:
    """Knows the secret arguments of an engine's functions.

    Args:
        registry: The functions.
        names: Arguments that are secret, of whichever function.
    """

    def __init__(self, registry: Registry, names: frozenset[str] = frozenset()) -> None:
        self._registry = registry
        self._names = names

    def checked(
        self, function: Function, kwargs: Mapping[str, Any], known: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Arguments that fit a function, as they are kept.

        Args:
            function: The function.
            kwargs: What was asked for.
            known: What there was before: a secret that is given as ``***``, which is how it is
                shown, stays what it is.

        Raises:
            InvalidArgumentsError: they do not fit, have no JSON form, or are kept secrets that did
                not come from ``known``; or a secret that nobody knows is ``***``.
        """
        asked, kwargs = kwargs, json_arguments(kwargs)
        raise_errors(
            [
                FieldError(field=f"kwargs.{name}", got=MASK, expected=_NO_SEAL)
                for name, value in kwargs.items()
                if name == SEAL or (has_seal(value) and asked[name] is not known.get(name))
            ]
        )
        given = {
            name: known[name] if value == MASK and is_sealed(known.get(name)) else value
            for name, value in kwargs.items()
        }
        given = self._sealed(function, given)
        raise_errors(
            [
                FieldError(
                    field=f"kwargs.{name}",
                    got=MASK,
                    expected="the secret itself: this is how one is shown, and none is known here",
                )
                for name, value in given.items()
                if value == sealed(MASK)
            ]
        )
        try:
            with looking():
                function.validate(given)
        except InvalidArgumentsError as error:
            raise_errors([_masked(one, given) for one in error.errors])
            raise
        return given

    def kept(self, function: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments that code declares, as they are kept."""
        try:
            found = self._registry.resolve(function)
        except InvalidError:  # told when it runs
            found = None
        return self._sealed(found, kwargs)

    def declared(self, declaration: Declaration) -> dict[str, Any]:
        """A declaration as it is kept."""
        said = declaration.to_json()
        if said["kwargs"]:
            said["kwargs"] = self.kept(declaration.function, said["kwargs"])
        return said

    def told(self, info: FunctionInfo) -> FunctionInfo:
        """A function as it is shown: with the arguments marked that are secret by their name."""
        properties = info.parameters.get("properties", {})
        named = self._names & properties.keys()
        of_others = info.parameters.get("additionalProperties")
        others = sorted(self._names - named) if of_others else []
        if not named and not others:
            return info
        marked = {
            name: {**shown, **_MARKS} if name in named else shown
            for name, shown in properties.items()
        }
        for name in named:
            marked[name].pop("default", None)
        # What `**kwargs` takes has no place among the properties, each of which a form asks for.
        typed = of_others if isinstance(of_others, Mapping) else {}
        patterns = {f"^{re.escape(name)}$": {**typed, **_MARKS} for name in others}
        more = {"patternProperties": patterns} if patterns else {}
        return replace(info, parameters={**info.parameters, "properties": marked, **more})

    def _sealed(self, function: Function | None, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: sealed(value) if self._is_secret(function, name) else value
            for name, value in kwargs.items()
        }

    def _is_secret(self, function: Function | None, name: str) -> bool:
        if name in self._names:
            return True
        return function is not None and function.parameters.is_secret(name)


def _masked(error: FieldError, kwargs: Mapping[str, Any]) -> FieldError:
    name = error.field.removeprefix("kwargs.").partition(".")[0]
    if error.got is None or not is_sealed(kwargs.get(name)):
        return error
    return FieldError(field=error.field, got=MASK, expected=error.expected)
