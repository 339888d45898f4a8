"""A long life of an engine, in which everything goes wrong that can.

    python tests/benchmarks/soak.py --minutes 30 --jobs 2000 [--seed N]

A real engine on a real SQLite file and the real clock, with jobs of all policies, triggers and
executors (`soak_jobs`), and people who do things to them (`soak_engine`). Meanwhile: the database
is locked for 7 s by another connection; the disk is full for 10 s (the file lies on a tmpfs of its
own, which is made as small as what it holds; so SQLite gets ENOSPC from the kernel); the wall clock
is stepped by minutes, forward and back; the engine is killed with SIGKILL and started again.

At the end the store is held against what ran, against the audit trail and the triggers
(`soak_ledger`); a table says what was seen. The exit code is 0 for PASS. Linux only: it mounts the
tmpfs in a namespace of its own (``unshare -rm``).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

TESTS = str(Path(__file__).resolve().parents[1])
sys.path.insert(0, TESTS)

from benchmarks.memory import BLOCKS_PER_MIB  # noqa: E402 - found only now
from benchmarks.soak_jobs import LEDGER  # noqa: E402 - as above
from benchmarks.soak_ledger import Judge, table, watch_moves  # noqa: E402 - as above

INSIDE = "SOAK_INSIDE"
LOCKED_S = 7.0
FULL_S = 10.0
LONGEST_S = 40.0
"""The disk stays full until the engine has noticed, at most so long."""
NOTICED = "database or disk is full"
TICK_S = 5.0
"""The tick never becomes older; it is what `/health` calls hanging."""
CALM_S = 75.0
"""Nothing is injected at the end, so that what is owed can be paid."""
WARM_UP_S = 540.0
LEAST_S = 300.0
"""Memory is judged where it was watched for so long after the warm-up."""
MIB_PER_10_MIN = 8.0
"""Of what is in use; freed pages that an allocator has kept are no leak, and stay in RSS."""
DISK = "size=4g"
STEPS_S = (-280, -150, -61, -20, 15, 45, 120, 300)


class Sample(NamedTuple):
    """The engine's process at a moment."""

    at_s: float
    rss_mib: float
    threads: int
    fds: int
    store_mib: float
    blocks: int
    """Of Python's allocator, in use."""
    malloc_mib: float
    """In use; 0 where the C library does not say."""


class Life:
    """One engine's process, from its start to its end."""

    def __init__(self, soak: Soak) -> None:
        self._soak = soak
        self.began = time.monotonic()
        self.samples: list[Sample] = []
        self.last: dict[str, object] = {}
        self.problems: Counter[str] = Counter()
        self.tick_s = 0.0
        self._ready = threading.Event()
        program = [sys.executable, "-m", "benchmarks.soak_engine", str(soak.store)]
        program += ["--jobs", str(soak.jobs), "--seed", str(soak.seed)]
        program += ["--life", str(len(soak.lives)), "--offset", str(soak.offset_s)]
        self.errors = soak.folder / f"errors-{len(soak.lives)}"
        self.process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors.open("w"),
            text=True,
            env={**os.environ, LEDGER: str(soak.executions), "PYTHONPATH": TESTS},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(120):
            raise AssertionError(f"the engine did not start: {self.errors.read_text()[-2000:]}")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            self.last |= said
            self.tick_s = max(self.tick_s, said.get("tick_s", 0.0))
            self.problems.update(_kind(text) for text in said.get("problems", ()))
            if said.get("ready"):
                self._ready.set()
            elif "tick_s" in said:
                self._sample(said)

    def _sample(self, said: Mapping[str, Any]) -> None:
        place = Path(f"/proc/{self.process.pid}")
        try:
            status = (place / "status").read_text()
            fds = len(list((place / "fd").iterdir()))
        except OSError:
            return
        found = dict(line.split(":", 1) for line in status.splitlines())
        rss = int(found["VmRSS"].split()[0]) / 1024
        parts = self._soak.store.parent.glob("state.db*")
        size = sum(part.stat().st_size for part in parts) / 2**20
        at_s = time.monotonic() - self.began
        used = (said["blocks"], said.get("malloc_mib", 0.0))
        self.samples.append(Sample(at_s, rss, int(found["Threads"]), fds, size, *used))

    def tell(self, order: str) -> None:
        """Give an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """``kill -9``."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()

    def stop(self) -> int:
        """Stop in order. Returns the engine's wall time then."""
        self.tell("stop")
        self.process.wait(60)
        self._reader.join()
        wall_us = self.last.get("wall_us")
        assert isinstance(wall_us, int), self.errors.read_text()[-2000:]
        return wall_us

    def per_10_min(self, value: Callable[[Sample], float]) -> float | None:
        """How a value grows after the warm-up; None where it was watched too shortly."""
        seen = [one for one in self.samples if one.at_s > WARM_UP_S]
        if not seen or seen[-1].at_s - seen[0].at_s < LEAST_S:
            return None
        mean_s = sum(one.at_s for one in seen) / len(seen)
        mean = sum(value(one) for one in seen) / len(seen)
        over = sum((one.at_s - mean_s) ** 2 for one in seen)
        return sum((one.at_s - mean_s) * (value(one) - mean) for one in seen) / over * 600


