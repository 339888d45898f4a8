"""A folder with one of the example services in it, which is run as its users would."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from terminal_driver import DEADLINE_S

SERVICES = Path(__file__).parent / "acceptance" / "services"


class Line(NamedTuple):
    """One execution, as its first act tells of it."""

    what: str
    run: int
    attempt: int
    due: str
    """Seconds since 1970; ``-``: none."""
    pid: int
    at: float


@dataclass(kw_only=True)
class ServicePlace:
    """Where a service runs."""

    folder: Path
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a module of Python (``uvicorn``, ``gunicorn``) or a script in this folder."""
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def log(self) -> str:
        """All that was said."""
        return (self.folder / "log").read_text()

    def url(self, pattern: str = r"running on (http://[\d.:]+)") -> str:
        """Where the server listens, once it says so and answers."""
        found: list[str] = []

        def says() -> bool:
            found[:] = re.findall(pattern, self.log())
            return bool(found)

        self.wait(says)
        return found[0].replace("0.0.0.0", "127.0.0.1")

    def wait(self, holds: Callable[[], object], *, deadline_s: float = DEADLINE_S) -> None:
        """Until ``holds()``."""
        until = time.monotonic() + deadline_s
        while not holds():
            assert time.monotonic() < until, f"it did not come to be:\n{self.log()}"
            time.sleep(0.02)

    def ledger(self) -> list[Line]:
        """All executions."""
        path = self.folder / "ledger"
        rows = path.read_text().splitlines() if path.exists() else []
        return [
            Line(what, int(run), int(attempt), due, int(pid), float(at))
            for what, run, attempt, due, pid, at in (row.split() for row in rows)
        ]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the store."""
        with closing(sqlite3.connect(f"file:{self.folder / 'shop.db'}?mode=ro", uri=True)) as db:
            return db.execute(query).fetchall()

    def close(self) -> None:
        """End everything that was started here, workers included."""
        for process in self._started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE_S)


@contextmanager
def service_in(folder: Path, name: str) -> Iterator[ServicePlace]:
    """A copy of the service ``name`` in ``folder``."""
    shutil.copy(SERVICES / f"{name}.py", folder)
    place = ServicePlace(folder=folder)
    try:
        yield place
    finally:
        place.close()


def get(url: str, **headers: str) -> Any:
    """The JSON at ``url``; None where nobody answers for a moment."""
    try:
        answer = httpx.get(url, headers=headers, timeout=DEADLINE_S, trust_env=False)
    except httpx.TransportError:
        return None
    return answer.json() if answer.is_success else None


def check_once_each(place: ServicePlace) -> None:
    """Each due time of all jobs with one row, executed at most once; none in between missing."""
    jobs = place.rows("SELECT name, trigger FROM jobs")
    names = [name for name, trigger in jobs if json.loads(trigger).get("seconds") == 1]
    assert names
    for name in names:
        _check_job(place, name)


def _check_job(place: ServicePlace, what: str) -> None:
    rows = place.rows(
        "SELECT r.scheduled_for / 1000000, r.state, r.range_count FROM runs r JOIN jobs j "
        f"ON j.id = r.job_id WHERE j.name = '{what}' AND r.scheduled_for IS NOT NULL"
    )
    dues = [due for due, _, _ in rows]
    assert len(dues) == len(set(dues)), "a due time has two rows"
    assert sorted(dues) == list(range(min(dues), max(dues) + 1)), "a due time has no row"
    lines = [line for line in place.ledger() if line.what == what]
    assert len(lines) == len({line.due for line in lines}), "a due time was executed twice"
    executed = {int(line.due) for line in lines}
    done = {due for due, state, _ in rows if state in {"succeeded", "lost"}}
    assert executed <= done, "an execution has no row"
    succeeded = {due for due, state, _ in rows if state == "succeeded"}
    assert succeeded <= executed
