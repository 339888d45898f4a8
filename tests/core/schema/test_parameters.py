"""Signatures, and the JSON schema of their parameters."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from schedtui.errors import InvalidArgumentsError, InvalidError
from schedtui.schema import Parameters

if TYPE_CHECKING:
    from decimal import Decimal


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Limits:
    low: int
    high: int = 10


class Report(BaseModel):
    title: str
    pages: list[int] = []

    @field_validator("title")
    @classmethod
    def not_empty(cls, value: str) -> str:
        if not value:
            raise ValueError("a title that is not empty")
        return value


def schema_of(call: Callable[..., Any]) -> dict[str, Any]:
    return Parameters(call).json_schema()


def refused(call: Callable[..., Any], **kwargs: Any) -> dict[str, str]:
    """What was expected of each field that is wrong."""
    with pytest.raises(InvalidArgumentsError) as caught:
        Parameters(call).validate(kwargs)
    return {error.field: error.expected for error in caught.value.errors}


class TestSchema:
    def test_of_a_typical_function(self) -> None:
        def send(
            recipient: str,
            kind: Literal["daily", "weekly"] = "daily",
            retries: Annotated[int, Field(ge=0, le=5)] = 3,
            since: date | None = None,
        ) -> None:
            """Send a report.

            Args:
                recipient: Who gets it,
                    by mail.
                kind (str): Which one.
            """

        assert schema_of(send) == {
            "type": "object",
            "properties": {
                "recipient": {"type": "string", "description": "Who gets it, by mail."},
                "kind": {
                    "type": "string",
                    "enum": ["daily", "weekly"],
                    "default": "daily",
                    "description": "Which one.",
                },
                "retries": {"type": "integer", "minimum": 0, "maximum": 5, "default": 3},
                "since": {
                    "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}],
                    "default": None,
                },
            },
            "required": ["recipient"],
            "additionalProperties": False,
        }

    def test_of_nested_types_has_definitions_without_noise(self) -> None:
        def run(limits: Limits, color: Color, report: Report) -> None: ...

        schema = schema_of(run)
        assert schema["properties"]["limits"] == {"$ref": "#/$defs/Limits"}
        assert schema["$defs"]["Color"] == {"enum": ["red", "blue"], "type": "string"}
        assert schema["$defs"]["Report"]["required"] == ["title"]
        assert '"title":' not in json.dumps(schema["$defs"]["Limits"])

    def test_without_parameters_nothing_is_allowed(self) -> None:
        assert schema_of(lambda: None) == {
            "type": "object",
            "properties": {},
            "additionalProperties": False,
        }

    def test_extra_arguments_are_allowed_where_the_function_takes_them(self) -> None:
        def free(**extra: Any) -> None: ...
        def numbers(first: str, **extra: int) -> None: ...

        assert schema_of(free)["additionalProperties"] is True
        assert schema_of(numbers)["additionalProperties"] == {"type": "integer"}

    def test_defaults_are_shown_as_json(self) -> None:
        def run(
            color: Color = Color.RED,
            path: Path = Path("a/b"),
            limits: Limits = Limits(1),  # noqa: B008 - a default of this kind is what is tested
            wait: timedelta = timedelta(minutes=5),
        ) -> None: ...

        shown = schema_of(run)["properties"]
        assert [shown[name]["default"] for name in ("color", "path", "limits", "wait")] == [
            "red",
            "a/b",
            {"low": 1, "high": 10},
            "PT5M",
        ]

    @pytest.mark.parametrize("default", [threading.Lock(), object(), float("nan"), lambda: 1])
    def test_a_default_without_json_form_is_left_out(self, default: object) -> None:
        def run(what: Any = default, n: int = 1) -> None: ...

        assert "default" not in schema_of(run)["properties"]["what"]
        assert Parameters(run).validate({"n": 2}) == {"n": 2}

    @pytest.mark.parametrize("name", ["json", "model_config", "schema", "copy", "_private", "self"])
    def test_no_parameter_name_is_special(self, name: str) -> None:
        scope: dict[str, Any] = {}
        exec(f"def run({name}: int): ...", scope)  # the name is the test's own
        assert schema_of(scope["run"])["required"] == [name]
        assert Parameters(scope["run"]).validate({name: "5"}) == {name: 5}

    def test_a_parameter_called_title_stays(self) -> None:
        def run(title: str, description: str) -> None: ...

        assert list(schema_of(run)["properties"]) == ["title", "description"]

    def test_a_description_of_the_annotation_wins_over_the_docstring(self) -> None:
        def run(n: Annotated[int, Field(description="typed")]) -> None:
            """Do.

            :param n: written
            """

        assert schema_of(run)["properties"]["n"]["description"] == "typed"

    def test_is_a_new_copy_each_time(self) -> None:
        def run(n: int) -> None: ...

        parameters = Parameters(run)
        parameters.json_schema()["properties"].clear()
        assert parameters.json_schema()["properties"] == {"n": {"type": "integer"}}

    def test_of_methods_partials_and_callable_objects(self) -> None:
        class Mailer:
            def send(self, to: str, *, urgent: bool = False) -> None: ...
            def __call__(self, n: int) -> None: ...

        assert schema_of(Mailer().send)["required"] == ["to"]
        assert schema_of(Mailer())["required"] == ["n"]
        partial = schema_of(functools.partial(Mailer().send, to="a"))
        assert partial["properties"]["to"] == {"type": "string", "default": "a"}


class TestUnusableTypes:
    def test_a_hint_that_cannot_be_resolved_names_the_parameter(self) -> None:
        def run(fine: int, amount: Decimal) -> None: ...

        with pytest.raises(InvalidError, match=r"parameter 'amount'.*Decimal.*TYPE_CHECKING"):
            schema_of(run)

    def test_an_unresolvable_return_type_does_not_matter(self) -> None:
        def run(fine: int) -> Decimal: ...  # type: ignore[empty-body]  # never called

        assert schema_of(run)["required"] == ["fine"]

    @pytest.mark.parametrize("hint", [threading.Thread, Callable[[int], int]])
    def test_a_type_without_json_form_names_the_parameter(self, hint: Any) -> None:
        def run(fine: int, other: Any) -> None: ...

        run.__annotations__["other"] = hint
        with pytest.raises(InvalidError, match=r"parameter 'other': its type .* has no JSON form"):
            schema_of(run)

    def test_it_can_still_run_where_its_arguments_are_not_needed(self) -> None:
        def run(amount: Decimal | None = None) -> None: ...

        assert Parameters(run).validate({}) == {}


class TestSignatures:
    def test_positional_only_is_refused(self) -> None:
        def run(a: int, /) -> None: ...

        with pytest.raises(InvalidError, match="'a' is positional-only"):
            Parameters(run)

    def test_star_args_are_refused(self) -> None:
        def run(*things: int) -> None: ...

        with pytest.raises(InvalidError, match=r"'\*things'.*functools\.wraps"):
            Parameters(run)

    def test_a_builtin_without_a_signature_is_refused(self) -> None:
        with pytest.raises(InvalidError, match="cannot be read"):
            Parameters(max)

    def test_names_are_checked_without_types(self) -> None:
        def run(a: int, b: int = 0) -> None: ...

        Parameters(run).check_names({"a": "not a number"})
        with pytest.raises(InvalidArgumentsError) as caught:
            Parameters(run).check_names({"c": 1})
        assert {error.field for error in caught.value.errors} == {"kwargs.a", "kwargs.c"}
