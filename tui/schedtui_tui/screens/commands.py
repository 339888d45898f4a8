"""Trigger, pause, resume and delete: the same on the list of jobs and on one job's screen."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from schedtui.errors import ConflictError, NotFoundError
from schedtui.models import JobState, JobSummary, RunState
from schedtui_tui.backfill_text import outcome
from schedtui_tui.link import explain
from schedtui_tui.screens.backfill import BackfillDialog, Range
from schedtui_tui.screens.base import ConsoleScreen
from schedtui_tui.screens.confirm import confirm
from schedtui_tui.text import clean, cut
from schedtui_tui.widgets.pieces import Pieces

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient

_SETTLE_S = 0.3
_NAMES_SHOWN = 12
_Command = Callable[["EngineClient", JobSummary], Awaitable[str]]


class Refused(Exception):  # noqa: N818 - not an error: the engine did as it should
    """The engine did not do it, and said why."""


class JobCommands(ConsoleScreen[None]):
    """A screen with jobs to act on. The jobs are taken when the key is pressed, by id."""

    moved_at = float("-inf")
    """Monotonic seconds when rows last moved by themselves."""

    def targets(self) -> list[JobSummary]:
        """The jobs to act on."""
        raise NotImplementedError

    def just_moved(self, doing: str) -> bool:
        """Whether rows moved under the cursor a moment ago; says so, and that nothing was done."""
        if time.monotonic() - self.moved_at >= _SETTLE_S:
            return False
        self.toast(f"The rows just moved: look again before you {doing}", severity="warning")
        return True

    def awaits(self) -> bool:
        """Whether the cursor is about to go elsewhere; says so, and that nothing was done."""
        return False

    def acted(self) -> None:
        """Commands were given to the targets."""

    def _ready(self) -> tuple[EngineClient, list[JobSummary]] | None:
        client, targets = self.client(), self.targets()
        if client is None or self.awaits():
            return None
        if not targets:
            self.toast("No job is chosen", severity="warning")
            return None
        return client, targets

    # --- actions

    def action_trigger(self) -> None:
        """Run the targets now."""
        ready = self._ready()
        if ready is None:
            return
        client, rows = ready
        if len(rows) == 1:
            self._start(client, rows, _trigger, "triggered")
        else:
            self._ask("Trigger", client, rows, _trigger, "triggered")

    def action_pause(self) -> None:
        """Pause the targets; resume them where all are paused already."""
        ready = self._ready()
        if ready is None:
            return
        client, rows = ready
        resume = all(row.state is JobState.PAUSED for row in rows)
        command, done = (_resume, "resumed") if resume else (_pause, "paused")
        if len(rows) == 1:
            self._start(client, rows, command, done)
        else:
            self._ask("Resume" if resume else "Pause", client, rows, command, done)

    def action_backfill(self) -> None:
        """Run one target for due times of the past, after asking for which."""
        ready = self._ready()
        if ready is None:
            return
        client, rows = ready
        if len(rows) > 1:
            self.toast("A backfill is for one job: clear the marks first", severity="warning")
            return

        def answered(range_: Range | None) -> None:
            if range_ is not None:
                command = partial(_backfill, range_=range_)
                self._start(client, rows, command, "backfilled")

        self.app.push_screen(BackfillDialog(client, rows[0]), answered)

    def action_delete(self) -> None:
        """Delete the targets, after asking."""
        if self.just_moved("delete"):
            return
        ready = self._ready()
        if ready is None:
            return
        client, rows = ready
        fixed = [row for row in rows if row.static and row.state is not JobState.ORPHANED]
        if fixed:
            self.toast(
                f"{clean(fixed[0].full_name)} is declared in code and cannot be deleted here; "
                "remove it from the code, or pause it",
                severity="warning",
            )
            return
        self._ask("Delete", client, rows, _delete, "deleted")

    # --- how

    def _ask(
        self,
        verb: str,
        client: EngineClient,
        rows: Sequence[JobSummary],
        command: _Command,
        done: str,
    ) -> None:
        def answered(answer: str | None) -> None:
            if answer == "do":
                self._start(client, rows, command, done)

        question = f"{verb} {rows[0].full_name if len(rows) == 1 else f'{len(rows)} jobs'}?"
        self.app.push_screen(confirm(question, _about(verb, rows), do=verb), answered)

    def _start(
        self, client: EngineClient, rows: Sequence[JobSummary], command: _Command, done: str
    ) -> None:
        """Give the command in a worker of the app: leaving the screen must not cancel it."""
        self.acted()
        work = self._give(client, list(rows), command, done)
        self.app.run_worker(work, group="commands", exit_on_error=False)

    async def _give(
        self, client: EngineClient, rows: list[JobSummary], command: _Command, done: str
    ) -> None:
        said, problems = [], []
        for row in rows:
            try:
                said.append(await command(client, row))
            except Refused as refused:
                problems.append(_problem(row, str(refused)))
            except (NotFoundError, ConflictError) as error:
                problems.append(self._renamed(row, done) or _problem(row, explain(error)))
            except Exception as error:  # noqa: BLE001 - shown, whatever it is
                problems.append(_problem(row, explain(error)))
        if len(said) == 1:
            self.toast(said[0])
        elif said:
            self.toast(f"{len(said)} jobs {done}")
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            self.toast(problems[0] + more, severity="error")

    def _renamed(self, row: JobSummary, done: str) -> str:
        """What to say where the job has another name now; empty where it has not."""
        now = self.console.jobs.rows.get(row.id)
        if now is None or now.full_name == row.full_name:
            return ""
        return f"{row.full_name} was renamed to {now.full_name}; nothing was {done}"


_BECAME = {
    RunState.QUEUED: "is queued",
    RunState.RUNNING: "started",
    RunState.SUCCEEDED: "succeeded",
    RunState.FAILED: "failed",
    RunState.TIMED_OUT: "timed out",
    RunState.CANCELLED: "was cancelled",
    RunState.SKIPPED: "was skipped",
    RunState.MISSED: "was missed",
    RunState.LOST: "was lost",
}


def _about(verb: str, rows: Sequence[JobSummary]) -> Pieces:
    pieces: Pieces = []
    if len(rows) > 1:
        pieces += [(f"{cut(row.full_name, 60)}\n", "") for row in rows[:_NAMES_SHOWN]]
        if len(rows) > _NAMES_SHOWN:
            pieces.append((f"… and {len(rows) - _NAMES_SHOWN} more\n", ""))
    if verb == "Delete":
        text = "Queued runs are cancelled, running ones finish, history stays."
        pieces.append((text, "dim"))
    return pieces


def _problem(row: JobSummary, text: str) -> str:
    return text if row.full_name in text else f"{row.full_name}: {text}"


async def _trigger(client: EngineClient, row: JobSummary) -> str:
    run = await client.trigger_job(row.full_name, expect_id=row.id)
    if run.state in (RunState.SKIPPED, RunState.CANCELLED):
        raise Refused(f"run {run.id} was {run.state.value}: {run.reason}")
    return f"Triggered {row.full_name}: run {run.id} {_BECAME[run.state]}"


async def _pause(client: EngineClient, row: JobSummary) -> str:
    await client.pause_job(row.full_name, expect_id=row.id)
    return f"Paused {row.full_name}; p resumes it"


async def _resume(client: EngineClient, row: JobSummary) -> str:
    await client.resume_job(row.full_name, expect_id=row.id)
    return f"Resumed {row.full_name}"


async def _backfill(client: EngineClient, row: JobSummary, *, range_: Range) -> str:
    answer = await client.backfill_job(row.full_name, *range_, expect_id=row.id)
    return f"Backfill of {row.full_name}: {outcome(answer)}"


async def _delete(client: EngineClient, row: JobSummary) -> str:
    await client.delete_job(row.full_name, expect_id=row.id)
    return f"Deleted {row.full_name}"
