"""The examples of `--help` are lines that the parsers take."""

from __future__ import annotations

import re
import shlex

import pytest

from schedtui_tui.cli import COMMANDS, main, parser_of
from schedtui_tui.examples import EXAMPLES

LINES = [(word, line) for word, lines in EXAMPLES.items() for line in lines]


def test_every_command_has_examples() -> None:
    assert sorted(EXAMPLES) == sorted(COMMANDS)
    assert all(EXAMPLES.values())


@pytest.mark.parametrize(("word", "line"), LINES, ids=[line for _, line in LINES])
def test_an_example_can_be_typed(word: str, line: str) -> None:
    typed = re.sub(r"^eval \"\$\((.*)\)\"$", r"\1", line).partition(" > ")[0]
    program, said, *words = shlex.split(typed)
    assert (program, said) == ("schedtui", word)
    parser_of(word).parse_args(words)


def test_help_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edit", "--help"]) == 0
    out = capsys.readouterr().out
    for line in EXAMPLES["edit"]:
        assert f"\n  {line}\n" in out
