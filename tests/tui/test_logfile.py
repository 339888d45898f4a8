"""The process's own log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from schedtui_tui import logfile


def test_a_large_log_starts_anew_and_what_was_there_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfile, "MAX_LOG", 10)
    log = tmp_path / "schedtui.log"
    logfile.trim(log)  # one that is not there yet is no error
    with log.open("a") as file:
        file.write("short\n")
        file.flush()
        logfile.trim(log)
        assert log.read_text() == "short\n"
        file.write("longer than that\n")
        file.flush()
        logfile.trim(log)
        file.write("new\n")
    assert log.read_text() == "new\n"
    assert (tmp_path / "schedtui.log.1").read_text() == "short\nlonger than that\n"


def test_a_record_is_one_clean_line_with_a_time_that_says_its_zone() -> None:
    record = logging.LogRecord("a", logging.INFO, "f.py", 1, "x\x1b]0;t\x07 %s", ("y",), None)
    record.created = 0.5
    line = logfile.LogFormatter().format(record)
    assert line.startswith("1970-01-01T00:00:00.500Z INFO a: x")
    assert line.endswith(" y")
    assert not set("\x1b\x07") & set(line)
