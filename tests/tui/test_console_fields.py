"""Fields from JSON schemas."""

from __future__ import annotations

from typing import Any

import pytest

from schedtui_tui.fields import MAX_FIELDS, MISSING, FieldTextError, Kind, fields_of, without_field

SCHEMA = {
    "type": "object",
    "properties": {
        "copies": {"type": "integer", "default": 1},
        "recipient": {"type": "string", "description": "Who gets it"},
        "ratio": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        "mode": {"$ref": "#/$defs/Mode", "default": "fast"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "dry": {"type": "boolean", "default": False},
        "any": {},
        "loop": {"$ref": "#/$defs/Loop"},
    },
    "required": ["recipient"],
    "$defs": {"Mode": {"enum": ["fast", "slow"]}, "Loop": {"$ref": "#/$defs/Loop"}},
}


def field(name: str) -> Any:
    return next(one for one in fields_of(SCHEMA) if one.name == name)


def test_kinds_and_order() -> None:
    assert fields_of(SCHEMA)[0].name == "recipient"
    kinds = {one.name: one.kind for one in fields_of(SCHEMA)}
    assert kinds == {
        "recipient": Kind.TEXT,
        "copies": Kind.INTEGER,
        "ratio": Kind.NUMBER,
        "mode": Kind.CHOICE,
        "tags": Kind.JSON,
        "dry": Kind.CHOICE,
        "any": Kind.JSON,
        "loop": Kind.JSON,
    }
    assert field("recipient").required
    assert field("mode").choices == ("fast", "slow")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("copies", "1", MISSING),
        ("copies", " 12 ", 12),
        ("copies", "many", "many"),
        ("ratio", "", MISSING),
        ("ratio", "0.5", 0.5),
        ("ratio", "nan", "nan"),
        ("recipient", "", MISSING),
        ("recipient", " a b", " a b"),
        ("tags", '["a"]', ["a"]),
        ("tags", "", MISSING),
        ("any", "plain words", "plain words"),
    ],
)
def test_reading(name: str, text: str, value: object) -> None:
    assert field(name).read(text) == value


def test_broken_json_is_explained() -> None:
    with pytest.raises(FieldTextError, match="not JSON at character 2"):
        field("tags").read("[")


@pytest.mark.parametrize(
    "schema", [{}, {"properties": 3}, {"properties": {"a": 5}}, {"properties": {"a": {"enum": 1}}}]
)
def test_a_senseless_schema_does_no_harm(schema: dict[str, Any]) -> None:
    assert all(one.kind is Kind.JSON for one in fields_of(schema))


def test_a_form_has_an_end_and_the_required_fields_first() -> None:
    properties = {f"p{number}": {"type": "string"} for number in range(5000)}
    schema = {"properties": properties, "required": ["p4000"]}
    fields = fields_of(schema)
    assert [one.name for one in fields[:3]] == ["p4000", "p0", "p1"]
    assert len(fields) == MAX_FIELDS
    assert without_field(schema) == 5000 - MAX_FIELDS
    assert without_field(SCHEMA) == 0


@pytest.mark.parametrize(
    ("name", "typed", "wrong"),
    [
        ("copies", "x", "expected a whole number"),
        ("copies", "1.5", "expected a whole number"),
        ("copies", " 12 ", ""),
        ("copies", "5.0", ""),
        ("ratio", "inf", ""),
        ("copies", "", ""),
        ("ratio", "x", "expected a number"),
        ("ratio", "1.5", ""),
        ("ratio", "", ""),
        ("recipient", "", ""),
        ("tags", "", ""),
        ("any", "x", ""),
    ],
)
def test_what_can_be_told_without_the_engine(name: str, typed: str, wrong: str) -> None:
    assert field(name).wrong(typed) == wrong


def test_what_is_no_json_is_told() -> None:
    assert "not JSON" in field("tags").wrong("[1")


def test_a_secret_is_known_as_one() -> None:
    mark = {"type": "string", "format": "password", "writeOnly": True}
    schema = {"properties": {"a": mark, "b": {"anyOf": [mark, {"type": "null"}]}, "c": {}}}
    assert [one.secret for one in fields_of(schema)] == [True, True, False]
