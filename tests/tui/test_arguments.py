"""Arguments as typed at a shell."""

from __future__ import annotations

from typing import Any

import pytest

from schedtui.models import FunctionInfo
from schedtui_tui.commands.arguments import read_arguments, value
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
    ],
)
def test_a_value_is_read_as_its_parameter_wants_it(
    text: str, schema: dict[str, Any], read: object
) -> None:
    assert value(text, schema) == read


class Client:
    """Knows one function."""

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        assert group == "g"
        return (FunctionInfo(group="g", name="f", parameters=SCHEMA),)


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
