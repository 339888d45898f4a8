"""Log records of a run."""

from __future__ import annotations

import io
import logging
import logging.config
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from running_doubles import context_of, make_sink, texts

from schedtui.capture import Capture, RunSink
from schedtui.capture.logs import level_name, write_record

app = logging.getLogger("app.reports")
root = logging.getLogger()


# A context manager in each test, because pytest sets its own streams before a test's body.
@contextmanager
def hooked(*, echo: bool) -> Iterator[io.StringIO]:
    """Capture in a process that has not set logging up; yields its standard error."""
    handlers, level, before = root.handlers, root.level, sys.stderr
    stderr = io.StringIO()
    capture = Capture(echo=echo)
    root.handlers, sys.stderr = [], stderr
    root.setLevel(logging.DEBUG)
    capture.install(log_level=None)
    try:
        yield stderr
    finally:
        capture.uninstall()
        assert sys.stderr is stderr
        root.handlers, sys.stderr = handlers, before
        root.setLevel(level)


def in_run(work: Callable[[], object]) -> RunSink:
    """Do ``work`` in a run of its own; what the run keeps."""
    sink = make_sink()
    context_of(sink).run(work)
    return sink


def test_records_have_their_level_and_message() -> None:
    with hooked(echo=False):

        def job() -> None:
            app.debug("d %d", 1)
            app.info("i")
            app.warning("w\nsecond line")
            app.error("e")
            app.critical("c")
            app.log(25, "between")

        assert [(line.stream, line.level, line.text) for line in in_run(job).lines_after(0)] == [
            ("logging", "debug", "d 1"),
            ("logging", "info", "i"),
            ("logging", "warning", "w"),
            ("logging", "warning", "second line"),
            ("logging", "error", "e"),
            ("logging", "critical", "c"),
            ("logging", "info", "between"),
        ]


def test_custom_levels_have_the_name_below_them() -> None:
    assert [level_name(levelno) for levelno in (5, 19, 20, 35, 45, 99)] == [
        "debug",
        "debug",
        "info",
        "warning",
        "error",
        "critical",
    ]


def test_an_exception_follows_its_record() -> None:
    with hooked(echo=False):

        def job() -> None:
            try:
                _ = 1 / 0
            except ZeroDivisionError:
                app.exception("could not divide")
            app.info("here", stack_info=True)

        lines = in_run(job).lines_after(0)
        assert lines[0].text == "could not divide"
        assert lines[1].text == "Traceback (most recent call last):"
        assert any(line.text == "ZeroDivisionError: division by zero" for line in lines)
        assert {line.level for line in lines[:4]} == {"error"}
        assert any(line.text.startswith("Stack (most recent call last)") for line in lines)


def test_a_record_whose_arguments_do_not_fit_is_kept_as_it_is() -> None:
    with hooked(echo=False):

        class Rude:
            def __str__(self) -> str:
                raise SystemExit(3)

        def job() -> None:
            app.info("%d items", "three")
            app.info("by %s", Rude())
            app.info(Rude())

        assert texts(in_run(job)) == [
            "%d items (its arguments raised TypeError)",
            "by %s (its arguments raised SystemExit)",
            "<Rude: its str raised SystemExit> (its arguments raised SystemExit)",
        ]


def test_an_exception_text_from_another_process_is_kept() -> None:
    sink = make_sink()
    record = logging.makeLogRecord({"msg": "remote", "levelno": 20, "exc_text": "Traceback\nBoom"})
    write_record(sink, record)
    assert texts(sink) == ["remote", "Traceback", "Boom"]


def test_our_own_loggers_are_not_the_runs() -> None:
    with hooked(echo=False):

        def job() -> None:
            logging.getLogger("schedtui").warning("engine")
            logging.getLogger("schedtui.engine").warning("engine")
            logging.getLogger("schedtuition").warning("another's")

        assert texts(in_run(job)) == ["another's"]


def test_a_logger_that_does_not_propagate_is_captured() -> None:
    with hooked(echo=False):
        quiet = logging.getLogger("app.quiet")
        quiet.propagate = False
        try:
            assert texts(in_run(lambda: quiet.warning("heard"))) == ["heard"]
        finally:
            quiet.propagate = True


