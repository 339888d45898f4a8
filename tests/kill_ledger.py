"""What a killed engine's file says, held against what ran and against the calendar.

Reads the tables with plain SQL and knows the schedules as plain numbers, so that the engine is not
its own judge.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kill_victim import MANUAL, NEVER, SCHEDULES

OPEN = {"queued", "running"}
NEVER_RAN = {"queued", "skipped", "missed"}
MAY_RUN = {"queued", "running", "succeeded", "failed", "cancelled", "lost"}
"""What a queued run may be found as later, where its job is not deleted."""


class Execution(NamedTuple):
    """The line that a function wrote first of all."""

    job: str
    run_id: int
    due_us: int | None
    attempt: int


class Row(NamedTuple):
    """A run."""

    id: int
    job_id: int
    source: str
    state: str
    due_us: int | None
    epoch: int
    attempt: int
    range_from_us: int | None
    range_count: int | None
    finished_us: int | None


class JobRow(NamedTuple):
    """A job, and where it stands."""

    id: int
    name: str
    created_us: int
    next_due_us: int | None


@dataclass
class Findings:
    """What must not be; and what is wrong with it, one text each."""

    unaccounted: list[str] = field(default_factory=list)
    """Due times that no row stands for."""
    without_row: list[str] = field(default_factory=list)
    """Executions whose row is not there, or says that nothing ran."""
    doubled: list[str] = field(default_factory=list)
    """Due times that more than one row stands for."""
    twice: list[str] = field(default_factory=list)
    """Runs or due times that were executed twice."""
    other: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        return "; ".join(
            f"{name}: {len(found)} ({', '.join(found[:5])})" for name, found in vars(self).items()
        )


class Ledger:
    """The file after a kill.

    Args:
        store: The database, which nobody has open. It is left as it is: what the kill left beside
            it is for the next engine to find, so that a copy is read.
        executions: What the functions wrote.
        scratch: An empty folder for the copy.
    """

    def __init__(self, store: Path, executions: Path, scratch: Path) -> None:
        self.executions = list(_executions(executions))
        self.rows: dict[int, Row] = {}
        self.jobs: dict[int, JobRow] = {}
        self.stopped_in_order = False
        self.epoch = 0
        self.findings = Findings()
        for suffix in ("", "-wal", "-journal"):
            part = store.with_name(store.name + suffix)
            if part.exists():
                shutil.copy(part, scratch / part.name)
        with closing(sqlite3.connect(scratch / store.name)) as connection:
            self._read(connection)
        self._check()

    def _read(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            self.findings.other.append("the file is damaged")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if "runs" not in tables:
            if tables:
                self.findings.other.append(f"half a schema: {sorted(tables)}")
            return
        for row in connection.execute(
            "SELECT id, job_id, source, state, scheduled_for, clock_epoch, attempt, range_from,"
            " range_count, finished_at FROM runs ORDER BY id"
        ):
            self.rows[row[0]] = Row(*row)
        for row in connection.execute(
            "SELECT id, name, created_at, next_due FROM jobs JOIN job_due ON job_id = id"
        ):
            self.jobs[row[0]] = JobRow(*row)
        found = connection.execute("SELECT stopped_at FROM boots ORDER BY id DESC").fetchone()
        self.stopped_in_order = found is not None and found[0] is not None
        self.epoch = max((row.epoch for row in self.rows.values()), default=0)

    def count(self, state: str) -> int:
        """How many rows have a state."""
        return sum(1 for row in self.rows.values() if row.state == state)

    def after(self, before: Ledger, *, started: bool) -> None:
        """Check that history only went on.

        Args:
            before: The file as the kill before this one left it.
            started: Whether an engine was ready in between.
        """
        wrong = self.findings.other
        if self.executions[: len(before.executions)] != before.executions:
            wrong.append("executions are not those of before any more")
        for old in before.rows.values():
            new = self.rows.get(old.id)
            if new is None:
                wrong.append(f"run {old.id} is gone")
            elif old.state not in OPEN:
                if new != old:
                    wrong.append(f"{old} became {new}")
            elif old.state == "running":
                if new.state != "lost" and (started or new != old):
                    wrong.append(f"run {old.id} ran at the kill, and is {new.state}")
            elif new.state not in MAY_RUN:
                wrong.append(f"run {old.id} was queued at the kill, and is {new.state}")

    def _check(self) -> None:
        self._check_executions()
        rows_of: dict[int, list[Row]] = {job_id: [] for job_id in self.jobs}
        for row in self.rows.values():
            rows_of[row.job_id].append(row)
        for job in self.jobs.values():
            self._check_job(job, rows_of[job.id])
        keys = Counter((row.job_id, row.epoch, row.due_us) for row in self.rows.values())
        for (job_id, epoch, due_us), number in keys.items():
            if due_us is not None and number > 1:
                self.findings.doubled.append(f"job {job_id} at {due_us} in epoch {epoch}")

    def _check_executions(self) -> None:
        found = self.findings
        names = {job.id: job.name for job in self.jobs.values()}
        for one in self.executions:
            row = self.rows.get(one.run_id)
            if row is None or row.state in NEVER_RAN:
                found.without_row.append(f"{one}: {row}")
                continue
            if (f"kill/{names[row.job_id]}", row.due_us) != (one.job, one.due_us):
                found.without_row.append(f"{one} is not {row}")
            if not 1 <= one.attempt <= row.attempt:
                found.without_row.append(f"{one} is an attempt that {row} knows nothing of")
        runs = Counter(one.run_id for one in self.executions)
        found.twice += [f"run {run_id}" for run_id, number in runs.items() if number > 1]
        dues = Counter((one.job, one.due_us) for one in self.executions if one.due_us is not None)
        found.twice += [f"{name} at {due}" for (name, due), number in dues.items() if number > 1]
        for row in self.rows.values():
            if row.state in {"succeeded", "failed"} and row.id not in runs:
                found.other.append(f"{row} has not left its line")

    def _check_job(self, job: JobRow, rows: list[Row]) -> None:
        schedule = SCHEDULES[job.name]
        expected: set[int] = set()
        if schedule != NEVER and job.next_due_us is not None:
            expected = set(due_times(schedule, job.created_us, job.next_due_us))
        covered: Counter[int] = Counter()
        for row in rows:
            if row.due_us is None:
                if job.name != MANUAL:
                    self.findings.other.append(f"{row} has no due time")
            elif row.range_count is None:
                covered[row.due_us] += 1
            else:
                first_us = row.range_from_us if row.range_from_us is not None else row.due_us
                stretch = list(due_times(schedule, first_us - 1, row.due_us + 1))
                if (len(stretch), stretch[:1]) != (row.range_count, [first_us]):
                    self.findings.other.append(f"{row} stands for {len(stretch)} due times")
                covered.update(stretch)
        told = f"{job.name} (of {job.created_us}, next at {job.next_due_us}) at "
        self.findings.unaccounted += [f"{told}{due}" for due in sorted(expected - covered.keys())]
        self.findings.doubled += [f"{told}{due}" for due, n in covered.items() if n > 1]
        self.findings.other += [
            f"{told}{due}, which is not due" for due in sorted(covered.keys() - expected)
        ]


def due_times(schedule: tuple[int, int], after_us: int, before_us: int) -> Iterator[int]:
    """All due times strictly between two moments."""
    period_us, phase_us = schedule
    first = (after_us - phase_us) // period_us + 1
    return iter(range(phase_us + first * period_us, before_us, period_us))


def _executions(path: Path) -> Iterator[Execution]:
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8")
    assert not text or text.endswith("\n"), "a line was torn"
    for line in text.splitlines():
        job, run_id, due_us, attempt = line.split()
        due = None if due_us == "-" else int(due_us)
        yield Execution(job, int(run_id), due, int(attempt))


def states(ledger: Ledger) -> Mapping[str, int]:
    """How many rows there are of each state."""
    return dict(Counter(row.state for row in ledger.rows.values()))
