"""The two services of `task_manager_services` as tests meet them: over HTTP."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

SERVICES = Path(__file__).with_name("task_manager_services.py")
DEADLINE_S = 15.0
NEVER = "2000-01-01T00:00:00Z"


@dataclass(kw_only=True)
class Side:
    """One of the two services."""

    name: str
    """``peer``, ``ours`` or ``empty``."""
    url: str
    store: str
    tokens: dict[str, str]
    pid: int
    http: httpx.Client
    made: list[tuple[str, str]] = field(default_factory=list)

    @property
    def ours(self) -> bool:
        return self.name == "ours"

    def get(self, path: str, **params: str) -> Any:
        """The body of an answer, which must be a success."""
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and body."""
        answer = self.http.request(method, path, **options)
        if method == "POST" and path == "/tasks" and answer.status_code == 200:
            told = answer.json()
            self.made.append((told["task_group_name"], told["task_name"]))
        return answer.status_code, answer.json()

    def create(self, name: str | None = None, **changed: Any) -> tuple[int, Any]:
        """Create a task; status and body."""
        body = {
            "task_group_name": "Reports",
            "function_name": "send_report",
            "cron_expression": "0 0 1 1 *",
            "name": name,
        }
        wanted = {key: value for key, value in {**body, **changed}.items() if value is not None}
        return self.call("POST", "/tasks", json=wanted)

    def new(self, name: str, **changed: Any) -> str:
        """Create a task and let the peer have its first, uncalled-for run; its name."""
        status, told = self.create(name, **changed)
        assert status == 200, told
        group = told["task_group_name"]
        self.until(lambda: self.task(name, group)["next_run"] != NEVER)
        return name

    def task(self, name: str, group: str = "Reports") -> dict[str, Any]:
        """A task as the list shows it."""
        (found,) = self.get("/tasks", task_group_name=group, name=name)
        return dict(found)

    def static(self) -> str:
        """The name of the task that the code declares."""
        (found,) = [one for one in self.get("/tasks") if not one["dynamic"]]
        return str(found["name"])

    def runs(self, name: str, group: str = "Reports") -> list[dict[str, Any]]:
        """The statistics of a task."""
        return list(self.get(f"/tasks/{group}/{name}/statistics")["runs"])

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to come true."""
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, "it did not come true"
            time.sleep(0.02)

    def clean(self) -> None:
        """Delete what was created, and let the task of the code be as it was."""
        for group, name in self.made:
            where = {"task_group_name": group, "task_name": name}
            self.http.delete("/tasks", params=where)
        self.made.clear()
        self.http.post("/tasks/enable")


@contextlib.contextmanager
def served(name: str, *arguments: str) -> Iterator[Side]:
    """One of the services, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, str(SERVICES), name, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        token = told["tokens"].get("admin")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=told["url"], headers=headers, timeout=DEADLINE_S) as http:
            yield Side(name=name, http=http, **told)
    finally:
        process.stdin.close()
        try:
            process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
