"""Jobs as the text of a file: what is written is read back as it was."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedtui.errors import InvalidError
from schedtui.models.jobs_file import HEADER, JobsFile, parse, render

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TRIGGERS: list[dict[str, Any]] = [
    {"type": "cron", "expression": "0 9 * * mon"},
    {"type": "cron", "expression": "@daily", "timezone": "Asia/Tokyo"},
    {"type": "every", "seconds": 300},
    {"type": "every", "seconds": 0.25},
    {"type": "every", "seconds": 60, "anchor": "2026-01-01T00:00:00Z"},
    {"type": "once", "at": "2026-12-24T17:00:00Z"},
    {"type": "calendar", "weeks": 2, "at": ["09:00"], "on": ["mon"], "anchor": "2026-01-05"},
    {"type": "any_of", "triggers": [{"type": "every", "seconds": 7}, {"type": "never"}]},
    {"type": "any_of", "triggers": {"b": {"type": "every", "seconds": 7}, "a": {"type": "never"}}},
    {"type": "except", "trigger": {"type": "every", "seconds": 1}, "windows": ["sat,sun"]},
    {"type": "between", "trigger": {"type": "every", "seconds": 1}, "end": "2027-01-01T00:00:00Z"},
    {"type": "never"},
]
CONTENT = st.fixed_dictionaries(
    {"function": st.just("g/f"), "trigger": st.sampled_from(TRIGGERS), "timezone": st.just("UTC")},
    optional={
        "after": st.lists(
            st.builds(
                lambda job, on: {"job": job, "on": on},
                st.sampled_from(["g/a", "ü b/c.d"]),
                st.sampled_from(["success", "failure", "end"]),
            ),
            unique_by=str,
            min_size=1,
        ),
        "description": TEXT,
        "owner": TEXT,
        "runbook": TEXT,
        "tags": st.lists(st.sampled_from(["a", "b"]), unique=True),
        "policies": st.sampled_from(
            [{"retries": 3, "retry_delay_s": 1.5, "retry_on": ["OSError"]}, {"overlap": "allow"}]
        ),
        "paused": st.just(True),
        "kwargs": st.dictionaries(TEXT, JSON, max_size=4),
    },
)
NAMES = st.sampled_from(["g/a", "g/b.c", 'ü x/"quoted"', "g/#%"])


@settings(max_examples=60, deadline=None)
@given(
    jobs=st.dictionaries(NAMES, CONTENT, max_size=3),
    overrides=st.dictionaries(NAMES, CONTENT, max_size=2),
)
def test_what_is_written_is_read_back(jobs: Any, overrides: Any) -> None:
    file = JobsFile(jobs=jobs, overrides=overrides)
    text = render(file)

    again = parse(text)

    assert again == file
    assert repr(_sorted(again)) == repr(_sorted(file)), "1, 1.0 and true are told apart"
    assert render(again) == text
    assert text.startswith(HEADER)


def _sorted(value: Any) -> Any:
    if isinstance(value, JobsFile):
        return _sorted([value.jobs, value.overrides])
    if isinstance(value, dict):
        return [(key, _sorted(value[key])) for key in sorted(value)]
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def test_a_file_is_stable_and_short() -> None:
    def job(name: str) -> dict[str, Any]:
        return {
            "function": "Reports/send",
            "trigger": {"type": "cron", "expression": "0 9 * * mon"},
            "timezone": "Europe/Berlin",
            "kwargs": {"z": None, "a": name, "big": 2**70},
        }

    one = render(JobsFile(jobs={"b/b": job("b"), "a/a": job("a")}))
    assert one == render(JobsFile(jobs={"a/a": job("a"), "b/b": job("b")}))
    told = tomllib.loads(one)
    assert told["jobs"]["a/a"] == {
        "function": "Reports/send",
        "cron": "0 9 * * mon",
        "timezone": "Europe/Berlin",
        "kwargs": {"a": "a"},
        "kwargs_json": {"big": str(2**70), "z": "null"},
    }


def read(block: str, part: str = "jobs") -> dict[str, Any]:
    file = parse(f'format = 1\n[{part}."g/a"]\n{block}\n')
    return getattr(file, part)["g/a"]  # type: ignore[no-any-return]  # one of its two tables


@pytest.mark.parametrize(
    ("typed", "trigger"),
    [
        ('cron = "@daily"', {"type": "cron", "expression": "@daily"}),
        ("every = 300", {"type": "every", "seconds": 300}),
        ('every = "5m"', {"type": "every", "typed": "5m"}),
        ('at = "2026-12-24T18:00:00+01:00"', {"type": "once", "at": "2026-12-24T18:00:00+01:00"}),
        ("at = 2026-12-24T18:00:00Z", {"type": "once", "at": "2026-12-24T18:00:00+00:00"}),
        ('at = "tomorrow 7:30"', {"type": "once", "typed": "tomorrow 7:30"}),
        ("at = 2026-12-24T18:00:00", {"type": "once", "typed": "2026-12-24T18:00:00"}),
        ('calendar = "every 2 weeks"', {"type": "calendar", "typed": "every 2 weeks"}),
        ('trigger = {type = "never"}', {"type": "never"}),
    ],
)
def test_what_people_write_for_a_schedule(typed: str, trigger: dict[str, Any]) -> None:
    assert read(typed) == {"trigger": trigger}


@pytest.mark.parametrize(
    ("block", "field"),
    [
        ("owner = 7", "jobs.g/a.owner"),
        ("colour = 1", "jobs.g/a.colour"),
        ('cron = "@daily"\nevery = 5', "jobs.g/a.every"),
        ("policies = {retires = 3}", "jobs.g/a.policies.retires"),
        ('after = "g/b"', "jobs.g/a.after"),
        ('after = ["b"]', "jobs.g/a.after"),
        ('after = [{job = "g/b", on = "monday"}]', "jobs.g/a.after.0.on"),
        ("kwargs = {when = 2026-12-24}", "jobs.g/a.kwargs.when"),
        ("kwargs = {ratio = nan}", "jobs.g/a.kwargs.ratio"),
        ("kwargs = {deep = " + "[" * 70 + "]" * 70 + "}", "jobs.g/a.kwargs.deep"),
        ("kwargs = {long = 0x" + "f" * 5_000 + "}", "jobs.g/a.kwargs.long"),
        ('kwargs_json = {x = "nul"}', "jobs.g/a.kwargs_json.x"),
        ('kwargs_json = {x = "NaN"}', "jobs.g/a.kwargs_json.x"),
        ("kwargs_json = {x = 1}", "jobs.g/a.kwargs_json.x"),
        ('kwargs = {x = 1}\nkwargs_json = {x = "2"}', "jobs.g/a.kwargs_json.x"),
        ('pause_reason = "x"', "jobs.g/a.pause_reason"),
        ('name = "b"', "jobs.g/a.name"),
        ("paused_until = 2026-12-24T18:00:00", "jobs.g/a.paused_until"),
    ],
)
def test_what_is_wrong_is_named(block: str, field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read(block)
    assert field in {one.field for one in refused.value.errors}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "format"),
        ("format = 2", "format"),
        ("format = true", "format"),
        ("x = ?", "not TOML: .*line 1"),
        ("x = " + "[" * 100_000, "not TOML"),
        ("a.b" + ".c" * 50_000 + " = 1", "50002 parts at line 1"),
        ("format = 1\n[jobs" + ' . "x"' * 16 + "]", "17 parts at line 2"),
        ('x = {y = """a"""", b' + ".c" * 16 + " = 1}", "17 parts"),
        ("format = 1\njobs = 7", "jobs"),
        ("format = 1\n[job.x]", "job"),
        ('format = 1\njobs = {"g/a" = 7}', "g/a"),
        ('format = 1\n[jobs."nogroup"]', "nogroup"),
        ('format = 1\n[jobs."g/a"]\n[jobs."g/a"]', "not TOML"),
    ],
)
def test_what_is_no_file_of_jobs(text: str, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        parse(text)


def test_of_very_much_that_is_wrong_the_first_is_told() -> None:
    with pytest.raises(InvalidError, match="and 4997 more") as refused:
        parse("format = 1\n" + "\n".join(f"x{number} = 1" for number in range(5_000)))
    assert len(refused.value.errors) == 1_000


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidError, match="and 1 more") as refused:
        parse(
            'format = 1\n[jobs."g/a"]\nx = 1\ny = 2\n[jobs."g/b"]\nx = 1\n[overrides."g/c"]\nx = 1'
        )
    assert [one.field for one in refused.value.errors] == [
        "jobs.g/a.x", "jobs.g/a.y", "jobs.g/b.x", "overrides.g/c.x"
    ]  # fmt: skip
