"""The hooks into the process: who has them, and how they are given back."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import pytest
from running_doubles import context_of, make_sink, texts

from schedtui.capture import Capture
from schedtui.capture.streams import StreamProxy


# Context managers in each test, because pytest sets its own streams and handlers before its body.
@contextmanager
def host() -> Iterator[io.StringIO]:
    """Yields what stands for the process's own standard output."""
    before, stream = sys.stdout, io.StringIO()
    sys.stdout = stream
    try:
        yield stream
    finally:
        sys.stdout = before


@contextmanager
def bare_logging() -> Iterator[logging.Logger]:
    """Yields the root logger as it is where nobody has set logging up."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    root.handlers = []
    root.setLevel(logging.WARNING)
    try:
        yield root
    finally:
        root.handlers = handlers
        root.setLevel(level)


def printed_in_a_run() -> list[str]:
    """The lines that a run keeps of what it prints."""
    sink = make_sink()
    context_of(sink).run(print, "in a run")
    return texts(sink)


def test_installing_twice_is_once() -> None:
    with host() as before:
        original_handle = logging.Logger.callHandlers
        capture = Capture(echo=False)
        capture.install()
        capture.install()
        assert printed_in_a_run() == ["in a run"]
        capture.uninstall()
        assert sys.stdout is before
        assert logging.Logger.callHandlers is original_handle
        capture.uninstall()
        assert printed_in_a_run() == []
        assert before.getvalue() == "in a run\n"


def test_with_two_engines_the_last_one_gives_it_back() -> None:
    with host() as before:
        first, second = Capture(echo=False), Capture(echo=False)
        first.install()
        second.install()
        first.uninstall()
        assert printed_in_a_run() == ["in a run"]
        second.uninstall()
        assert sys.stdout is before
        assert printed_in_a_run() == []


def test_one_engine_that_echoes_is_enough_and_only_while_it_is_there() -> None:
    with host() as before:
        console, service = Capture(echo=False), Capture(echo=True)
        console.install()
        service.install()
        assert printed_in_a_run() == ["in a run"]
        assert before.getvalue() == "in a run\n"
        service.uninstall()
        assert printed_in_a_run() == ["in a run"]
        assert before.getvalue() == "in a run\n"
        console.uninstall()


def test_what_another_has_put_in_place_is_left_there() -> None:
    with host() as before:
        capture = Capture(echo=False)
        capture.install()
        theirs = io.StringIO()
        sys.stdout = theirs
        capture.uninstall()
        assert sys.stdout is theirs
        print("to them")
        assert theirs.getvalue() == "to them\n"
        assert before.getvalue() == ""


def test_a_second_install_goes_in_front_of_whoever_came_between() -> None:
    with host() as before:
        capture = Capture(echo=True)
        capture.install()
        theirs = io.StringIO()
        with redirect_stdout(theirs):
            assert printed_in_a_run() == []
            capture.install()
            capture.install()
            assert printed_in_a_run() == ["in a run"]
            print("outside")
            assert theirs.getvalue() == "in a run\n" * 2 + "outside\n"
        left: object = sys.stdout
        assert isinstance(left, StreamProxy)
        assert printed_in_a_run() == ["in a run"]
        capture.uninstall()
        assert sys.stdout is before


def test_a_wrapper_around_the_stand_in_does_not_make_lines_double() -> None:
    with host() as before:

        class Tee(io.StringIO):
            def __init__(self, below: io.TextIOBase) -> None:
                super().__init__()
                self.below = below

            def write(self, text: str) -> int:
                return self.below.write(text)

        capture = Capture(echo=True)
        capture.install()
        inner: Any = sys.stdout
        sys.stdout = Tee(inner)
        capture.install()
        assert printed_in_a_run() == ["in a run"]
        assert before.getvalue() == "in a run\n"
        sys.stdout = inner
        capture.uninstall()
        assert sys.stdout is before


def test_a_stand_in_that_somebody_kept_passes_everything_through() -> None:
    with host() as before:
        capture = Capture(echo=False)
        capture.install()
        kept = sys.stdout
        capture.uninstall()
        sink = make_sink()
        context_of(sink).run(kept.write, "later")
        assert before.getvalue() == "later"
        assert texts(sink) == []


def test_a_hook_that_others_built_upon_stays_quiet_below_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with host() as before:
        original = logging.Logger.callHandlers
        capture = Capture(echo=False)
        capture.install()
        ours = logging.Logger.callHandlers
        told: list[str] = []

        def theirs(logger: logging.Logger, record: logging.LogRecord) -> None:
            told.append(record.getMessage())
            ours(logger, record)

        monkeypatch.setattr(logging.Logger, "callHandlers", theirs)
        capture.uninstall()
        assert logging.Logger.callHandlers is theirs
        capture.install()
        sink = make_sink()
        context_of(sink).run(logging.getLogger("app").warning, "once")
        assert texts(sink) == ["once"]
        assert told == ["once"]
        capture.uninstall()
        assert logging.Logger.callHandlers is theirs
        monkeypatch.setattr(logging.Logger, "callHandlers", original)
        assert before.getvalue() == ""


def test_the_root_level_is_lowered_where_logging_is_not_set_up() -> None:
    with bare_logging() as bare_root:
        capture, second = Capture(echo=False), Capture(echo=False)
        capture.install(log_level=logging.INFO)
        second.install(log_level=logging.INFO)
        sink = make_sink()
        context_of(sink).run(logging.getLogger("app").info, "told")
        assert texts(sink) == ["told"]
        capture.uninstall()
        assert bare_root.level == logging.INFO
        second.uninstall()
        assert bare_root.level == logging.WARNING


def test_a_root_level_that_was_set_meanwhile_stays() -> None:
    with bare_logging() as bare_root:
        capture = Capture(echo=False)
        capture.install(log_level=logging.INFO)
        bare_root.setLevel(logging.ERROR)
        capture.uninstall()
        assert bare_root.level == logging.ERROR


def test_logging_that_is_set_up_keeps_its_level() -> None:
    with bare_logging() as bare_root:
        bare_root.handlers.append(logging.NullHandler())
        capture = Capture(echo=False)
        capture.install(log_level=logging.INFO)
        assert bare_root.level == logging.WARNING
        capture.uninstall()


def test_without_a_level_the_root_logger_is_left_alone() -> None:
    with bare_logging() as bare_root:
        capture = Capture(echo=False)
        capture.install(log_level=None)
        assert bare_root.level == logging.WARNING
        capture.uninstall()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_of_a_job_prints_where_it_always_did() -> None:
    script = """
import os, sys
from running_doubles import context_of, make_sink
from schedtui.capture import Capture

def job():
    print("parent")
    if os.fork() == 0:
        print("child", flush=True)
        os._exit(0)
    os.wait()

Capture(echo=False).install()
context_of(make_sink()).run(job)
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    assert result.stdout == "child\n"
    assert result.stderr == ""