def test_levels_and_filters_of_loggers_hold() -> None:
    def job() -> None:
        app.info("secret")
        app.debug("detail")
        app.info("plain")

    with hooked(echo=False):

        class No(logging.Filter):
            def filter(self, record: logging.LogRecord) -> bool:
                return "secret" not in record.getMessage()

        no = No()
        app.addFilter(no)
        app.setLevel(logging.INFO)
        try:
            sink = in_run(job)
        finally:
            app.removeFilter(no)
            app.setLevel(logging.NOTSET)
        assert texts(sink) == ["plain"]


def test_a_handler_that_writes_to_stderr_does_not_make_lines_double() -> None:
    def job() -> None:
        app.info("once")
        print("printed", file=sys.stderr)

    with hooked(echo=False):
        logging.basicConfig(level=logging.INFO, format="FORMATTED %(message)s")
        assert isinstance(root.handlers[0], logging.StreamHandler)
        sink = in_run(job)
        assert [(line.stream, line.text) for line in sink.lines_after(0)] == [
            ("logging", "once"),
            ("stderr", "printed"),
        ]


def test_in_a_service_handlers_still_write_where_they_did() -> None:
    with hooked(echo=True) as stderr:
        logging.basicConfig(level=logging.INFO, format="FORMATTED %(message)s")
        sink = in_run(lambda: app.info("once"))
        logging.getLogger("schedtui").info("own")
        assert texts(sink) == ["once"]
        assert stderr.getvalue() == "FORMATTED once\nFORMATTED own\n"


def test_other_handlers_get_every_record() -> None:
    with hooked(echo=False):
        got: list[str] = []

        class Mine(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                got.append(record.getMessage())

        root.addHandler(Mine())
        in_run(lambda: app.info("in"))
        app.info("out")
        assert got == ["in", "out"]


def test_without_any_handler_python_still_prints_warnings() -> None:
    def job() -> None:
        app.warning("captured")
        app.info("quiet")

    with hooked(echo=True) as stderr:
        sink = in_run(job)
        app.warning("outside")
        assert texts(sink) == ["captured", "quiet"]
        assert stderr.getvalue() == "captured\noutside\n"


def test_a_dict_config_in_a_jobs_module_does_not_end_the_capture() -> None:
    with hooked(echo=False):
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "handlers": {"null": {"class": "logging.NullHandler"}},
                "root": {"handlers": ["null"], "level": "INFO"},
            }
        )
        assert texts(in_run(lambda: app.info("still"))) == ["still"]


def test_a_handler_that_logs_or_prints_does_not_go_round_in_circles() -> None:
    with hooked(echo=False):

        class Chatty(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                print("handling", record.getMessage())
                if record.name != "app.inner":
                    logging.getLogger("app.inner").info("about %s", record.getMessage())

        root.addHandler(Chatty())
        assert texts(in_run(lambda: app.info("x"))) == ["x", "about x"]


def test_a_host_that_sends_its_output_to_logging_does_not_make_lines_double(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hooked(echo=True):

        class ToLogging(io.StringIO):
            def write(self, text: str) -> int:
                if text.strip():
                    logging.getLogger("host.stdout").info(text)
                return len(text)

        monkeypatch.setattr(sys, "stdout", ToLogging())
        capture = Capture(echo=True)
        capture.install(log_level=None)
        sink = in_run(lambda: print("once"))
        capture.install(log_level=None)
        capture.uninstall()
        assert [(line.stream, line.text) for line in sink.lines_after(0)] == [("stdout", "once")]


def test_an_exception_that_cannot_be_printed_is_survived() -> None:
    class HostileError(Exception):
        @property
        def __cause__(self) -> Any:  # type: ignore[override]  # hostile on purpose
            raise RuntimeError("no")

    sink = make_sink()
    info = (HostileError, HostileError("x"), None)
    write_record(sink, logging.makeLogRecord({"msg": "failed", "levelno": 40, "exc_info": info}))
    assert texts(sink) == [
        "failed",
        f"{__name__}.{HostileError.__qualname__} (its traceback cannot be shown: RuntimeError)",
    ]
