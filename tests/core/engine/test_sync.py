"""`engine.sync`: the same methods, with the same arguments."""

from __future__ import annotations

import inspect

import pytest

from schedtui import Engine
from schedtui.engine.sync import Sync

JOBS = (
    "backfill_job",
    "cancel_backfill",
    "cancel_retries",
    "clear_statistics",
    "create_job",
    "edit_job",
    "pause_job",
    "remove_job",
    "resume_job",
    "revert_job",
    "trigger_job",
)
RUNS = ("cancel_run", "rerun", "run_function")
DEAD = ("dismiss_runs", "replay_runs")
FILES = ("apply_jobs", "export_jobs", "plan_jobs", "rollback_jobs")
METHODS = (
    *JOBS,
    *RUNS,
    *DEAD,
    *FILES,
    "bulk",
    "explain",
    "pause_engine",
    "reload",
    "resume_engine",
)


def test_nothing_else_is_there() -> None:
    assert {name for name in vars(Sync) if not name.startswith("_")} == set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_signature_of_the_engines(name: str) -> None:
    assert inspect.signature(getattr(Sync, name)) == inspect.signature(getattr(Engine, name))
