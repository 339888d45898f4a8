"""How fast tasks are made and listed under /task-manager, beside fastapi-task-manager, in one run.

    python tests/benchmarks/task_manager.py              # 1,000 tasks in three turns, two minutes

All are real services in a process of their own, one after the other in turns, asked by the same
client over one connection: fastapi-task-manager 1.1.1 with its defaults on a Valkey that keeps
nothing on disk, schedtui with its full durable history on SQLite, and the floor: an endpoint of
FastAPI that takes the same body as a pydantic model and does nothing, open to everybody. The tasks
are due once a year; that fastapi-task-manager runs each of them at once, when it is made, is a part
of its time, but its Valkey's processor time is not. What was made is then made once more as jobs
of schedtui's own ``/api/v1``. Linux only. Needs the extra ``dev``.

What is aimed at: all created one by one in at most a third of its time, the list of all of them in
at most a tenth.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

from task_manager_side import Side, served

LISTS = 15
AIMS = {"create": 3.0, "list": 10.0}
TITLES = {
    "create": "created one by one, seconds in all",
    "p10": "… one of them, milliseconds, p10",
    "p50": "… one of them, milliseconds, p50",
    "p99": "… one of them, milliseconds, p99",
    "cpu": "… one of them, milliseconds of its processor",
    "list": "the list of all of them, milliseconds, median",
    "one": "one of them out of all, milliseconds, median",
    "delete": "deleted one by one, seconds in all",
}
SIDES = {
    "floor": "empty endpoint",
    "ours": "schedtui",
    "own": "… /api/v1",
    "peer": "fastapi-task-manager",
}
TICKS = os.sysconf("SC_CLK_TCK")
Measured = dict[str, float]


class Caller:
    """One connection that is kept."""

    def __init__(self, side: Side) -> None:
        parts = urlsplit(side.url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._path = parts.path
        token = side.tokens.get("admin")
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None, *, at: str | None = None) -> Any:
        data = None if body is None else json.dumps(body)
        place = self._path if at is None else at
        self._connection.request(method, place + path, data, self._headers)
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{method} {path}: {answer.status} {told[:200]!r}")
        return told


def took_s(work: Callable[[], object]) -> float:
    """Seconds of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_s(pid: int) -> float:
    """Seconds that a process has had a processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def task(number: int) -> dict[str, Any]:
    """What makes a task."""
    return {
        "task_group_name": "Reports",
        "function_name": "send_report",
        "cron_expression": "0 0 1 1 *",
        "kwargs": {"recipient": "team@example.com"},
        "tags": ["bench"],
        "name": f"t{number}",
    }


def job(number: int) -> dict[str, Any]:
    """What makes the same as a job."""
    return {
        "function": "Reports/send_report",
        "trigger": {"type": "cron", "expression": "0 0 1 1 *"},
        "timezone": "UTC",
        "kwargs": {"recipient": "team@example.com"},
        "tags": ["bench"],
        "name": f"j{number}",
    }


def creates(side: Side, tasks: int, create: Callable[[int], object]) -> Measured:
    """Make all, one by one."""
    before_s = processor_s(side.pid)
    made = [took_s(lambda number=number: create(number)) for number in range(tasks)]  # type: ignore[misc]  # a default binds the number
    cpu_s = processor_s(side.pid) - before_s
    hundredths = statistics.quantiles(made, n=100)
    return {
        "create": sum(made),
        "p10": 1e3 * hundredths[9],
        "p50": 1e3 * hundredths[49],
        "p99": 1e3 * hundredths[98],
        "cpu": 1e3 * cpu_s / tasks,
    }


def measure(side: Side, tasks: int) -> Measured:
    """One of the two services."""
    call = Caller(side)
    call("GET", "/functions")
    made = creates(side, tasks, lambda number: call("POST", "/tasks", task(number)))
    time.sleep(3)  # let the peer run them all, which it does when they are made
    count = len(json.loads(call("GET", "/tasks?tag=bench")))
    if count < tasks:
        raise SystemExit(f"{side.name} lists {count} of {tasks} tasks")
    listed = [took_s(lambda: call("GET", "/tasks")) for _ in range(LISTS)]
    one = [took_s(lambda: call("GET", "/tasks?task_group_name=Reports&name=t1")) for _ in range(50)]
    where = "/tasks?task_group_name=Reports&task_name=t{}"
    deleted = [
        took_s(lambda number=number: call("DELETE", where.format(number)))  # type: ignore[misc]  # likewise
        for number in range(tasks)
    ]
    return made | {
        "list": 1e3 * statistics.median(listed),
        "one": 1e3 * statistics.median(one),
        "delete": sum(deleted),
    }


def turn(tasks: int) -> dict[str, Measured]:
    """All of them once."""
    found: dict[str, Measured] = {}
    with served("empty") as side:
        call = Caller(side)
        call("POST", "/tasks", task(0))
        found["floor"] = creates(side, tasks, lambda number: call("POST", "/tasks", task(number)))
    with tempfile.TemporaryDirectory() as folder:
        with served("ours", str(Path(folder) / "state.db")) as side:
            found["ours"] = measure(side, tasks)
            call = Caller(side)
            own = "/api/v1/jobs"
            found["own"] = creates(
                side, tasks, lambda number: call("POST", "", job(number), at=own)
            )
        with served("peer", "2") as side:
            found["peer"] = measure(side, tasks)
    return found


def main() -> None:
    """Measure all, and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    turns = [turn(given.tasks) for _ in range(given.turns)]
    print(f"{given.tasks:,} tasks, medians of {given.turns} turns".ljust(48), end="")
    print("".join(f"{title:>{max(15, len(title) + 2)}}" for title in SIDES.values()))
    for name, title in TITLES.items():
        row = {
            side: statistics.median(one[side][name] for one in turns)
            for side in SIDES
            if name in turns[0][side]
        }
        told = "".join(
            f"{f'{row[side]:.3f}' if side in row else '':>{max(15, len(SIDES[side]) + 2)}}"
            for side in SIDES
        )
        aim = f", aimed at x{AIMS[name]:g}" if name in AIMS else ""
        print(f"{title:<48}{told}   x{row['peer'] / row['ours']:.1f}{aim}")
    # The fastest tenth, which what else runs on the machine disturbs least.
    third = statistics.median(one["peer"]["p10"] for one in turns) / AIMS["create"]
    floor = statistics.median(one["floor"]["p10"] for one in turns)
    print(f"a third of its p10 is {third:.3f} ms; an empty request takes {floor:.3f} ms")


if __name__ == "__main__":
    main()
