"""Results and exceptions as text."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from running_doubles import SetClock

from schedtui.capture.traces import MAX_TRACEBACK, format_traceback
from schedtui.execution.ended import (
    MAX_JSON,
    MAX_MESSAGE,
    MAX_REPR,
    ended_error,
    ended_ok,
    not_run,
)
from schedtui.models import RunState
from schedtui.protocols import Ended

CLOCK = SetClock(77)


def caught(function: Any, *args: Any) -> BaseException:
    """What ``function`` raises."""
    try:
        function(*args)
    except BaseException as error:  # noqa: BLE001 - that is what is asked for
        return error
    raise AssertionError("it did not raise")


def storable(ended: Ended) -> bool:
    """Whether SQLite takes every text of it."""
    with sqlite3.connect(":memory:") as store:
        row = store.execute("select ?, ?, ?, ?", ended[2:6]).fetchone()
    store.close()
    return tuple(row) == tuple(ended[2:6])


class Rude:
    def __repr__(self) -> str:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("value", "result", "is_json"),
    [
        (None, None, False),
        (0, "0", True),
        ("done", '"done"', True),
        ({"rows": [1, 2.5, None, True]}, '{"rows": [1, 2.5, null, true]}', True),
        ((1, 2), "[1, 2]", True),
        ("grüße", '"grüße"', True),
        (float("nan"), "nan", False),
        ({1, 2}, "{1, 2}", False),
        (b"raw", "b'raw'", False),
        (Rude(), "<Rude: its repr raised KeyboardInterrupt>", False),
        ("lone \ud800", '"lone \ufffd"', True),
    ],
)
def test_results(value: Any, result: str | None, is_json: bool) -> None:
    ended = ended_ok(value, CLOCK)
    assert ended == Ended(RunState.SUCCEEDED, 77, result=result, result_is_json=is_json)
    assert storable(ended)


def test_json_is_kept_up_to_its_cap_and_beyond_it_only_shown() -> None:
    fits = "x" * (MAX_JSON - 2)
    kept = ended_ok(fits, CLOCK)
    assert kept.result_is_json
    assert json.loads(kept.result or "") == fits
    cut = ended_ok([fits], CLOCK)
    assert not cut.result_is_json
    assert (cut.result or "").startswith("['xxx")
    assert len((cut.result or "").encode()) <= MAX_REPR


def test_a_long_repr_is_cut() -> None:
    class Long:
        def __repr__(self) -> str:
            return "€" * 100_000

    result = ended_ok(Long(), CLOCK).result or ""
    assert result.endswith("…")
    assert MAX_REPR - 6 <= len(result.encode()) <= MAX_REPR


# --- exceptions -----------------------------------------------------------------------------------


class OwnError(Exception):
    pass


def fail(error: BaseException) -> None:
    secret = "hunter2"
    if secret:
        raise error


@pytest.mark.parametrize(
    ("error", "type_", "message"),
    [
        (ValueError("wrong"), "ValueError", "wrong"),
        (OwnError("mine"), f"{__name__}.OwnError", "mine"),
        (KeyError("k"), "KeyError", "'k'"),
        (TimeoutError(), "TimeoutError", ""),
        (SystemExit(3), "SystemExit", "3"),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
        (json.JSONDecodeError("bad", "doc", 0), "json.decoder.JSONDecodeError", None),
        (ValueError("lone \ud800 nul \0"), "ValueError", "lone \ufffd nul \ufffd"),
    ],
)
def test_an_exception_keeps_type_and_message(
    error: BaseException, type_: str, message: str | None
) -> None:
    ended = ended_error(caught(fail, error), CLOCK)
    assert (ended.state, ended.finished_at_us, ended.error_type) == (RunState.FAILED, 77, type_)
    assert message is None or ended.error == message
    assert (ended.traceback or "").startswith("Traceback (most recent call last):\n")
    assert storable(ended)


def test_a_traceback_shows_code_and_never_values_of_variables() -> None:
    text = format_traceback(caught(fail, ValueError("wrong")))
    assert "    raise error" in text
    assert text.endswith("\nValueError: wrong")
    assert "hunter2" not in text


def test_causes_contexts_notes_and_groups_are_kept() -> None:
    def job() -> None:
        try:
            try:
                fail(KeyError("inner"))
            except KeyError:
                fail(OSError("middle"))
        except OSError as error:
            group = ExceptionGroup("several", [ValueError("first"), TypeError("second")])
            group.add_note("a note")
            raise group from error

    text = format_traceback(caught(job))
    for part in (
        "KeyError: 'inner'",
        "During handling of the above exception",
        "OSError: middle",
        "direct cause of the following exception",
        "ExceptionGroup: several (2 sub-exceptions)",
        "a note",
        "ValueError: first",
        "TypeError: second",
    ):
        assert part in text


def test_exceptions_that_hold_each_other_end() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    text = format_traceback(first)
    assert text.endswith("ValueError: first")
    assert "ValueError: second" in text


def test_a_long_traceback_keeps_its_beginning_and_its_end() -> None:
    def even(depth: int) -> None:
        odd(depth + 1)

    def odd(depth: int) -> None:
        if depth > 850:
            raise ValueError("x" * 30_000)
        even(depth + 1)

    text = format_traceback(caught(even, 0))
    assert len(text.encode()) <= MAX_TRACEBACK
    assert text.startswith("Traceback (most recent call last):")
    assert "bytes left out" in text
    assert "ValueError: xxx" in text[-3_000:]
    assert max(len(line) for line in text.splitlines()) <= 2_000


def test_recursion_without_end_is_an_ordinary_failure() -> None:
    def again() -> None:
        again()

    ended = ended_error(caught(again), CLOCK)
    assert ended.error_type == "RecursionError"
    assert "Previous line repeated" in (ended.traceback or "")


def test_a_long_message_is_cut() -> None:
    message = ended_error(ValueError("€" * 1_000_000), CLOCK).error or ""
    assert message.endswith("…")
    assert len(message.encode()) <= MAX_MESSAGE


class RudeError(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)

    __repr__ = __str__


class HostileError(Exception):
    @property
    def __cause__(self) -> Any:  # type: ignore[override]  # hostile on purpose
        raise RuntimeError("no")


class NamelessError(Exception):
    __module__ = None  # type: ignore[assignment]  # hostile on purpose


def test_exceptions_that_raise_when_they_are_shown_are_survived() -> None:
    rude = ended_error(caught(fail, RudeError()), CLOCK)
    assert rude.error_type == f"{__name__}.RudeError"
    assert rude.error == "<RudeError: its str raised SystemExit>"
    assert "raise error" in (rude.traceback or "")

    hostile = ended_error(caught(fail, HostileError("text")), CLOCK)
    assert hostile.error == "text"
    assert hostile.traceback

    nameless = ended_error(caught(fail, NamelessError("x")), CLOCK)
    assert nameless.error_type == "NamelessError"
    assert storable(nameless)


class Classless:
    @property
    def __class__(self) -> Any:
        raise SystemExit(4)

    @__class__.setter
    def __class__(self, value: Any) -> None: ...

    def __repr__(self) -> str:
        return "classless"


class ExitingDict(dict[str, int]):
    def __iter__(self) -> Any:
        raise SystemExit(5)


def test_results_that_raise_when_they_are_looked_at_are_results() -> None:
    assert not_run(Classless()) is None
    assert ended_ok(Classless(), CLOCK).result == "classless"
    assert ended_ok(ExitingDict(a=1), CLOCK).result == "{'a': 1}"


class NotedError(Exception):
    @property
    def __notes__(self) -> Any:  # type: ignore[override]  # hostile on purpose
        raise KeyboardInterrupt


class NamelessMeta(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in ("__name__", "__qualname__", "__module__"):
            raise SystemExit(6)
        return super().__getattribute__(name)


class MetaError(Exception, metaclass=NamelessMeta):
    pass


@pytest.mark.parametrize("error", [NotedError("text"), MetaError("text")])
def test_exceptions_that_end_whoever_shows_them_are_survived(error: Exception) -> None:
    ended = ended_error(caught(fail, error), CLOCK)
    assert ended.state is RunState.FAILED
    assert (ended.error_type or "").endswith(("NotedError", "MetaError"))
    assert ended.error == "text"
    assert storable(ended)
