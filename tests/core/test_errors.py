"""The tree of errors: what each says and what a caller may rely on."""

from __future__ import annotations

import inspect
import os
import pickle

import pytest

from schedtui import errors
from schedtui.errors import (
    FieldError,
    InvalidArgumentsError,
    InvalidError,
    InvalidTriggerError,
    JobNotFoundError,
    SchedtuiError,
    StoreLockedError,
    TargetError,
    UnreachableError,
    shorten,
    shorten_value,
)

CLASSES = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, SchedtuiError) and one.__module__ == errors.__name__
]


def test_the_picture_of_the_tree_is_the_tree() -> None:
    picture = errors.__doc__ or ""
    for one in CLASSES:
        assert one.__name__ in picture, one
        assert one.__doc__, one


def test_what_may_be_tried_again_says_so() -> None:
    retryable = {one.__name__ for one in CLASSES if one.retryable}
    assert retryable == {
        "UnavailableError",
        "StoreUnavailableError",
        "EngineStoppedError",
        "UnreachableError",
        "EventGapError",
    }


def test_they_are_what_python_programs_expect() -> None:
    assert issubclass(InvalidError, ValueError)
    assert issubclass(JobNotFoundError, LookupError)
    assert issubclass(UnreachableError, ConnectionError)
    assert issubclass(errors.VersionConflictError, errors.ConflictError)


def test_one_field_is_named_with_its_value_and_the_remedy() -> None:
    error = InvalidTriggerError.one("seconds", -1, "a number above 0")
    assert isinstance(error, InvalidTriggerError)
    assert str(error) == "seconds: got -1; expected a number above 0"
    assert error.errors == (FieldError(field="seconds", got=-1, expected="a number above 0"),)


def test_an_error_moves_below_a_field_and_keeps_its_class() -> None:
    inner = InvalidArgumentsError(
        "x",
        (
            FieldError(field="n", got=1, expected="e"),
            FieldError(field="", got=1, expected="e"),
        ),
    )
    moved = inner.below("kwargs")
    assert type(moved) is InvalidArgumentsError
    assert [error.field for error in moved.errors] == ["kwargs.n", "kwargs"]
    assert str(moved) == "x"


def test_what_is_not_found_is_named_with_a_hint() -> None:
    assert str(JobNotFoundError("g/n")) == "no job 'g/n'"
    assert str(JobNotFoundError("g/n", "did you mean 'g/m'?")) == (
        "no job 'g/n': did you mean 'g/m'?"
    )


def test_a_locked_store_says_by_whom_and_what_to_do() -> None:
    error = StoreLockedError("/x/state.db", pid=7, address="/x/engine.sock")
    assert "/x/state.db is in use by process 7 at /x/engine.sock" in str(error)
    assert "(in its console with `q`, then `s`, else with `kill 7`)" in str(error)
    assert "open the console on it with `schedtui` there" in str(error)
    unknown = str(StoreLockedError("/x/state.db"))
    assert "by another process" in unknown
    assert "open the console" not in unknown
    assert "kill" not in str(StoreLockedError("/x/state.db", pid=os.getpid()))


def test_a_target_that_fails_says_where() -> None:
    assert str(TargetError("no jobs", file="a.py", line=3, hint="add one")) == (
        "a.py:3: no jobs. add one"
    )
    assert str(TargetError("no jobs", file="a.py")) == "a.py: no jobs"
    assert str(TargetError("no jobs")) == "no jobs"


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "'a'"), (Rude(), "<Rude>"), ("x" * 200, "'" + "x" * 78 + "…")],
)
def test_values_are_shown_short_and_safely(value: object, text: str) -> None:
    assert shorten(value) == text


def test_scalars_stay_scalars() -> None:
    assert [shorten_value(one) for one in (None, True, 3, 1.5, "a")] == [None, True, 3, 1.5, "a"]
    assert len(shorten_value("x" * 200)) == 80
    assert shorten_value([1, 2]) == "[1, 2]"


@pytest.mark.parametrize(
    "error",
    [
        InvalidError.one("f", 1, "e"),
        JobNotFoundError("g/n", "hint"),
        StoreLockedError("p", pid=1),
        TargetError("m", file="f", line=1),
        errors.ConflictError("c"),
    ],
)
def test_an_error_survives_a_trip_to_another_process(error: SchedtuiError) -> None:
    """Multiprocessing and test runners pickle what was raised."""
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert vars(back) == vars(error)
