"""Errors travel as problem documents and arrive as what they were."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schedtui import errors
from schedtui.client.http_json import dump_finite
from schedtui.client.problems import STATUS, from_problem, slug_of, to_problem
from schedtui.errors import (
    ConflictError,
    FieldError,
    FunctionNotFoundError,
    InvalidError,
    InvalidTriggerError,
    JobNotFoundError,
    ProtocolError,
    RunNotFoundError,
    SchedtuiError,
    StoreLockedError,
    UnauthorizedError,
    UnavailableError,
    UnreachableError,
    VersionConflictError,
)


def every_error() -> list[type[SchedtuiError]]:
    return [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, SchedtuiError)
    ]


def travel(error: SchedtuiError) -> SchedtuiError:
    problem = json.loads(dump_finite(to_problem(error)))
    return from_problem(problem, status=problem["status"])


def test_every_error_has_a_status_and_a_name_of_its_own() -> None:
    assert set(STATUS) == set(every_error())
    assert len({slug_of(kind) for kind in STATUS}) == len(STATUS)


@pytest.mark.parametrize("kind", [kind for kind in every_error() if kind is not StoreLockedError])
def test_an_error_arrives_as_what_it_was(kind: type[SchedtuiError]) -> None:
    error = kind("what happened")
    arrived = travel(error)

    assert type(arrived) is kind
    assert str(arrived) == str(error)
    assert arrived.retryable == error.retryable


def test_fields_and_names_travel() -> None:
    wrong = FieldError(field="trigger.every_s", got=0, expected="more than 0")
    arrived = travel(InvalidTriggerError("no", (wrong,)))
    job = travel(JobNotFoundError("g/a", "did you mean g/b?"))
    run = travel(RunNotFoundError(7))

    assert isinstance(arrived, InvalidTriggerError)
    assert arrived.errors == (wrong,)
    assert isinstance(job, JobNotFoundError)
    assert (job.name, str(job)) == ("g/a", "no job 'g/a': did you mean g/b?")
    assert isinstance(run, RunNotFoundError)
    assert run.name == 7


def test_very_many_fields_stay_a_short_answer() -> None:
    fields = tuple(FieldError(field=f"f{n}", got=1, expected="none") for n in range(5_000))
    assert len(to_problem(InvalidError("wrong", fields))["errors"]) == 1_000


def test_an_unknown_function_names_its_field() -> None:
    problem = to_problem(FunctionNotFoundError("g/x"))

    assert [error["field"] for error in problem["errors"]] == ["function"]


def test_an_error_of_an_unknown_class_is_its_nearest_known_one() -> None:
    class OwnError(ConflictError):
        """Of an extension."""

    assert type(travel(OwnError("x"))) is ConflictError


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidError),
        (401, UnauthorizedError),
        (409, ConflictError),
        (412, VersionConflictError),
        (413, InvalidError),
        (418, ProtocolError),
        (500, ProtocolError),
        (502, UnreachableError),
        (503, UnavailableError),
    ],
)
def test_a_problem_of_an_unknown_type_is_told_by_its_status(
    status: int, kind: type[SchedtuiError]
) -> None:
    error = from_problem({"type": "about:blank", "detail": "hm"}, status=status)

    assert type(error) is kind
    assert str(error) == "hm"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {"type": 3, "detail": {}, "errors": "x"},
        {"type": "urn:schedtui:error:invalid", "errors": [1, None, {"field": []}]},
        {"type": "urn:schedtui:error:job-not-found", "name": {"a": 1}},
        {"type": "urn:schedtui:error:store-locked", "detail": "x" * 10**6},
    ],
)
def test_whatever_arrives_becomes_an_error(data: Any) -> None:
    for status in (200, 404, 422, 500, 999):
        error = from_problem(data, status=status)
        assert isinstance(error, SchedtuiError)
        assert len(str(error)) <= 2_000


def test_what_was_given_is_quoted_as_it_was() -> None:
    (field,) = to_problem(FunctionNotFoundError("work/nothing"))["errors"]
    assert (field["field"], field["got"]) == ("function", "work/nothing")
