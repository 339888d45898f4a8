"""How fast the engine fires, beside its peers, in one run on one machine.

    python tests/benchmarks/engine.py            # everything, about five minutes
    python tests/benchmarks/engine.py --quick    # 1,000 jobs only

Two cases. *burst*: so many jobs are due at the same instant; seconds from that instant until the
last function has run. *spread*: so many jobs with intervals of 1 to 10 s for 20 s; how late each
ran, and how many due times nobody ran. schedtui keeps its full durable history on SQLite in both;
APScheduler keeps none. Every contender runs in a process of its own, one after the other, with
the same garbage collector settings. Needs the extra ``bench`` for fastapi-taskflow.

Lateness is taken when the function runs (schedtui, taskflow) or when its end is told (APScheduler,
which tells a due time only then; the functions do nothing, so the difference is small).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SPREAD_S = 20
CONTENDERS = ("schedtui", "aps-memory", "aps-sqlite", "taskflow")
TITLES = {
    "schedtui": "schedtui, SQLite, full history",
    "aps-memory": "APScheduler 3.11, memory, no history",
    "aps-sqlite": "APScheduler 3.11, SQLAlchemyJobStore on SQLite, no history",
    "taskflow": "fastapi-taskflow 0.12.1, SQLite",
}

late_us: list[int] = []
ran = 0


def tune() -> None:
    """What `schedtui serve` does for itself; done for every contender alike."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    sys.setswitchinterval(0.0005)


def boundary(lead_s: float) -> datetime:
    """A whole second at least ``lead_s`` from now."""
    return (datetime.now(UTC) + timedelta(seconds=lead_s + 1)).replace(microsecond=0)


async def until(done: Callable[[], bool], limit_s: float) -> None:
    """Wait for something, at most so long."""
    end = time.monotonic() + limit_s
    while not done() and time.monotonic() < end:  # noqa: ASYNC110 - the peers have no event
        await asyncio.sleep(0.001)


