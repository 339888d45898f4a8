"""``kill -9``: at random moments, and in the narrow windows around every commit of a firing.

After each kill, and at the end: each due time of each job has exactly one row, nothing ran without
a row or twice. The seed of the random moments is printed; ``SCHEDTUI_TEST_SEED`` sets it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import kill_victim
import pytest
from kill_ledger import Ledger, states

from schedtui.models import RunFilter
from schedtui.store import open_store

ROUNDS = 20
KINDS = ["any moment"] * 10 + ["busy moment"] * 5 + ["start"] * 2 + ["stop"] * 2


class Scene:
    """One store, and the engines that were killed on it."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "state.db"
        self.executions = folder / "executions"
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[str] | None = None
        self._started = False
        self.kills = 0
        self.ledger: Ledger | None = None
        """The file as the last kill left it."""
        self.interrupted: set[int] = set()
        """Runs that were running at a kill."""
        self.waited: set[int] = set()
        """Runs that were queued at a kill."""

    def start(self, *options: str) -> None:
        """Start the next engine."""
        program = [sys.executable, kill_victim.__file__, str(self.store), str(self.executions)]
        self._errors = (self._folder / f"errors-{self.kills}").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [*program, *options], stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        self._started = False

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def hear(self, word: str) -> str:
        """Wait until the engine says something that begins so; what it says after that."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._started |= line.startswith("ready")
            if line.startswith(word):
                return line.removeprefix(word).strip()
        raise AssertionError(f"it ended and did not say {word!r}: {self.errors()}")

    def errors(self) -> str:
        """What the engine wrote to its standard error."""
        assert self._errors is not None
        self._errors.seek(0)
        return self._errors.read()

    def kill(self) -> int:
        """``kill -9``. Returns how it ended."""
        self.process.send_signal(signal.SIGKILL)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end, and look at what it left."""
        assert self.process.stdout is not None
        said = self.process.stdout.read()
        started = self._started or "ready" in said
        code = self.process.wait()
        self.process.stdout.close()
        errors = self.errors()
        assert "ERROR" not in errors, errors
        assert "Traceback" not in errors, errors
        assert self._errors is not None
        self._errors.close()
        self.kills += 1
        scratch = self._folder / f"after-{self.kills}"
        scratch.mkdir()
        ledger = Ledger(self.store, self.executions, scratch)
        if self.ledger is not None:
            ledger.after(self.ledger, started=started)
        for row in ledger.rows.values():
            if row.state == "running":
                self.interrupted.add(row.id)
            elif row.state == "queued":
                self.waited.add(row.id)
        self.ledger = ledger
        return code

    def settle(self) -> Ledger:
        """Start once more, in peace; let all that is open end, stop in order, and judge."""
        self.start("--settle")
        until_us = int(self.hear("until"))
        self.hear("settled")
        self.process.send_signal(signal.SIGTERM)
        assert self.ended() == 0
        assert self.ledger is not None
        ledger = self.ledger
        assert not ledger.findings, ledger.findings
        assert ledger.stopped_in_order
        assert ledger.epoch == 0, "the machine's clock was stepped meanwhile; run the test again"
        assert {job.name for job in ledger.jobs.values()} == set(kill_victim.SCHEDULES)
        assert all((job.next_due_us or 0) > until_us for job in ledger.jobs.values())
        self._check_open_runs(ledger)
        self._check_through_the_store(ledger)
        return ledger

    def _check_open_runs(self, ledger: Ledger) -> None:
        ended = {row.id: row.state for row in ledger.rows.values()}
        assert {ended[run_id] for run_id in self.interrupted} == {"lost"}
        assert {ended[run_id] for run_id in self.waited} <= {"succeeded", "lost", "cancelled"}
        assert not set(ended.values()) & {"queued", "running"}

    def _check_through_the_store(self, ledger: Ledger) -> None:
        store = open_store(f"sqlite:///{self.store}")
        opened = store.open(None)
        try:
            assert opened.clean
            assert opened.last_run_id == max(ledger.rows)
            assert store.open_runs() == []
            runs = store.runs(RunFilter(), limit=1_000_000, before=None)
            assert [run.id for run in runs] == sorted(ledger.rows, reverse=True)
            assert {job.id for job in store.jobs()} == set(ledger.jobs)
        finally:
            store.close()

    def close(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.close()


def kill_once(scene: Scene, kind: str, rng: random.Random) -> int:
    scene.start()
    if kind == "first start":
        scene.hear("starting")
        time.sleep(rng.uniform(0, 0.1))
    elif kind == "start":
        scene.hear("starting")
        time.sleep(rng.uniform(0, 0.4))
    elif kind == "any moment":
        scene.hear("ready")
        time.sleep(rng.uniform(0.3, 2.0))
    elif kind == "busy moment":
        scene.hear("ready")
        time.sleep(rng.uniform(0.3, 1.0))
        time.sleep(1 - time.time() % 1 + rng.uniform(0, 0.15))
    else:
        scene.hear("ready")
        time.sleep(rng.uniform(0.3, 1.0))
        scene.process.send_signal(signal.SIGTERM)
        scene.hear("stopping")
        time.sleep(rng.uniform(0, 0.8))
    return scene.kill()


@pytest.mark.timeout(360)
def test_20_kills_at_random_moments_with_200_jobs_due_each_second(scene: Scene) -> None:
    per_second = [s for s in kill_victim.SCHEDULES.values() if 0 < s.period_us <= 1_000_000]
    assert len(per_second) >= 200
    seed = int(os.environ.get("SCHEDTUI_TEST_SEED") or random.randrange(1_000_000))
    print(f"seed {seed}")
    rng = random.Random(seed)
    kinds = ["first start", *rng.sample(KINDS, len(KINDS))]
    assert len(kinds) == ROUNDS
    # A few more where the machine is so fast or slow that the kills came down on too little.
    for number, kind in enumerate(kinds + ["busy moment"] * ROUNDS, 1):
        if number > ROUNDS and min(len(scene.interrupted), len(scene.waited)) > ROUNDS:
            break
        code = kill_once(scene, kind, rng)
        assert code == -signal.SIGKILL or (kind == "stop" and code == 0)
        ledger = scene.ledger
        assert ledger is not None
        open_runs = ledger.count("running"), ledger.count("queued")
        print(f"round {number} ({kind}): running and queued at the kill: {open_runs}")
        assert not ledger.findings, f"seed {seed}, round {number} ({kind}): {ledger.findings}"
    time.sleep(1)  # long enough without an engine for a range, however fast one starts
    ledger = scene.settle()

    ranges = [row for row in ledger.rows.values() if row.range_count is not None]
    caught_up = [row for row in ledger.rows.values() if row.source == "catchup"]
    print(
        f"{scene.kills - 1} kills, {len(ledger.executions)} executions, {len(ledger.rows)} rows "
        f"{states(ledger)}, {len(ranges)} of them ranges, {len(scene.interrupted)} running and "
        f"{len(scene.waited)} queued at a kill; {ledger.findings}"
    )
    # It was worth its name: the kills did come down on everything that there is to hit.
    assert len(scene.interrupted) > ROUNDS
    assert len(scene.waited) > ROUNDS
    assert ranges
    assert caught_up
    assert {row.state for row in ledger.rows.values()} >= {"missed", "skipped", "failed", "lost"}


WINDOWS = {
    # While it starts: the schema, the boot, the jobs of the code.
    "create:before": 1,
    "open:after": 1,
    "insert_job:before": 1,
    "insert_job:after": 1,
    # While it fires.
    "claim:before": 20,
    "claim:after": 20,
    "dispatch:before": 20,
    "dispatch:after": 20,
    "function:last": 100,
    "function:first": 100,
    # While it takes over that very run.
    "recover:before": 1,
    "recover:after": 1,
    # While it admits what was queued, and keeps what is said and how it ends.
    "start:before": 4,
    "start:after": 4,
    "finish:before": 20,
    "finish:after": 20,
    "append_logs:before": 1,
    "append_logs:after": 1,
    # While it stops in order.
    "stop:before": 1,
    "stop:after": 1,
}


@pytest.mark.timeout(240)
def test_a_kill_in_each_window_around_a_commit(scene: Scene) -> None:
    for window, number in WINDOWS.items():
        scene.start("--die", f"{window}:{number}")
        if window.startswith("stop"):
            scene.hear("ready")
            scene.process.send_signal(signal.SIGTERM)
        scene.hear(f"dies {window}")
        assert scene.ended() == -signal.SIGKILL
        ledger = scene.ledger
        assert ledger is not None
        assert not ledger.findings, f"{window}: {ledger.findings}"
    scene.settle()
