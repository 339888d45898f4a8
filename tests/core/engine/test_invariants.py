"""Whatever is done to an engine, and wherever it is killed: the laws of `life_laws` hold.

Each example is a random life: jobs with random policies, functions that succeed, fail or hang, and
random steps of `life_kit`. The lives are the same each time; ``SCHEDTUI_TEST_LIVES=1000`` lives so
many others.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from life_kit import MINUTE, NAMES, Functions, Life, Step, live
from life_triggers import OWN, CalendarLife

from schedtui.models import Policies
from schedtui.policies import make

MORE = int(os.environ.get("SCHEDTUI_TEST_LIVES", "0"))
METHODS = (
    *("claim", "start", "finish", "retry", "settle", "update_job", "append_logs", "beat"),
    *("insert_runs", "insert_backfill", "cancel_queued", "keep_key", "keep_successes"),
    *("count_failures", "insert_job", "delete_job", "pause_engine"),
)


def policies() -> st.SearchStrategy[Policies]:
    """Policies that differ in everything the pipeline looks at."""
    return st.builds(
        lambda **words: make(**words),
        overlap=st.sampled_from(["skip", "queue_one", "queue_all", "cancel_running", "allow"]),
        concurrency=st.integers(1, 2),
        grace_s=st.sampled_from([0, 8, 60]),
        catch_up=st.sampled_from(["skip", "latest", "all"]),
        catch_up_limit=st.integers(1, 3),
        retries=st.integers(0, 2),
        retry_delay_s=st.sampled_from([0, 4]),
        timeout_s=st.sampled_from([0, 7]),
        on_lost=st.sampled_from(["ignore", "rerun"]),
        start_within_s=st.sampled_from([0, 15]),
        jitter_s=st.sampled_from([0, 3]),
        priority=st.integers(-1, 1),
        pool=st.sampled_from(["", "db"]),
        max_runs=st.sampled_from([0, 0, 6]),
        run_on_startup=st.booleans(),
        pause_after_failures=st.sampled_from([0, 3]),
        run_once_key=st.sampled_from([None, None, MINUTE]),
    )


def step(kind: str, *args: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(kind), *args)


JOB = st.sampled_from(NAMES)
DEATH = (
    st.sampled_from(METHODS),
    st.sampled_from(["before", "after", "commit", "committed"]),
    st.sampled_from([0, 12, 90]),
    st.sampled_from([False, False, False, True]),
)
COMMAND = st.one_of(
    step("trigger", JOB),
    step("key", JOB, st.sampled_from(["one", "two"])),
    step("pause", JOB, st.sampled_from([None, 0.5, 7, 20, 50])),
    step("resume", JOB),
    step("edit", JOB, policies()),
    step("cancel", st.integers(0, 3)),
    step("rerun", st.integers(0, 3)),
    step("backfill", JOB, st.integers(-120, 60), st.integers(5, 90), st.booleans()),
    step("cancel_backfill", JOB),
    step("change_of_mind", JOB, st.sampled_from([10, 40])),
    step("halt"),
    step("go_on"),
    step("direct"),
)
CHANGE = st.one_of(step("rename", JOB), step("delete", JOB), step("after", JOB, JOB))
"""After one of these nobody knows any more which runs a chain has to have."""
TIME = step("advance", st.sampled_from([1, 4, 11, 35]))


def steps(command: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    one = st.one_of(
        TIME,
        TIME,
        command,
        command,
        step("both", command, command),
        step("both", command, command),
        step("away", st.sampled_from([3, 20])),
        step("kill", *DEATH),
        step("kill_in", command, *DEATH),
    )
    return st.lists(one, min_size=6, max_size=24)


@pytest.mark.timeout(60 + 5 * MORE)
@settings(
    max_examples=MORE or 36,
    deadline=None,
    database=None,
    derandomize=not MORE,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink] if MORE else [Phase.generate],  # to fail within seconds
    suppress_health_check=list(HealthCheck),
)
@given(
    own=st.fixed_dictionaries({name: policies() for name in NAMES}),
    fates=st.lists(st.sampled_from(["ok", "ok", "fail", "hang"]), min_size=1, max_size=8),
    steps=st.one_of(steps(COMMAND), steps(st.one_of(COMMAND, COMMAND, CHANGE))),
)
def test_the_laws_hold_over_any_life(
    own: dict[str, Policies], fates: list[str], steps: list[Step]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(lambda: Life(own, Functions(fates), Path(folder)), steps))


ITS = st.just(OWN)
OF_THE_OWN = st.one_of(
    step("calendar", st.sampled_from(["", "away", "once", "naive", "falling"])),
    step("calendar", st.sampled_from(["away", "once"])),
    step("pause", ITS, st.sampled_from([None, 0.5, 7, 20, 20, 50])),
    step("pause", ITS, st.sampled_from([7, 20, 28])),
    step("resume", ITS),
    step("trigger", ITS),
    step("edit", ITS, policies()),
    step("halt"),
    step("go_on"),
)


@pytest.mark.timeout(120 + 5 * MORE)
@settings(
    max_examples=MORE or 12,
    deadline=None,
    database=None,
    derandomize=not MORE,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink] if MORE else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(own=policies(), steps=steps(OF_THE_OWN))
def test_the_laws_hold_where_a_trigger_fails(own: Policies, steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        functions = Functions(["ok"])
        asyncio.run(live(lambda: CalendarLife(own, functions, Path(folder)), steps))
