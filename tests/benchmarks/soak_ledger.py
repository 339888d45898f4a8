"""What a soak's file says in the end, held against what ran, the audit trail and the triggers."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from engine_faults import EDGES
from engine_kit import unaccounted
from kill_ledger import Findings

from schedtui.clock import from_us, to_us
from schedtui.models import Run, RunFilter, RunState, Source
from schedtui.store import open_store
from schedtui.triggers import Trigger, parse_trigger

SLACK_US = 45 * 1_000_000
"""How exactly it is known when an edit or a step was followed: the store may have been away."""
FOLLOW_US = 3 * 3_600 * 1_000_000
FIRST = (RunState.QUEUED, RunState.RUNNING, RunState.SKIPPED, RunState.MISSED)
"""The states in which a run may begin."""
EVERYTHING = 10_000_000
IDLE = (RunState.SKIPPED, RunState.MISSED)


def watch_moves(store: Path) -> None:
    """Let the file itself note every illegal move of a run, whoever writes it."""
    legal = " OR ".join(
        f"(OLD.state = '{old}' AND NEW.state = '{new}')"
        for old, news in EDGES.items()
        for new in sorted(news)
    )
    first = ", ".join(f"'{state}'" for state in FIRST)
    told = "INSERT INTO soak_moves VALUES"
    with closing(sqlite3.connect(store, timeout=10)) as connection:
        connection.executescript(f"""
            CREATE TABLE soak_moves (run_id, told);
            CREATE TRIGGER soak_update AFTER UPDATE OF state ON runs
            WHEN OLD.state <> NEW.state AND NOT ({legal})
            BEGIN {told} (NEW.id, OLD.state || ' to ' || NEW.state); END;
            CREATE TRIGGER soak_insert AFTER INSERT ON runs WHEN NEW.state NOT IN ({first})
            BEGIN {told} (NEW.id, 'new, and ' || NEW.state); END;
            CREATE TRIGGER soak_delete AFTER DELETE ON runs
            BEGIN {told} (OLD.id, 'gone'); END;
        """)


class Step(NamedTuple):
    """The wall clock was stepped."""

    epoch: int
    at_us: int
    """Wall time after it."""
    step_us: int


class Edit(NamedTuple):
    """A job got another trigger, or its first one."""

    epoch: int
    version: int
    at_us: int
    trigger: Trigger


@dataclass
class Past:
    """What the audit trail says of one job."""

    name: str
    edits: list[Edit] = field(default_factory=list)
    version: int = 0
    deleted_us: int | None = None
    epoch: int = 0
    """The newest one that it has lived in, once it is deleted."""
    definition: dict[str, Any] = field(default_factory=dict)
    most: dict[int, int] = field(default_factory=dict)
    """Its ``max_runs`` at the end of each clock epoch in which it was changed."""


class Living(NamedTuple):
    """Where a job stands that was not deleted."""

    created_us: int
    next_due_us: int | None
    paused: bool
    version: int
    finished: bool
    """As many of its due times have run as are to."""


class Judge:
    """Holds a store that nobody has open against what ran.

    Args:
        store: The database.
        executions: What the functions wrote.
        ended_us: The engine's wall time when it was stopped in order.
    """

    def __init__(self, store: Path, executions: Path, ended_us: int) -> None:
        self.findings = Findings()
        self.states: Counter[str] = Counter()
        self.executed = 0
        self.due = 0
        """Due times that have a row."""
        self._ended_us = ended_us
        self._pasts: dict[int, Past] = {}
        self._steps: list[Step] = []
        self._living: dict[int, Living] = {}
        with closing(sqlite3.connect(store)) as connection:
            self._read(connection)
            self._check_executions(connection, executions)
        opened = open_store(f"sqlite:///{store}")
        opened.open(None)
        try:
            for job_id, past in self._pasts.items():
                where = RunFilter(job_id=job_id)
                runs = opened.runs(where, limit=EVERYTHING, before=None)
                self._check_job(job_id, past, runs)
        finally:
            opened.close()

    def _read(self, connection: sqlite3.Connection) -> None:
        other = self.findings.other
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            other.append("the file is damaged")
        other += [
            f"run {run_id}: {told}"
            for run_id, told in connection.execute("SELECT * FROM soak_moves")
        ]
        self.states.update(
            dict(connection.execute("SELECT state, count(*) FROM runs GROUP BY state").fetchall())
        )
        if self.states["running"]:
            other.append(f"{self.states['running']} runs are running, and nobody runs them")
        for row in connection.execute(
            "SELECT id, created_at, next_due, paused, version, fired, policies"
            " FROM jobs JOIN job_due ON id = job_id"
        ):
            most = json.loads(row[6]).get("max_runs") or 0
            finished = 0 < most <= row[5]
            self._living[row[0]] = Living(row[1], row[2], bool(row[3]), row[4], finished)
        trail = "SELECT at, action, object, detail, subject FROM audit ORDER BY id"
        for at_us, action, name, detail, subject in connection.execute(trail):
            self._follow(at_us, action, name, detail, subject)

    def _follow(self, at_us: int, action: str, name: str, detail: str, subject: int | None) -> None:
        said = json.loads(detail)
        epoch = self._steps[-1].epoch if self._steps else 0
        if action == "engine.clock":
            self._steps.append(Step(said["epoch"], at_us, said["step_us"]))
        elif subject and action == "job.delete":
            self._pasts[subject].deleted_us = at_us
            self._pasts[subject].epoch = epoch
        elif subject:
            past = self._pasts.setdefault(subject, Past(name))
            past.version += 1
            past.definition |= said["after"]
            past.most[epoch] = (past.definition.get("policies") or {}).get("max_runs") or 0
            if said["after"].keys() & {"trigger", "timezone"}:
                trigger = parse_trigger(past.definition["trigger"], past.definition["timezone"], 0)
                past.edits.append(Edit(epoch, past.version, at_us, trigger))

    def _check_executions(self, connection: sqlite3.Connection, executions: Path) -> None:
        found = self.findings
        text = executions.read_text(encoding="utf-8")
        ran = Counter(tuple(map(int, line.split())) for line in text.splitlines())
        self.executed = ran.total()
        rows = {
            row[0]: row[1:] for row in connection.execute("SELECT id, attempt, state FROM runs")
        }
        for (run_id, attempt), times in ran.items():
            row = rows.get(run_id)
            if row is None or not 1 <= attempt <= row[0]:
                found.without_row.append(f"attempt {attempt} of run {run_id}: {row}")
            if times > 1:
                found.twice.append(f"attempt {attempt} of run {run_id}, {times} times")
        for run_id, (attempt, state) in rows.items():
            if state == "succeeded" and (run_id, attempt) not in ran:
                found.other.append(f"run {run_id} succeeded and has not left its line")

    def _check_job(self, job_id: int, past: Past, runs: Iterable[Run]) -> None:
        due = [
            run
            for run in runs
            if run.scheduled_for is not None and run.source in (Source.SCHEDULE, Source.CATCHUP)
        ]
        self.due += sum(run.range_count or 1 for run in due)
        found = Walk(self._steps, past).walk(due)
        living = self._living.get(job_id)
        if living is not None and living.version != past.version:
            self.findings.other.append(f"{past.name}: the audit trail lacks a change")
        if living is None and past.deleted_us is None:
            self.findings.other.append(f"{past.name} is gone, and nobody deleted it")
        idle = living is None or living.paused or living.finished or living.next_due_us is None
        if not idle:
            found.until(self._ended_us)
        elif past.deleted_us is not None:
            found.until(past.deleted_us)
        self.findings.unaccounted += [f"{past.name}: {text}" for text in found.missing]
        self.findings.doubled += [f"{past.name}: {text}" for text in found.doubled]


class Walk:
    """The due times of one job in the order in which they were decided.

    They are accounted for up to some moment between ``low`` and ``high``; the two differ where it
    is not known to the microsecond when an edit or a step was followed.
    """

    def __init__(self, steps: list[Step], past: Past) -> None:
        gone = past.deleted_us is not None
        self._steps = [step for step in steps if not gone or step.epoch <= past.epoch]
        self._edits = past.edits
        self._most = past.most
        self._ran = 0
        self._decided = False
        first = past.edits[0]
        self._trigger = first.trigger
        self._low_us, self._high_us = first.at_us - SLACK_US, first.at_us
        self.missing: list[str] = []
        self.doubled: list[str] = []

    def walk(self, due: list[Run]) -> Walk:
        """Follow the steps of the clock, the edits and the rows, each in its turn."""
        versions = [edit.version for edit in self._edits]
        whole: list[tuple[tuple[int, int, int], Step | Edit | list[Run]]] = []
        whole += [((step.epoch, 0, 0), step) for step in self._steps]
        whole += [
            ((edit.epoch, number, 1), edit) for number, edit in enumerate(self._edits) if number
        ]

        def place(run: Run) -> tuple[int, int]:
            past = sum(version <= run.job_version for version in versions) - 1
            return run.clock_epoch, past

        ordered = sorted(due, key=lambda run: (*place(run), run.scheduled_for))
        whole += [((*key, 2), list(rows)) for key, rows in groupby(ordered, key=place)]
        for _, one in sorted(whole, key=lambda pair: pair[0]):
            if isinstance(one, Step):
                self._step(one)
            elif isinstance(one, Edit):
                self._edit(one)
            else:
                self._rows(one)
        return self

    def until(self, at_us: int) -> None:
        """All that was due until shortly before a moment has its row."""
        self._gap(at_us - SLACK_US)

    def _step(self, step: Step) -> None:
        if step.at_us < self._edits[0].at_us and step.epoch <= self._edits[0].epoch:
            return  # there was no such job yet
        most = next((self._most[e] for e in sorted(self._most)[::-1] if e < step.epoch), 0)
        if 0 < most <= self._ran:
            return  # a job that is finished owes nothing for a stretch that is repeated
        if step.step_us < 0 and (not self._trigger.fixed or -step.step_us > FOLLOW_US):
            # Its line may be later than it: another step was followed, or the store was away.
            self._low_us = min(self._low_us, step.at_us - SLACK_US)
            self._high_us = min(self._high_us, step.at_us + SLACK_US)

    def _edit(self, edit: Edit) -> None:
        self._gap(edit.at_us - SLACK_US)
        if not self._decided:  # the clock may have been set back to before its creation
            self._low_us = self._high_us = edit.at_us - SLACK_US
        self._low_us = max(self._low_us, edit.at_us - SLACK_US)
        self._high_us = max(self._high_us, edit.at_us)
        self._trigger = edit.trigger

    def _rows(self, rows: list[Run]) -> None:
        first, last = rows[0], rows[-1]
        self._ran += sum(run.state not in IDLE for run in rows)
        assert first.scheduled_for is not None
        assert last.scheduled_for is not None
        first_us = to_us(first.range_from or first.scheduled_for)
        if first_us <= self._low_us:
            self.doubled.append(f"run {first.id} at {first.scheduled_for} comes once more")
        self._gap(first_us - 1)
        wrong = unaccounted(rows, self._trigger, from_us(first_us - 1), last.scheduled_for)
        if wrong:
            self.missing.append(wrong)
        self._low_us = self._high_us = to_us(last.scheduled_for)
        self._decided = True

    def _gap(self, until_us: int) -> None:
        if until_us <= self._high_us:
            return
        number = self._trigger.count(self._high_us, until_us)
        if number:
            between = f"{from_us(self._high_us):%FT%T.%f} and {from_us(until_us):%FT%T.%f}"
            self.missing.append(f"{number} due times between {between} have no row")


def table(rows: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Lines of a table of two columns."""
    for name, value in rows:
        yield f"| {name} | {value} |"
