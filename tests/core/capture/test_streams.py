"""``sys.stdout`` and ``sys.stderr`` as a job and its host see them."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from running_doubles import context_of, make_sink, texts

from schedtui.capture import Capture, RunSink


class Terminal(io.TextIOWrapper):
    """A text stream that is a terminal with a descriptor, as standard output mostly is."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 77

    def shown(self) -> str:
        self.flush()
        return cast(io.BytesIO, self.buffer).getvalue().decode(self.encoding)


# A context manager in each test, because pytest sets its own streams before a test's body.
@contextmanager
def hooked(*, echo: bool) -> Iterator[Terminal]:
    """Capture in front of a terminal: without echo as in the console, with it as in a service."""
    before, terminal = sys.stdout, Terminal(io.BytesIO(), encoding="latin-1", errors="strict")
    capture = Capture(echo=echo)
    sys.stdout = terminal
    capture.install()
    try:
        yield terminal
    finally:
        capture.uninstall()
        assert sys.stdout is terminal
        sys.stdout = before


def in_run(work: Callable[[], object]) -> RunSink:
    """Do ``work`` in a run of its own; what the run keeps."""
    sink = make_sink()
    context_of(sink).run(work)
    sink.close()
    return sink


def test_outside_of_a_run_the_stream_is_what_it_replaced() -> None:
    with hooked(echo=False) as captured:
        assert print("grüße", end="") is None
        assert sys.stdout.write("!\n") == 2
        sys.stdout.writelines(["a", "b"])
        sys.stdout.flush()
        sys.stdout.buffer.write(b"c")
        assert captured.shown() == "grüße!\nabc"
        assert sys.stdout.isatty()
        assert sys.stdout.fileno() == 77
        assert (sys.stdout.encoding, sys.stdout.errors) == ("latin-1", "strict")
        assert sys.stdout.writable()
        assert not sys.stdout.closed
        assert isinstance(sys.stdout, io.TextIOBase)
        with pytest.raises(UnicodeEncodeError):
            print("€")
        with pytest.raises(TypeError):
            sys.stdout.write(cast(str, b"bytes"))
        with pytest.raises(AttributeError, match="no_such_thing"):
            cast(Any, sys.stdout).no_such_thing()


def test_reconfigure_reaches_the_stream() -> None:
    with hooked(echo=False) as captured:
        cast(Any, sys.stdout).reconfigure(encoding="utf-8")
        assert captured.encoding == "utf-8"
        assert sys.stdout.encoding == "utf-8"


def test_what_a_run_prints_is_its_own() -> None:
    with hooked(echo=False) as captured:

        def job() -> None:
            print("one", 2, sep="-")
            print("a", end="")
            print("b", end="", flush=True)
            print("c", file=sys.stderr)
            sys.stdout.writelines(["d\n", "e"])
            assert sys.stdout.write("€\n") == 2

        sink = in_run(job)
        assert [(line.stream, line.level, line.text) for line in sink.lines_after(0)] == [
            ("stdout", "info", "one-2"),
            ("stderr", "warning", "c"),
            ("stdout", "info", "abd"),
            ("stdout", "info", "e€"),
        ]
        assert captured.shown() == ""


def test_in_a_run_the_stream_is_no_terminal_and_cannot_be_closed() -> None:
    with hooked(echo=False) as captured:

        def job() -> None:
            assert not sys.stdout.isatty()
            assert not sys.stdout.buffer.isatty()
            assert sys.stdout.fileno() == 77
            sys.stdout.close()
            sys.stdout.buffer.close()
            with sys.stdout:
                pass
            with pytest.raises(io.UnsupportedOperation, match="cannot detach"):
                cast(Any, sys.stdout).detach()
            with pytest.raises(TypeError, match="must be str, not bytes"):
                sys.stdout.write(cast(str, b"x"))
            print("still here")

        assert texts(in_run(job)) == ["still here"]
        assert not captured.closed


def test_binary_output_of_a_run_is_decoded() -> None:
    with hooked(echo=False) as captured:

        def job() -> None:
            assert sys.stdout.buffer.write("grü".encode("latin-1")) == 3
            sys.stdout.buffer.writelines([bytearray(b"n"), memoryview(b"e\n")])
            sys.stdout.buffer.flush()
            print("text")
            with pytest.raises(TypeError):
                sys.stdout.buffer.write(cast(bytes, "text"))

        assert texts(in_run(job)) == ["grüne", "text"]
        assert captured.shown() == ""


def test_a_binary_stream_that_was_fetched_before_the_run_knows_the_run() -> None:
    with hooked(echo=False) as captured:
        out = sys.stdout.buffer
        assert texts(in_run(lambda: out.write(b"x\n"))) == ["x"]
        out.write(b"y")
        assert captured.shown() == "y"


def test_in_a_service_it_also_goes_where_it_went_before() -> None:
    with hooked(echo=True) as echoed:

        def job() -> None:
            print("grüße", end=" ")
            sys.stdout.flush()
            sys.stdout.buffer.write(b"b\n")

        assert texts(in_run(job)) == ["grüße b"]
        assert echoed.shown() == "grüße b\n"


def test_a_job_does_not_fail_because_its_host_cannot_show_it() -> None:
    with hooked(echo=True) as echoed:
        assert texts(in_run(lambda: print("€"))) == ["€"]
        echoed.close()
        assert texts(in_run(lambda: print("shown nowhere", flush=True))) == ["shown nowhere"]


def test_after_the_end_of_a_run_its_left_over_output_is_nobodys() -> None:
    with hooked(echo=False) as captured:
        sink = make_sink()
        context = context_of(sink)
        context.run(print, "in time")
        sink.close()
        context.run(print, "late")
        assert texts(sink) == ["in time"]
        assert captured.shown() == "late\n"


def test_without_any_standard_output_a_run_still_has_its_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    capture = Capture(echo=True)
    capture.install()

    def job() -> None:
        print("there", flush=True)
        sys.stdout.buffer.write(b"bytes\n")

    assert texts(in_run(job)) == ["there", "bytes"]
    print("nowhere")
    sys.stdout.flush()
    assert not sys.stdout.isatty()
    assert sys.stdout.encoding == "utf-8"
    with pytest.raises(AttributeError, match="has no 'fileno'"):
        sys.stdout.fileno()
    capture.uninstall()
    assert sys.stdout is None


def test_a_stream_without_a_binary_side_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stdout", plain)
    capture = Capture(echo=True)
    capture.install()
    with pytest.raises(AttributeError, match="buffer"):
        _ = sys.stdout.buffer
    assert texts(in_run(lambda: sys.stdout.buffer.write(b"x\n"))) == ["x"]
    capture.uninstall()