async def schedtui(case: str, jobs: int, folder: Path) -> dict[str, Any]:
    """Ours."""
    from schedtui import Engine, Group, current_run
    from schedtui.client.local import LocalClient
    from schedtui.clock import to_us
    from schedtui.models import JobSpec

    group = Group("bench")

    @group.function()
    async def work() -> None:
        global ran
        if case == "burst":
            ran += 1
            return
        due = current_run().scheduled_for
        if due is not None and due >= at:  # an interval's anchor is its phase, not its beginning
            ran += 1
            late_us.append(time.time_ns() // 1000 - to_us(due))

    engine = Engine(groups=[group], store=f"sqlite:///{folder / 'state.db'}", echo=False)
    await engine.start()
    client = LocalClient(engine)
    at = boundary(jobs / 1_000 + 3)

    async def create(number: int) -> None:
        seconds = number % 10 + 1
        trigger = (
            {"type": "once", "at": at.isoformat()}
            if case == "burst"
            else {"type": "every", "seconds": seconds, "anchor": at.isoformat()}
        )
        spec = JobSpec(function="bench/work", trigger=trigger, name=f"job-{number}")
        await client.create_job(spec)

    for first in range(0, jobs, 500):
        await asyncio.gather(*(create(n) for n in range(first, min(first + 500, jobs))))
    result = await measure(case, jobs, at)
    if case == "burst":
        await until(lambda: engine.running.supervisor.idle.is_set(), 60)
        result["recorded_s"] = time.time() - at.timestamp()
        page = await client.runs(limit=1)
        result["rows"] = page.items[0].id
    await engine.stop()
    return result


async def aps(case: str, jobs: int, folder: Path, *, sqlite: bool) -> dict[str, Any]:
    """Stock APScheduler."""
    from apscheduler.events import EVENT_JOB_EXECUTED
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    defaults = {"misfire_grace_time": None, "max_instances": 100}
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
    if sqlite:
        scheduler.add_jobstore(SQLAlchemyJobStore(f"sqlite:///{folder / 'aps.db'}"))
    at = boundary(jobs / 400 + 3 if sqlite else 3)
    for number in range(jobs):
        if case == "burst":
            scheduler.add_job(aps_work, "date", run_date=at, id=str(number))
        else:
            seconds = number % 10 + 1
            scheduler.add_job(aps_work, "interval", seconds=seconds, start_date=at, id=str(number))

    def told(event: Any) -> None:
        due = event.scheduled_run_time
        late_us.append(int((datetime.now(UTC) - due).total_seconds() * 1e6))

    if case == "spread":
        scheduler.add_listener(told, EVENT_JOB_EXECUTED)
    scheduler.start()
    result = await measure(case, jobs, at)
    scheduler.shutdown(wait=False)
    return result


async def aps_work() -> None:
    """What APScheduler's jobs do."""
    global ran
    ran += 1


async def taskflow(case: str, jobs: int, folder: Path) -> dict[str, Any]:
    """fastapi-taskflow; its schedules have no common instant but a cron minute."""
    from fastapi_taskflow import TaskManager

    manager = TaskManager(snapshot_db=str(folder / "taskflow.db"))
    at = boundary(3)
    if case == "burst":
        at = (datetime.now(UTC) + timedelta(seconds=70)).replace(second=0, microsecond=0)

    def make(number: int) -> None:
        seconds = number % 10 + 1
        first = {"due": at.timestamp()}

        async def work() -> None:
            global ran
            ran += 1
            now = time.time()
            if case == "spread":
                # Due on the grid that its own first firing began: its drift does not count.
                if ran <= jobs and "phase" not in first:
                    first["phase"] = now
                due = first["phase"] + round((now - first["phase"]) / seconds) * seconds
                late_us.append(max(0, int((now - due) * 1e6)))

        work.__name__ = work.__qualname__ = f"work_{number}"
        if case == "burst":
            manager.schedule(cron=f"{at.minute} {at.hour} * * *")(work)
        else:
            manager.schedule(every=seconds)(work)

    for number in range(jobs):
        make(number)
    await manager.startup()
    if case == "spread":
        at = datetime.now(UTC)
    result = await measure(case, jobs, at, first=0)
    await manager.shutdown()
    return result


async def measure(case: str, jobs: int, at: datetime, first: int = 1) -> dict[str, Any]:
    """Wait for the case to pass; what came of it.

    ``first`` is 1 where a job is due at ``at`` itself, 0 where only an interval after it.
    """
    tune()
    await asyncio.sleep(max(0.0, at.timestamp() - time.time() - 0.2))
    cpu = time.process_time()
    if case == "burst":
        await until(lambda: ran >= jobs, 180 + at.timestamp() - time.time())
        return {
            "seconds": time.time() - at.timestamp(),
            "ran": ran,
            "expected": jobs,
            "cpu_s": time.process_time() - cpu,
        }
    await asyncio.sleep(max(0.0, at.timestamp() + SPREAD_S - 0.25 - time.time()))
    expected = sum((SPREAD_S * 1000 - 250) // ((n % 10 + 1) * 1000) + first for n in range(jobs))
    await asyncio.sleep(0.15)
    ranked = sorted(late_us) or [0]
    return {
        "ran": ran,
        "expected": expected,
        "p50_ms": ranked[len(ranked) // 2] / 1000,
        "p99_ms": ranked[int(len(ranked) * 0.99)] / 1000,
        "max_ms": ranked[-1] / 1000,
        "cpu_s": time.process_time() - cpu,
    }


def contend(name: str, case: str, jobs: int) -> None:
    """Run one contender in this process and print its result as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        if name == "schedtui":
            result = asyncio.run(schedtui(case, jobs, path))
        elif name == "taskflow":
            result = asyncio.run(taskflow(case, jobs, path))
        else:
            result = asyncio.run(aps(case, jobs, path, sqlite=name == "aps-sqlite"))
    print("RESULT " + json.dumps(result))


def ask(name: str, case: str, jobs: int) -> dict[str, Any] | None:
    """One contender in a process of its own; None where it did not come through."""
    command = [sys.executable, __file__, "--contender", name, "--case", case, "--jobs", str(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            answer: dict[str, Any] = json.loads(line[7:])
            return answer
    print(f"{name} {case} {jobs} failed: {done.stderr[-500:]}", file=sys.stderr)
    return None


def show(case: str, jobs: int, rounds: int) -> None:
    """All contenders of one case, the median of their rounds, and ratios to ours."""
    figure = "seconds" if case == "burst" else "p99_ms"
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):  # in turn, so that a machine that slows down slows all of them
        for name in CONTENDERS:
            if name == "taskflow" and importlib.util.find_spec("fastapi_taskflow") is None:
                continue
            answer = ask(name, case, jobs)
            if answer is not None:
                results[name].append(answer)
    print(f"\n{case}, {jobs:,} jobs (median of {rounds})")
    base = 0.0
    for name in CONTENDERS:
        if not results[name]:
            print(f"  {TITLES[name]:60} not run")
            continue
        ranked = sorted(results[name], key=lambda one: one[figure])
        one = ranked[len(ranked) // 2]
        base = base or one[figure]
        ratio = f"x{one[figure] / base:6.2f}" if base else ""
        lost = one["expected"] - one["ran"]
        if case == "burst":
            words = f"{one['seconds']:8.3f} s {ratio}  cpu {one['cpu_s']:.2f} s, not run: {lost}"
            if "recorded_s" in one:
                words += f"; recorded after {one['recorded_s']:.3f} s"
        else:
            words = (
                f"p50 {one['p50_ms']:8.1f}  p99 {one['p99_ms']:8.1f} {ratio}  max "
                f"{one['max_ms']:8.1f} ms  cpu {one['cpu_s']:.2f} s, "
                f"ran {one['ran']:,} of {one['expected']:,}"
            )
        print(f"  {TITLES[name]:60} {words}", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contender", choices=CONTENDERS)
    parser.add_argument("--case", choices=("burst", "spread"))
    parser.add_argument("--jobs", type=int, default=1_000)
    options = parser.parse_args()
    if options.contender:
        contend(options.contender, options.case, options.jobs)
        return
    for jobs in (1_000,) if options.quick else (1_000, 10_000):
        show("burst", jobs, options.rounds)
        show("spread", jobs, 1)


if __name__ == "__main__":
    main()
