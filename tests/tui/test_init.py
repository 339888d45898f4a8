"""``schedtui init``: files that run as they are, and nothing overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schedtui.target import load_target
from schedtui_tui.cli import main
from schedtui_tui.exits import Exit


@pytest.mark.parametrize("zone", ["Asia/Tokyo", ":Asia/Tokyo"])
def test_what_is_written_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], zone: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", zone)

    assert main(["init"]) == Exit.DONE

    assert "wrote jobs.py\nwrote schedtui.toml\nNow: schedtui\n" in capsys.readouterr().out
    target = load_target(None, cwd=tmp_path)
    (group,) = target.groups
    assert {one.name for one in group.declarations} == {"free_space", "good_morning"}
    assert target.settings.timezone == "Asia/Tokyo"


def test_a_zone_that_is_none_becomes_utc_or_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST\x1b")
    folder = tmp_path / "new" / "place"

    assert main(["init", str(folder), "--json"]) == Exit.DONE

    assert json.loads(capsys.readouterr().out)["files"] == [
        str(folder / "jobs.py"),
        str(folder / "schedtui.toml"),
    ]
    assert load_target(str(folder), cwd=tmp_path).settings.timezone


@pytest.mark.parametrize("name", ["jobs.py", "schedtui.toml"])
def test_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / name).symlink_to("nowhere")

    assert main(["init", str(tmp_path)]) == Exit.REFUSED

    assert f"{name} is there already, so nothing was written" in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_folder_that_cannot_be_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    assert main(["init", str(tmp_path / "file" / "below")]) == Exit.REFUSED

    assert "Not a directory" in capsys.readouterr().err