def _kind(problem: str) -> str:
    """What a problem is about, without what differs from one to the next."""
    said = problem.rsplit("state.db: ", 1)[-1].split(":")[0]
    return "".join(letter for letter in said if not letter.isdigit()).strip()


class Soak:
    """All of it.

    Args:
        folder: Where nothing is yet.
        jobs: How many static jobs.
        seed: Of all that is random.
    """

    def __init__(self, folder: Path, jobs: int, seed: int) -> None:
        self.folder = folder
        self.jobs = jobs
        self.seed = seed
        self.offset_s = 0.0
        self.lives: list[Life] = []
        self.done: Counter[str] = Counter()
        self._disk = folder / "disk"
        self._disk.mkdir()
        self._mount(DISK)
        self.store = self._disk / "state.db"
        self.executions = folder / "executions"
        self.executions.touch()
        self._rng = random.Random(seed)

    def _mount(self, options: str, *, check: bool = True) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "soak", str(self._disk)]
        return not subprocess.run(command, check=check, capture_output=not check).returncode

    def _used(self) -> int:
        return shutil.disk_usage(self._disk).used

    @property
    def life(self) -> Life:
        """The engine now."""
        return self.lives[-1]

    def run(self, minutes: float) -> None:
        """Live for so long."""
        end = time.monotonic() + minutes * 60
        self.lives.append(Life(self))
        watch_moves(self.store)
        for at_s, fault in self._plan(minutes * 60):
            time.sleep(max(0.0, end - minutes * 60 + at_s - time.monotonic()))
            print(f"{at_s:5.0f} s: {fault.__name__}", file=sys.stderr)
            self.done[fault.__name__] += 1
            fault()
        time.sleep(max(0.0, end - time.monotonic()))

    def _plan(self, length_s: float) -> list[tuple[float, Callable[[], None]]]:
        """What goes wrong when: kills in the first half, so that memory can be watched after."""
        times = max(1, round(length_s / 450))
        faults = [self.locked, self.full] * times + [self.stepped] * 3 * times
        early = [self.killed] * max(2, times)
        first, last = 15.0, max(length_s * 0.6, length_s - CALM_S)
        plan = [(self._rng.uniform(first, last), fault) for fault in faults]
        plan += [(self._rng.uniform(first, last / 2), fault) for fault in early]
        return sorted(plan, key=lambda pair: pair[0])

    def locked(self) -> None:
        """Another connection keeps the database to itself."""
        with closing(sqlite3.connect(self.store, timeout=5, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(LOCKED_S)

    def full(self) -> None:
        """The disk is as small as what it holds."""
        before = self.life.problems[NOTICED]
        while not self._mount(f"remount,size={self._used()}", check=False):
            pass  # it has grown meanwhile
        try:
            began = time.monotonic()
            while (gone_s := time.monotonic() - began) < FULL_S or (
                self.life.problems[NOTICED] == before and gone_s < LONGEST_S
            ):
                time.sleep(0.1)
        finally:
            self._mount(f"remount,{DISK}")

    def stepped(self) -> None:
        """The wall clock is set."""
        step_s = self._rng.choice(STEPS_S)
        self.offset_s += step_s
        self.life.tell(f"step {step_s}")

    def killed(self) -> None:
        """The engine dies and is started again."""
        self.life.kill()
        time.sleep(self._rng.uniform(0, 3))
        self.lives.append(Life(self))


def report(soak: Soak, minutes: float) -> bool:
    """Stop, judge, print. Returns whether all is well."""
    ended_us = soak.life.stop()
    judge = Judge(soak.store, soak.executions, ended_us)
    tick_s = max(life.tick_s for life in soak.lives)
    slopes = {
        "malloc": soak.life.per_10_min(lambda one: one.malloc_mib),
        "blocks": soak.life.per_10_min(lambda one: one.blocks / BLOCKS_PER_MIB),
    }
    errors = [line for life in soak.lives for line in life.errors.read_text().splitlines()]
    broken = [line for line in errors if line.startswith(("Traceback", "CRITICAL"))]
    surprises = [text for life in soak.lives for text in life.last.get("surprises", ())]  # type: ignore[attr-defined]  # JSON
    samples = soak.life.samples
    failed = {
        "invariants": bool(judge.findings),
        "tick": tick_s > TICK_S,
        "memory": any(slope is not None and slope > MIB_PER_10_MIN for slope in slopes.values()),
        "tracebacks": bool(broken),
        "commands": bool(surprises),
    }
    rows = [
        ("minutes, jobs, seed", f"{minutes:g}, {soak.jobs}, {soak.seed}"),
        ("due times with a row / executions", f"{judge.due} / {judge.executed}"),
        ("runs", ", ".join(f"{n} {state}" for state, n in judge.states.most_common())),
        ("injected", ", ".join(f"{n} {name}" for name, n in sorted(soak.done.items()))),
        ("commands done / refused", commands(soak)),
        ("oldest tick", f"{tick_s:.2f} s"),
        ("RSS first / last / most", spread([one.rss_mib for one in samples], "MiB")),
        ("RSS, MiB, minute by minute", minutely(samples, lambda one: one.rss_mib)),
        ("malloc in use, MiB, minute by minute", minutely(samples, lambda one: one.malloc_mib)),
        ("Python's blocks in use, 1,000", minutely(samples, lambda one: one.blocks / 1_000)),
        ("in use, per 10 min", grown(slopes)),
        ("threads first / last / most", spread([one.threads for one in samples])),
        ("open files first / last / most", spread([one.fds for one in samples])),
        ("store first / last / most", spread([one.store_mib for one in samples], "MiB")),
        ("health complained", complaints(soak)),
        ("findings", judge.findings or "none"),
        ("tracebacks, surprises", f"{len(broken)}, {len(surprises)} {surprises[:3] or ''}"),
    ]
    print("\n".join(table(rows)))
    bad = [name for name, wrong in failed.items() if wrong]
    print(f"FAIL: {', '.join(bad)}; see {soak.folder}" if bad else "PASS")
    return not bad


def commands(soak: Soak) -> str:
    """What people did in all lives."""
    sums = [
        sum(int(str(life.last.get(key, 0))) for life in soak.lives)
        for key in ("commands", "refused")
    ]
    return f"{sums[0]} / {sums[1]}"


def complaints(soak: Soak) -> str:
    """How many seconds the engine complained of what."""
    kinds = sum((life.problems for life in soak.lives), Counter())
    return ", ".join(f"{n} s {kind}" for kind, n in kinds.most_common(4)) or "never"


def minutely(samples: list[Sample], value: Callable[[Sample], float]) -> str:
    """A figure as it went."""
    chosen = {int(one.at_s // 60): f"{value(one):.0f}" for one in samples}
    return " ".join(chosen.values())


def grown(slopes: Mapping[str, float | None]) -> str:
    """How fast what is in use has grown."""
    return ", ".join(
        f"{name}: too short to say" if slope is None else f"{name} {slope:+.1f} MiB"
        for name, slope in slopes.items()
    )


def spread(values: list[float] | list[int], unit: str = "") -> str:
    """First, last and most."""
    return f"{values[0]:.0f} / {values[-1]:.0f} / {max(values):.0f} {unit}".strip()


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args()
    if os.environ.get(INSIDE) is None:
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", ["unshare", "-rm", sys.executable, *sys.argv])
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    soak = Soak(folder, given.jobs, given.seed)
    print(f"seed {given.seed}, {folder}", file=sys.stderr)
    try:
        soak.run(given.minutes)
        good = report(soak, given.minutes)
        if not good:
            shutil.copytree(soak.store.parent, folder / "kept")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        return 0 if good else 1
    finally:
        for life in soak.lives:
            if life.process.poll() is None:
                life.process.kill()


if __name__ == "__main__":
    sys.exit(main())
