"""Models to JSON values and back; names."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedtui import models
from schedtui.errors import InvalidError, InvalidNameError
from schedtui.models import (
    Attempt,
    AuditEvent,
    CatchUp,
    Changes,
    EngineInfo,
    Health,
    Job,
    JobPatch,
    JobSpec,
    JobState,
    JobSummary,
    LogLine,
    LogPage,
    Overlap,
    Page,
    Policies,
    Preview,
    Run,
    RunChange,
    RunState,
    Snapshot,
    Source,
    WaitReason,
)
from schedtui.models.names import MAX_NAME, check_name, split_name
from schedtui.models.wire import from_wire, to_wire

T0 = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.text(max_size=5), JSON, max_size=3)
MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
)

SUMMARY = JobSummary(
    id=1,
    group="g",
    name="n",
    function="g/f",
    schedule="every 10 s",
    timezone="UTC",
    state=JobState.SCHEDULED,
    next_due_us=1,
    active=0,
    running_id=None,
    running_since_us=None,
    last_id=3,
    last_state=RunState.LOST,
    last_at_us=2,
    last_duration_us=None,
    recent=((RunState.SUCCEEDED, 5), (RunState.SKIPPED, None)),
    progress=0.5,
    static=True,
    overridden=False,
    tags=("a", "b"),
    description="",
    pause_reason="",
    version=1,
)
INFO = EngineInfo(
    boot="b",
    version="1",
    health=Health.DEGRADED,
    problems=("p",),
    timezone="UTC",
    now=T0,
    started_at=T0,
    last_tick_age_s=0.25,
    given_up={"thread": 1},
)
RUN = Run(
    id=1,
    job_id=2,
    job="g/n",
    function="g/f",
    source=Source.CATCHUP,
    state=RunState.QUEUED,
    scheduled_for=T0,
    claimed_at=T0,
    wait_reason=WaitReason.SLOT,
    kwargs={"a": [1, {"b": None}]},
)
JOB = Job(
    id=1,
    group="g",
    name="n",
    function="g/f",
    trigger={"type": "every", "seconds": 10},
    timezone="UTC",
    policies=Policies(overlap=Overlap.SKIP, grace_s=1.5, catch_up=CatchUp.LATEST),
    tags=("x",),
    created_at=T0,
    updated_at=T0,
)
LINE = LogLine(1, 2, "info", "stdout", "text \ud800 \x1b[31m", 1)


@pytest.mark.parametrize(
    ("cls", "value"),
    [
        (Job, JOB),
        (Run, RUN),
        (JobSummary, SUMMARY),
        (EngineInfo, INFO),
        (Snapshot, Snapshot(engine=INFO, jobs=(SUMMARY,), cursor="b:1")),
        (
            Changes,
            Changes(
                cursor="b:2",
                jobs=(SUMMARY,),
                removed=(4, 5),
                runs=(RunChange(1, 2, RunState.RUNNING),),
                engine=INFO,
            ),
        ),
        (Changes, Changes(cursor="b:2")),
        (LogPage, LogPage(lines=(LINE,), last=1, done=True, dropped=3)),
        (Preview, Preview(description="d", timezone="UTC", next=())),
        (
            Attempt,
            Attempt(run_id=1, number=1, state=RunState.FAILED, started_at=T0, finished_at=T0),
        ),
        (AuditEvent, AuditEvent(id=1, at=T0, actor="a", action="job.edit", object="g/n")),
        (Page[Job], Page(items=(JOB,), cursor="7")),
        (Page[Run], Page(items=(RUN,))),
        (JobSpec, JobSpec(function="g/f", trigger={"type": "cron", "expression": "* * * * *"})),
        (JobPatch, JobPatch(kwargs={}, tags=())),
    ],
)
def test_there_and_back_is_the_same(cls: Any, value: Any) -> None:
    text = json.dumps(to_wire(value), allow_nan=False)
    assert from_wire(cls, json.loads(text)) == value


@settings(deadline=None, max_examples=60)
@given(kwargs=OBJECTS, moment=MOMENTS, text=st.text(max_size=20), state=st.sampled_from(RunState))
def test_whatever_a_run_holds_comes_back(
    kwargs: dict[str, Any], moment: datetime, text: str, state: RunState
) -> None:
    run = dataclasses.replace(
        RUN, kwargs=kwargs, claimed_at=moment, started_at=moment, reason=text, state=state
    )
    assert from_wire(Run, json.loads(json.dumps(to_wire(run)))) == run


def test_times_travel_with_an_offset_and_arrive_in_utc() -> None:
    assert to_wire(T0) == "2026-03-02T12:00:00.123456Z"
    berlin = T0.astimezone(timezone(timedelta(hours=1)))
    assert to_wire(berlin) == to_wire(T0)
    data = {**to_wire(RUN), "claimed_at": "2026-03-02T13:00:00.123456+01:00"}
    run = from_wire(Run, data)
    assert run == RUN
    assert run.claimed_at.tzinfo is UTC


def test_every_problem_is_told_at_once_with_its_field() -> None:
    data = {
        "function": 3,
        "kwargs": [],
        "policies": {"overlap": "queue", "grace_s": "x", "extra": 1},
        "after": [{"on": "later"}],
        "tags": ["a", 2],
        "paused": "yes",
        "colour": "red",
    }
    with pytest.raises(InvalidError) as caught:
        from_wire(JobSpec, data)
    fields = sorted(error.field for error in caught.value.errors)
    assert fields == [
        "after.0.job",
        "after.0.on",
        "colour",
        "function",
        "kwargs",
        "paused",
        "policies.extra",
        "policies.grace_s",
        "policies.overlap",
        "tags.1",
    ]
    assert "(and 9 more)" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("claimed_at", "2026-03-02T12:00:00"),
        ("claimed_at", "yesterday"),
        ("claimed_at", 3),
        ("claimed_at", None),
        ("claimed_at", "0001-01-01T00:00:00+14:00"),
        ("id", True),
        ("id", 1.0),
        ("id", "1"),
        ("id", None),
        ("progress", "0.5"),
        ("progress", float("nan")),
        ("progress", True),
        ("progress", 10**400),
        ("result_is_json", 1),
        ("state", "asleep"),
        ("state", ["queued"]),
        ("state", None),
        ("kwargs", None),
        ("kwargs", "x"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidError) as caught:
        from_wire(Run, {**to_wire(RUN), field: value})
    assert [error.field for error in caught.value.errors] == [field]


@pytest.mark.parametrize("data", [None, 3, "x", [], [1]])
def test_what_is_no_object_is_refused(data: Any) -> None:
    with pytest.raises(InvalidError, match="expected an object"):
        from_wire(Job, data)


def test_a_newer_engines_answer_is_read_all_the_same() -> None:
    data = {**to_wire(RUN), "colour": "red"}
    assert from_wire(Run, data, strict=False) == RUN
    with pytest.raises(InvalidError, match="colour"):
        from_wire(Run, data)


def test_a_whole_number_is_a_number() -> None:
    assert from_wire(Policies, {"grace_s": 5}).grace_s == 5.0
    assert isinstance(from_wire(Policies, {"grace_s": 5}).grace_s, float)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", {"a": object()}])
def test_what_has_no_json_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        to_wire(value)


def test_a_row_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(InvalidError, match="a list of 3"):
        from_wire(RunChange, [1, 2])


def test_every_model_is_frozen_and_has_a_reader() -> None:
    for name in models.__all__:
        one = getattr(models, name)
        if isinstance(one, type) and dataclasses.is_dataclass(one):
            value = object.__new__(one)
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(value, dataclasses.fields(one)[0].name, 1)
            assert not hasattr(value, "__dict__"), name
            with pytest.raises(InvalidError):
                from_wire(Page[Job] if one is Page else one, 3)


def test_the_duration_of_a_run() -> None:
    assert RUN.duration_s is None
    ended = dataclasses.replace(RUN, started_at=T0, finished_at=T0 + timedelta(seconds=1.5))
    assert ended.duration_s == 1.5


@pytest.mark.parametrize("name", ["a", "A b", "x" * MAX_NAME, "täglich", "a.b", "-", "日次"])
def test_names_that_may_be(name: str) -> None:
    assert check_name("name", name) is name


def test_not_every_item_of_a_long_list_is_told_of() -> None:
    with pytest.raises(InvalidError) as caught:
        from_wire(Page[Job], {"items": [{}] * 5_000})
    assert len(caught.value.errors) < 1_100


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * (MAX_NAME + 1),
        "a/b",
        "/",
        ".",
        "..",
        " a",
        "a ",
        "a\nb",
        "a\x00",
        "a\x1b[31m",
        "a\x85b",
        "a\u202eb",
        "\u200b",
        "\u2060\ufeff",
        "a\u2066b",
        "\ud800",
        3,
        None,
        b"a",
    ],
)
def test_names_that_may_not_be(name: object) -> None:
    with pytest.raises(InvalidNameError) as caught:
        check_name("name", name)
    assert caught.value.errors[0].field == "name"


def test_a_full_name_is_two_names() -> None:
    assert split_name("job", "g/n") == ("g", "n")
    for wrong in ("g", "g/", "/n", "g/n/m", "", 3, None):
        with pytest.raises(InvalidNameError):
            split_name("job", wrong)


def test_all_enums_are_their_words() -> None:
    for name in models.__all__:
        one = getattr(models, name)
        if isinstance(one, type) and issubclass(one, Enum):
            for member in one:
                assert to_wire(member) == str(member) == member.value
