"""How fast tasks are made and listed under /task-manager, beside fastapi-task-manager, in one run.

    python tests/benchmarks/task_manager.py              # 1,000 tasks, about half a minute

Both are real services in a process of their own, one after the other, asked by the same client over
one connection: fastapi-task-manager 1.1.1 with its defaults on a Valkey that keeps nothing on disk,
schedtui with its full durable history on SQLite. The tasks are due once a year; that the first one
runs each of them at once, when it is made, is a part of its time. Needs the extra ``dev``.

What is aimed at: all created one by one in at most a third of its time, the list of all of them in
at most a tenth.
"""

from __future__ import annotations

import argparse
import http.client
import json
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
    "p50": "… one of them, milliseconds, p50",
    "p99": "… one of them, milliseconds, p99",
    "list": "the list of all of them, milliseconds, median",
    "one": "one of them out of all, milliseconds, median",
    "delete": "deleted one by one, seconds in all",
}


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

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body)
        self._connection.request(method, self._path + path, data, self._headers)
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {told[:200]!r}")
        return told


def took_s(work: Callable[[], object]) -> float:
    """Seconds of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(side: Side, tasks: int) -> dict[str, float]:
    """One service."""
    call = Caller(side)
    body = {
        "task_group_name": "Reports",
        "function_name": "send_report",
        "cron_expression": "0 0 1 1 *",
        "kwargs": {"recipient": "team@example.com"},
        "tags": ["bench"],
    }
    call("GET", "/functions")
    made = [
        took_s(lambda number=number: call("POST", "/tasks", {**body, "name": f"t{number}"}))  # type: ignore[misc]  # a default binds the number
        for number in range(tasks)
    ]
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
    hundredths = statistics.quantiles(made, n=100)
    return {
        "create": sum(made),
        "p50": 1e3 * hundredths[49],
        "p99": 1e3 * hundredths[98],
        "list": 1e3 * statistics.median(listed),
        "one": 1e3 * statistics.median(one),
        "delete": sum(deleted),
    }


def main() -> None:
    """Measure both, and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--tasks", type=int, default=1_000)
    tasks = parser.parse_args().tasks
    with tempfile.TemporaryDirectory() as folder:
        with served("ours", str(Path(folder) / "state.db")) as side:
            ours = measure(side, tasks)
        with served("peer", "2") as side:
            peer = measure(side, tasks)
    print(f"{tasks:,} tasks".ljust(52) + "schedtui   fastapi-task-manager")
    for name, title in TITLES.items():
        ratio = peer[name] / ours[name]
        aim = f", aimed at x{AIMS[name]:g}" if name in AIMS else ""
        print(f"{title:<50}{ours[name]:10.3f}{peer[name]:14.3f}   x{ratio:.1f}{aim}")


if __name__ == "__main__":
    main()
