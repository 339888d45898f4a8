from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from store_rows import SECOND, T0, add, boot

from schedtui.clock import to_us
from schedtui.models import RunFilter, RunState
from schedtui.protocols import Store
from schedtui.store import open_store

ENGINE = """
import os, sys
from store_rows import SECOND, T0, boot, claim, due_run, finish
from schedtui.store import open_store

path, jobs, stop_in = sys.argv[1], int(sys.argv[2]), sys.argv[3]
store = open_store(f"sqlite:///{path}")
opened = store.open(boot("crashing"))
tick, run_id = 0, 0
while True:
    due = T0 + tick * SECOND
    runs = {job: due_run(run_id + job, job, due) for job in range(1, jobs + 1)}
    run_id += jobs
    tick += 1
    with store.transaction() as tx:
        assert not tx.claim([claim(job, run, due_us=due) for job, run in runs.items()])
        if stop_in == f"claim {tick}":
            print("in transaction", flush=True)
            sys.stdin.read()
    print("claimed", tick, flush=True)
    with store.transaction() as tx:
        assert not tx.finish([finish(run) for run in runs.values()])
    print("finished", tick, flush=True)
"""
JOBS = 20


@contextmanager
def engine(path: Path, stop_in: str = "") -> Iterator[tuple[subprocess.Popen[str], Iterator[str]]]:
    command = [sys.executable, "-c", ENGINE, str(path), str(JOBS), stop_in]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            yield process, iter(process.stdout.readline, "")
        finally:
            process.kill()


@pytest.fixture
def prepared(path: Path) -> Path:
    store = open_store(f"sqlite:///{path}")
    store.open(None)
    add(store, *(f"job-{i}" for i in range(JOBS)))
    store.close()
    return path


def check(path: Path) -> tuple[int, int]:
    """Ticks that are claimed and those that are finished; everything else must fit them."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    store = open_store(f"sqlite:///{path}")
    opened = store.open(boot("after"))
    runs = store.runs(RunFilter(), limit=1_000_000, before=None)
    claimed = len(runs) // JOBS
    assert len(runs) == claimed * JOBS, "a tick is claimed whole or not at all"
    assert opened.last_run_id == len(runs)
    assert not opened.clean
    for job in store.jobs():
        assert job.next_due is not None
        assert to_us(job.next_due) == T0 + claimed * SECOND
        mine = [run.scheduled_for for run in runs if run.job_id == job.id]
        assert len(set(mine)) == len(mine) == claimed, "each due time has one row"
    open_ids = [run.id for run in store.open_runs()]
    running = sorted(run.id for run in runs if run.state is RunState.RUNNING)
    assert open_ids == running
    assert len(running) in {0, JOBS}
    ended = [run for run in runs if run.state is RunState.SUCCEEDED]
    assert all(store.attempts(run.id) for run in ended)
    store.close()
    return claimed, len(ended) // JOBS


def test_kill_9_inside_a_transaction_leaves_nothing_of_it(prepared: Path) -> None:
    with engine(prepared, stop_in="claim 3") as (process, said):
        assert "in transaction\n" in said
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert check(prepared) == (2, 2)


@pytest.mark.parametrize("after", ["claimed 1", "finished 1", "claimed 7", "finished 23"])
def test_kill_9_anywhere_keeps_what_was_committed(prepared: Path, after: str) -> None:
    with engine(prepared) as (process, said):
        assert f"{after}\n" in said
        process.send_signal(signal.SIGKILL)
        rest = list(said)
        process.wait()

    told = [after, *(line.strip() for line in rest if line.endswith("\n"))]
    word, number = told[-1].split()
    claimed, ended = check(prepared)
    # One commit may have come through that was not told any more.
    steps = 2 * int(number) - (word == "claimed")
    assert claimed + ended in {steps, steps + 1}


def test_the_dead_engines_store_goes_on(prepared: Path) -> None:
    with engine(prepared) as (process, said):
        assert "claimed 2\n" in said
        process.kill()
        process.wait()
    before, _ = check(prepared)
    with engine_after(prepared) as store:
        assert add(store, "new") == [JOBS + 1]
    assert before >= 2


@contextmanager
def engine_after(path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{path}")
    store.open(boot("again"))
    yield store
    store.close()
