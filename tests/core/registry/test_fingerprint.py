"""Fingerprints: the same for the same thing in every process, another one for another thing."""

from __future__ import annotations

import enum
import gc
import subprocess
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pydantic
import pytest

from schedtui import Group
from schedtui.registry.fingerprint import value_fingerprint

KEY = b"k"
CODE = "WORDS = {'a', 'b', 'c'}\ndef work(n=1):\n    return n in {'x', 'y', 'z', n} and WORDS\n"
PRINT = """
import sys; sys.path.insert(0, {folder!r})
import code_of_user
from schedtui import Group
group = Group("g")
group.function()(code_of_user.work)
print(group.functions["work"].code)
"""


def code_of(source: str, file: Path) -> str:
    """The fingerprint of ``work`` in a module of this source."""
    file.write_text(source)
    module = types.ModuleType("code_of_user")
    exec(compile(source, str(file), "exec"), vars(module))
    group = Group("g")
    group.function()(module.work)
    return group.functions["work"].code


class TestCode:
    def test_it_is_the_same_after_a_restart_and_in_another_folder(self, tmp_path: Path) -> None:
        found = {code_of(CODE, tmp_path / "code_of_user.py")}
        for seed in ("1", "2"):  # the order of sets differs with it
            folder = tmp_path / seed
            folder.mkdir()
            (folder / "code_of_user.py").write_text(CODE)
            ended = subprocess.run(
                [sys.executable, "-c", PRINT.format(folder=str(folder))],
                env={"PYTHONHASHSEED": seed},
                capture_output=True,
                text=True,
                check=True,
            )
            found.add(ended.stdout.strip())
        assert len(found) == 1

    @pytest.mark.parametrize(
        "change",
        [("n=1", "n=2"), ("'z'", "'q'"), ("and WORDS", "or WORDS"), ("{'a'", "{'d'")],
    )
    def test_an_edit_of_the_module_changes_it(
        self, tmp_path: Path, change: tuple[str, str]
    ) -> None:
        file = tmp_path / "code_of_user.py"
        assert code_of(CODE, file) != code_of(CODE.replace(*change), file)

    def test_an_edit_after_the_import_does_not(self, tmp_path: Path) -> None:
        file = tmp_path / "code_of_user.py"
        first = code_of(CODE, file)
        group = Group("g")
        module = types.ModuleType("code_of_user")
        exec(compile(CODE, str(file), "exec"), vars(module))
        group.function()(module.work)
        file.write_text("other")
        assert group.functions["work"].code == first

    def test_two_functions_of_one_module_differ(self) -> None:
        group = Group("g")
        group.function("one")(lambda: 1)
        group.function("two")(lambda: 2)
        group.function("builtin")(gc.collect)
        codes = {one.code for one in group.functions.values()}
        assert len(codes) == 3


class Plain:
    def __init__(self, value: Any) -> None:
        self.value = value


class Model(pydantic.BaseModel):
    name: str
    token: pydantic.SecretStr = pydantic.SecretStr("x")


@dataclass
class Data:
    value: Any


class Kind(enum.StrEnum):
    A = "a"


def mark(value: object, key: bytes = KEY) -> str:
    return value_fingerprint(value, key)


class TestValues:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: {"a": [1, 2.5, None], "b": {"x", "y"}},
            lambda: Data({"deep": Data((1, 2))}),
            lambda: Plain([Plain(1)]),
            lambda: Model(name="n"),
            lambda: date(2026, 1, 1),
            lambda: b"bytes",
            lambda: Kind.A,
        ],
        ids=["json", "dataclass", "object", "model", "date", "bytes", "enum"],
    )
    def test_equal_values_have_equal_ones(self, make: Callable[[], Any]) -> None:
        assert mark(make()) == mark(make())
        assert mark(make()) != mark(make(), b"another store")

    def test_different_values_have_different_ones(self) -> None:
        values: list[Any] = [
            1,
            1.0,
            True,
            "1",
            b"1",
            None,
            [1],
            (1,),
            [[1], []],
            [[], [1]],
            {"a": 1},
            {"a": 2},
            Data(1),
            Data(2),
            Plain(1),
            Plain(2),
            Model(name="a"),
            Model(name="b"),
            Model(name="a", token=pydantic.SecretStr("y")),
            pydantic.SecretStr("a"),
            pydantic.SecretStr("b"),
        ]
        assert len({mark(value) for value in values}) == len(values)

    def test_the_order_of_a_mapping_says_nothing(self) -> None:
        assert mark({"a": 1, "b": 2}) == mark({"b": 2, "a": 1})

    def test_what_is_strange_does_no_harm(self) -> None:
        loop: list[Any] = []
        loop.append(loop)

        class Hostile:
            def __repr__(self) -> str:
                raise RuntimeError

        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        for value in (loop, Hostile(), deep, list(range(1_000_000)), lambda: 1, print, KEY):
            assert len(mark(value)) == 12
