"""JSON arguments turned into Python ones."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, field_validator

from schedtui.errors import InvalidArgumentsError, InvalidError
from schedtui.schema import Parameters

if TYPE_CHECKING:
    pass


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Limits:
    low: int
    high: int = 10


class Report(BaseModel):
    title: str
    pages: list[int] = []

    @field_validator("title")
    @classmethod
    def not_empty(cls, value: str) -> str:
        if not value:
            raise ValueError("a title that is not empty")
        return value


def refused(call: Callable[..., Any], **kwargs: Any) -> dict[str, str]:
    """What was expected of each field that is wrong."""
    with pytest.raises(InvalidArgumentsError) as caught:
        Parameters(call).validate(kwargs)
    return {error.field: error.expected for error in caught.value.errors}


class TestValidate:
    def test_json_values_become_what_the_hints_say(self) -> None:
        def run(
            n: int,
            day: date,
            at: datetime,
            color: Color,
            path: Path,
            key: uuid.UUID,
            limits: Limits,
            report: Report,
            many: list[int],
            wait: timedelta,
        ) -> None: ...

        key = uuid.uuid4()
        given = {
            "n": "5",
            "day": "2026-12-24",
            "at": "2026-12-24T18:00:00Z",
            "color": "blue",
            "path": "/tmp/x",
            "key": str(key),
            "limits": {"low": 2},
            "report": {"title": "T"},
            "many": ["1", 2],
            "wait": 90,
        }
        assert Parameters(run).validate(given) == {
            "n": 5,
            "day": date(2026, 12, 24),
            "at": datetime(2026, 12, 24, 18, tzinfo=UTC),
            "color": Color.BLUE,
            "path": Path("/tmp/x"),
            "key": key,
            "limits": Limits(2),
            "report": Report(title="T"),
            "many": [1, 2],
            "wait": timedelta(seconds=90),
        }

    def test_what_is_not_given_is_left_to_the_function(self) -> None:
        def run(a: int, b: int = 2, c: list[int] | None = None) -> None: ...

        assert Parameters(run).validate({"a": 1}) == {"a": 1}

    def test_a_default_of_the_annotation_is_given(self) -> None:
        def run(a: Annotated[int, Field(default=7)]) -> None: ...

        assert Parameters(run).validate({"a": 1}) == {"a": 1}
        assert Parameters(run).validate({}) == {"a": 7}

    def test_none_fits_where_it_is_the_default(self) -> None:
        def run(limit: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013 - people write this

        assert Parameters(run).validate({"limit": None}) == {"limit": None}

    def test_extra_arguments(self) -> None:
        def run(n: int, **extra: int) -> None: ...

        assert Parameters(run).validate({"n": 1, "p0": "2"}) == {"n": 1, "p0": 2}
        assert refused(run, n=1, other="x") == {"kwargs.other": "a whole number"}

    def test_untyped_values_are_copied(self) -> None:
        def run(data, **rest): ...  # type: ignore[no-untyped-def]  # what is tested

        given = {"data": {"list": [1]}, "more": 1}
        values = Parameters(run).validate(given)
        values["data"]["list"].append(2)
        assert given == {"data": {"list": [1]}, "more": 1}

    def test_every_wrong_argument_is_named_at_once(self) -> None:
        def run(recipient: str, n: int, kind: Literal["a", "b"] = "a") -> None: ...

        assert refused(run, n="many", kind="c", other=1) == {
            "kwargs.recipient": "a value; it is missing",
            "kwargs.n": "a whole number",
            "kwargs.kind": "'a' or 'b'",
            "kwargs.other": "no such parameter; known: recipient, n, kind",
        }

    def test_the_message_says_the_first(self) -> None:
        def run(n: int, m: int) -> None: ...

        with pytest.raises(InvalidArgumentsError) as caught:
            Parameters(run).validate({"n": "x", "m": "y"})
        assert str(caught.value) == "kwargs.n: got 'x'; expected a whole number (and 1 more)"

    def test_errors_inside_say_where(self) -> None:
        def run(report: Report, many: list[int]) -> None: ...

        assert refused(run, report={"pages": ["x"]}, many=[1, "y"]) == {
            "kwargs.report.title": "a value; it is missing",
            "kwargs.report.pages.0": "a whole number",
            "kwargs.many.1": "a whole number",
        }

    def test_a_validator_of_the_users_speaks_for_itself(self) -> None:
        def run(report: Report) -> None: ...

        assert refused(run, report={"title": ""}) == {
            "kwargs.report.title": "a title that is not empty"
        }

    def test_a_union_is_one_error(self) -> None:
        def run(what: int | date) -> None: ...

        assert refused(run, what=[]) == {
            "kwargs.what": "a whole number or a date such as 2026-12-24"
        }

    @pytest.mark.parametrize(("hint", "words"), [(int, "a whole number"), (float, "a number")])
    def test_true_is_no_number(self, hint: type, words: str) -> None:
        def run(n: Any) -> None: ...

        run.__annotations__["n"] = hint
        assert refused(run, n=True) == {"kwargs.n": words}

    def test_true_is_kept_where_it_may_be(self) -> None:
        def run(flag: bool, either: bool | int) -> None: ...

        assert Parameters(run).validate({"flag": True, "either": True}) == {
            "flag": True,
            "either": True,
        }

    def test_long_values_and_secrets_are_not_repeated(self) -> None:
        def run(n: int, password: SecretStr) -> None: ...

        with pytest.raises(InvalidArgumentsError) as caught:
            Parameters(run).validate({"n": "x" * 1000, "password": ["hunter2"]})
        got = {error.field: error.got for error in caught.value.errors}
        assert len(got["kwargs.n"]) <= 80
        assert "hunter2" not in str(got["kwargs.password"])

    def test_a_validator_that_crashes_is_an_invalid_error(self) -> None:
        class Odd(BaseModel):
            n: int

            @field_validator("n")
            @classmethod
            def crash(cls, value: int) -> int:
                raise RuntimeError(f"no database for {value}")

        def run(odd: Any) -> None: ...

        run.__annotations__["odd"] = Odd
        with pytest.raises(InvalidError, match="RuntimeError: no database for 1"):
            Parameters(run).validate({"odd": {"n": 1}})

    def test_pydantic_is_not_imported_where_nothing_is_to_be_converted(self) -> None:
        code = (
            "import sys\n"
            "from schedtui.schema.parameters import Parameters\n"
            "known = set(sys.modules)\n"  # the package itself may import it one day
            "def run(a: int = 1, b=2): ...\n"
            "assert Parameters(run).validate({}) == {}\n"
            "def plain(a, b=2): ...\n"
            "assert Parameters(plain).validate({'a': [1]}) == {'a': [1]}\n"
            "assert Parameters(plain).check_names({'a': 1}) is None\n"
            "assert 'schedtui.schema.model' not in sys.modules\n"
            "Parameters(run).validate({'a': 1})\n"
            "assert 'schedtui.schema.model' in sys.modules\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
