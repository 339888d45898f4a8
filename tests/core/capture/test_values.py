"""Values and text of a user, made bounded and storable."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schedtui.capture.text import clip, clip_middle
from schedtui.capture.values import bounded_json, preview


class Hostile:
    def __repr__(self) -> str:
        raise SystemExit(3)


class Unending(list[int]):
    """Claims to be short and never ends."""

    def __len__(self) -> int:
        raise RuntimeError("no length today")


@pytest.mark.parametrize(
    "value",
    [0, -1.5, True, "x", "grüße", [], {}, [1, [2, {"a": None}]], {"a": [1.5, "b"]}, 10**100],
)
def test_json_stays_json(value: Any) -> None:
    text = bounded_json(value, 4_096)
    assert text is not None
    assert json.loads(text) == value


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        [float("inf")],
        {1, 2},
        b"x",
        object(),
        {("a", "b"): 1},
        [10**10_000],
        ["x" * 4_096],
        list(range(3_000)),
        Unending(),
    ],
)
def test_what_is_not_json_or_too_long_is_not_json(value: Any) -> None:
    assert bounded_json(value, 4_096) is None


def test_a_value_that_holds_itself_ends() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    table: dict[str, Any] = {}
    table["again"] = table
    assert bounded_json(loop, 65_536) is None
    assert bounded_json(table, 65_536) is None
    assert preview(loop, 100).startswith("[1, [1, [1, ")
    assert preview(table, 100).startswith("{'again': {'again': ")


def test_a_value_that_doubles_at_each_level_ends() -> None:
    value: list[Any] = []
    for _ in range(60):
        value = [value, value]
    assert bounded_json(value, 65_536) is None
    assert len(preview(value, 1_000)) <= 1_000


def test_deep_nesting_is_survived() -> None:
    value: list[Any] = []
    for _ in range(20_000):
        value = [value]
    assert bounded_json(value, 65_536) is None
    assert preview(value, 1_000) == "[" * 20 + "[…]" + "]" * 20


def test_only_the_part_that_is_shown_is_read() -> None:
    class Counted:
        made = 0

        def __repr__(self) -> str:
            Counted.made += 1
            return "counted"

    text = preview([Counted()] * 1_000_000, 1_000)
    assert text.startswith("[counted, counted")
    assert text.endswith("…")
    assert len(text.encode()) <= 1_000
    assert Counted.made < 200


@pytest.mark.parametrize(
    "value", [[], (), (1,), (1, 2), {"a": (1, "b")}, {1}, frozenset({2}), set(), b"ab", "it's", 1.5]
)
def test_a_short_preview_is_the_repr(value: Any) -> None:
    assert preview(value, 1_000) == repr(value)


def test_a_hostile_repr_is_survived() -> None:
    assert preview([1, Hostile()], 100) == "[1, <Hostile: its repr raised SystemExit>]"


def test_surrogates_and_nuls_become_storable() -> None:
    text = bounded_json("lone \ud800 nul \0", 100)
    assert text == '"lone \ufffd nul \\u0000"'
    assert preview({"\udcff"}, 100).encode()


def test_clipping_counts_bytes_and_breaks_no_character() -> None:
    assert clip("short", 10) == "short"
    assert clip("x" * 20, 10) == "x" * 7 + "…"
    assert clip("€" * 20, 10) == "€€…"
    whole = "head" + "€" * 10_000 + "tail"
    cut = clip_middle(whole, 1_000)
    assert cut.startswith("head€")
    assert cut.endswith("€tail")
    assert "bytes left out" in cut
    assert len(cut.encode()) <= 1_000
