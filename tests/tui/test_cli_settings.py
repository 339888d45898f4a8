"""A wrong ``schedtui.toml``, as the command line tells it: the file and the setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedtui_tui.cli import main
from schedtui_tui.exits import Exit

TOKEN = ["token", "create", "--name", "me", "--role", "admin"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a job in it."""
    monkeypatch.chdir(tmp_path)
    code = "from schedtui import Group\ngroup = Group('G')\n"
    (tmp_path / "jobs.py").write_text(code, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("words", [["serve", "--no-listen"], TOKEN])
@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("store = 'ftp://anna:secret@host/x'", "store: got 'ftp://host/x'; expected 'sqlite:///"),
        ("store = 'sqlite:///s.db?durability=wild'", "store: got 'durability=wild'"),
        ("timezone = " + "[" * 5000, "nested too deeply"),
    ],
    ids=["scheme", "option", "deep"],
)
def test_a_wrong_setting_is_told_with_its_file(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], toml: str, says: str
) -> None:
    (here / "schedtui.toml").write_text(toml, encoding="utf-8")
    assert main(words) == Exit.FAILED
    told = capsys.readouterr()
    assert told.err.startswith("schedtui: schedtui.toml: ")
    assert says in told.err
    assert "secret" not in told.err
    assert told.out == ""
    assert not (here / ".schedtui").exists()


@pytest.mark.parametrize("words", [["serve", "--no-listen"], TOKEN])
def test_a_link_that_leads_nowhere_is_not_passed_over(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """A token in another store than the engine's would open nothing."""
    (here / "schedtui.toml").symlink_to("not-mounted/schedtui.toml")
    assert main(words) == Exit.FAILED
    assert "schedtui.toml: it is there and cannot be read: No such file" in capsys.readouterr().err
    assert not (here / ".schedtui").exists()
