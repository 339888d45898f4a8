"""Asks for which due times of the past a job is to run, and counts them while one types."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from schedtui_tui.backfill_text import due_lines, outcome
from schedtui_tui.link import explain
from schedtui_tui.text import cut
from schedtui_tui.widgets.pieces import Pieces, content
from schedtui_tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from schedtui.models import Backfill, JobSummary
    from schedtui.protocols import EngineClient

_COUNT_AFTER_S = 0.25
_HINT = "2026-12-24, 2026-12-24 18:00, yesterday, mon 9:00, 3d ago"


class Range(NamedTuple):
    """What was typed; the engine reads it in the job's zone."""

    start: str
    end: str | None


class BackfillDialog(ModalScreen[Range | None]):
    """From, to, and how many runs that makes. Returns the range; None for Esc."""

    BINDINGS = [("escape", "leave", "Back")]  # noqa: RUF012 - as Textual wants it
    AUTO_FOCUS = "#backfill-from"

    def __init__(self, client: EngineClient, row: JobSummary) -> None:
        super().__init__()
        self._client = client
        self._row = row
        self._timer: Timer | None = None
        self._counted: Range | None = None
        """The range whose count stands there, where it has something to run."""

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="dialog"):
            title = f"Backfill {self._row.full_name}"
            yield Static(content([(cut(title, 200), "bold")]), id="question")
            with Horizontal(classes="backfill-row"):
                yield Static("from", classes="label")
                yield TextInput(placeholder=_HINT, id="backfill-from")
            with Horizontal(classes="backfill-row"):
                yield Static("to", classes="label")
                yield TextInput(placeholder="now", id="backfill-to")
            yield Static(id="backfill-count")
            with Horizontal(id="answers"):
                yield Button("Cancel (Esc)", id="backfill-cancel", compact=True)
                yield Button("Backfill (Enter)", id="backfill-do", variant="error", compact=True)

    def on_mount(self) -> None:
        """Nothing is typed yet."""
        zone = f"Times are by the clock of {cut(self._row.timezone, 40)}."
        self._say([(zone, "dim")])

    def _say(self, pieces: Pieces) -> None:
        self.query_one("#backfill-count", Static).update(content(pieces))

    def _typed(self) -> Range:
        start = self.query_one("#backfill-from", Input).value.strip()
        return Range(start, self.query_one("#backfill-to", Input).value.strip() or None)

    @on(Input.Changed)
    def _changed(self) -> None:
        if self._counted is not None:
            self._counted = None
            self._say([("Counting …", "dim")])
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_COUNT_AFTER_S, self._count)

    @work(exclusive=True, exit_on_error=False)
    async def _count(self) -> None:
        """Ask the engine how many due times that are."""
        asked = self._typed()
        if not asked.start:
            self.on_mount()
            return
        row = self._row
        try:
            answer = await self._client.backfill_job(
                row.full_name, *asked, dry_run=True, expect_id=row.id
            )
        except Exception as error:  # noqa: BLE001 - shown, whatever it is
            self._say([(cut(explain(error), 300), "$text-error")])
            return
        if asked == self._typed():
            self._counted = asked if answer.queued else None
            self._show(answer)

    def _show(self, answer: Backfill) -> None:
        pieces: Pieces = [(cut(outcome(answer), 300), "bold")]
        pieces += [(f"\n  {cut(line, 60)}", "") for line in due_lines(answer)]
        if answer.queued:
            pieces.append(("\nEnter queues them.", "dim"))
        self._say(pieces)

    @on(Input.Submitted)
    @on(Button.Pressed, "#backfill-do")
    def _submit(self) -> None:
        """Only what has been counted as it stands there is queued."""
        if self._counted is not None:
            self.dismiss(self._counted)
        else:
            self._count()

    @on(Button.Pressed, "#backfill-cancel")
    def action_leave(self) -> None:
        """Nothing is queued."""
        self.dismiss(None)
