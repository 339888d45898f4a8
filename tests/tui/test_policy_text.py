"""Policies as they are typed."""

from __future__ import annotations

import argparse
from dataclasses import fields

import pytest

from schedtui.errors import InvalidError
from schedtui.models import CatchUp, OnLost, Overlap, Policies
from schedtui.policies import DEFAULTS
from schedtui_tui.commands.policies import add_policy_options, read_policies
from schedtui_tui.exits import UsageError
from schedtui_tui.policy_text import OPTIONS, Kind, Option, read


def test_what_was_not_typed_is_not_decided() -> None:
    assert read({}) == Policies()
    assert read({option.field: None for option in OPTIONS}) == Policies()
    assert read({"retries": "", "overlap": "", "run_on_startup": None}) == Policies()
    assert read({"run_on_startup": False}) == Policies(run_on_startup=False)


def test_words_counts_and_durations() -> None:
    assert read(
        {
            "overlap": "queue_one",
            "catch_up": "latest",
            "retries": " 3 ",
            "retry_delay_s": "1m30s",
            "timeout_s": "2h",
            "priority": "-5",
            "pool": "db",
            "run_once_key": "%G-W%V",
            "run_on_startup": True,
        }
    ) == Policies(
        overlap=Overlap.QUEUE_ONE,
        catch_up=CatchUp.LATEST,
        retries=3,
        retry_delay_s=90.0,
        timeout_s=7_200.0,
        priority=-5,
        pool="db",
        run_once_key="%G-W%V",
        run_on_startup=True,
    )


def test_all_that_is_wrong_is_told_by_field() -> None:
    typed = {"retries": "many", "retry_delay_s": "soon", "priority": "1000", "timeout_s": "5m"}
    with pytest.raises(InvalidError) as caught:
        read(typed)

    assert [error.field for error in caught.value.errors] == [
        "policies.retries",
        "policies.retry_delay_s",
        "policies.priority",
    ]
    assert "whole number" in caught.value.errors[0].expected
    assert "90s" in caught.value.errors[1].expected


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_policy_options(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "own"),
    [
        ((), Policies()),
        (("--overlap", "allow", "--max-runs", "3"), Policies(overlap=Overlap.ALLOW, max_runs=3)),
        (("--priority", "-5", "--jitter", "90s"), Policies(priority=-5, jitter_s=90.0)),
        (("--start-within", "5m", "--run-on-startup"),
         Policies(start_within_s=300.0, run_on_startup=True)),
        (("--pause-after-failures", "2", "--pool", "db"),
         Policies(pause_after_failures=2, pool="db")),
        (("--retry-on", "ConnectionError, TimeoutError", "--retry-backoff", "1.5"),
         Policies(retry_on=("ConnectionError", "TimeoutError"), retry_backoff=1.5)),
        (("--retry-on", "", "--no-run-on-startup"), Policies(retry_on=(), run_on_startup=False)),
        (("--retry-max-delay", "1h", "--retry-jitter", "0.25", "--on-lost", "rerun"),
         Policies(retry_max_delay_s=3600.0, retry_jitter=0.25, on_lost=OnLost.RERUN)),
        (("--grace", "5m", "--catch-up-limit", "7", "--concurrency", "2"),
         Policies(grace_s=300.0, catch_up_limit=7, concurrency=2)),
    ],
)  # fmt: skip
def test_options_of_the_command_line(words: tuple[str, ...], own: Policies) -> None:
    assert read_policies(parsed(*words)) == own


def test_a_wrong_option_is_named_as_it_is_typed() -> None:
    with pytest.raises(UsageError) as caught:
        read_policies(parsed("--retry-delay", "soon", "--retries", "-1"))

    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["--retries", "--retry-delay"]


def test_every_policy_is_an_option_and_every_option_a_policy() -> None:
    assert sorted(option.field for option in OPTIONS) == sorted(
        one.name for one in fields(Policies)
    )
    assert all(option.help for option in OPTIONS)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.field)
def test_what_it_takes_is_what_the_policy_is(option: Option) -> None:
    """By the defaults, each of which can be typed."""
    default = getattr(DEFAULTS, option.field)
    typed = {
        Kind.SWITCH: default,
        Kind.NAMES: ",".join(default) if isinstance(default, tuple) else None,
        Kind.DURATION: f"{default}s",
    }.get(option.kind, str(default))
    none = default == "" and option.kind is not Kind.NAMES  # typed by leaving it out
    assert getattr(read({option.field: typed}), option.field) == (None if none else default)
