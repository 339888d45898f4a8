"""Arguments as typed at a shell."""

from __future__ import annotations

from typing import Any

import pytest

from schedtui.models import FunctionInfo
from schedtui_tui.commands.arguments import read_arguments, value
from schedtui_tui.commands.functions import signature
from schedtui_tui.exits import UsageError

SCHEMA = {
    "properties": {
        "name": {"type": "string"},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "count": {"type": "integer"},
    }
}


@pytest.mark.parametrize(
    ("text", "schema", "read"),
    [
        ("01234", {"type": "string"}, "01234"),
        ("null", {"type": "string"}, "null"),
        ("null", {"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ("3", {"type": "integer"}, 3),
        ("true", {"type": "boolean"}, True),
        ("[1, 2]", {"type": "array"}, [1, 2]),
        ("not json", {"type": "integer"}, "not json"),
        ("3", {}, 3),
        ("01", {"type": ["string", "null"]}, "01"),
        ("3", {"type": 5, "anyOf": "x"}, 3),
        ("3", {"anyOf": [5, {"type": {}}]}, 3),
    ],
)
def test_a_value_is_read_as_its_parameter_wants_it(
    text: str, schema: dict[str, Any], read: object
) -> None:
    assert value(text, schema) == read


class Client:
    """Knows one function."""

    def __init__(self, parameters: dict[str, Any] = SCHEMA) -> None:
        self._parameters = parameters

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        assert group == "g"
        return (FunctionInfo(group="g", name="f", parameters=self._parameters),)


async def test_pairs_win_over_the_document() -> None:
    pairs = ["name=5", "count=7", "other=x=y"]
    read = await read_arguments(Client(), "g/f", pairs, '{"count": 1, "maybe": null}')  # type: ignore[arg-type]  # asks for functions only
    assert read == {"name": "5", "count": 7, "other": "x=y", "maybe": None}


@pytest.mark.parametrize(
    ("pairs", "document"), [(["x"], None), (["=1"], None), ([], "[1]"), ([], "{")]
)
async def test_what_is_no_argument_is_a_usage_error(pairs: list[str], document: str | None) -> None:
    with pytest.raises(UsageError):
        await read_arguments(Client(), "g/f", pairs, document)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": "x"},
        {"properties": ["count"]},
        {"properties": {"count": 5}, "required": 5},
        {"properties": {"count": None}, "required": {"count": 1}},
    ],
)
async def test_the_schema_of_a_remote_engine_may_be_anything(schema: dict[str, Any]) -> None:
    assert signature(schema) in {"", "count=…"}
    read = await read_arguments(Client(schema), "g/f", ["count=7"], None)  # type: ignore[arg-type]  # as above
    assert read == {"count": 7}
