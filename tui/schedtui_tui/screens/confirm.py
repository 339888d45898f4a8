"""A question with a few answers, none of which is taken by accident."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from schedtui_tui.text import cut
from schedtui_tui.widgets.pieces import Pieces, content


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer."""

    id: str
    label: str
    """What the button says; ours, never from outside."""
    key: str
    """A letter that gives it."""
    danger: bool = False


class Dialog(ModalScreen[str | None]):
    """Asks, and returns the id of the answer; None for Esc."""

    BINDINGS = [("escape", "leave", "Back")]  # noqa: RUF012 - as Textual wants it
    AUTO_FOCUS = "#answer-0"
    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (52, "-broad")]  # noqa: RUF012 - as Textual wants it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-high")]  # noqa: RUF012 - as Textual wants it

    def __init__(self, question: str, details: Pieces, answers: tuple[Answer, ...]) -> None:
        """Ask.

        Args:
            question: One line; cleaned here.
            details: Cleaned text below it.
            answers: The first one has the focus, so it is the harmless one.
        """
        super().__init__()
        self._question = question
        self._details = details
        self._about = Static(content(details))
        self._answers = answers

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="dialog"):
            yield Static(content([(cut(self._question, 200), "bold")]), id="question")
            if self._details:
                with VerticalScroll(id="details", can_focus=False):
                    yield self._about
            with Horizontal(id="answers"):
                for number, answer in enumerate(self._answers):
                    yield Button(
                        f"{answer.label} ({answer.key})",
                        id=f"answer-{number}",
                        variant="error" if answer.danger else "default",
                        compact=True,
                    )

    def tell(self, details: Pieces) -> None:
        """Say something else below the question: more is known by now."""
        self._about.update(content(details))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """An answer."""
        number = int((event.button.id or "answer-0").removeprefix("answer-"))
        self.dismiss(self._answers[number].id)

    def on_key(self, event: events.Key) -> None:
        """The letter of an answer, or an arrow to the next one."""
        if event.key in ("right", "down"):
            event.stop()  # or the app gives it to the next answer once more, as typed ahead
            self.focus_next()
        elif event.key in ("left", "up"):
            event.stop()
            self.focus_previous()
        else:
            for answer in self._answers:
                if event.key == answer.key:
                    event.stop()
                    self.dismiss(answer.id)

    def action_leave(self) -> None:
        """No answer."""
        self.dismiss(None)


def confirm(question: str, details: Pieces, *, do: str) -> Dialog:
    """A dialog with Cancel, which has the focus, and one dangerous answer with the id ``do``."""
    return Dialog(
        question,
        details,
        (
            Answer(id="cancel", label="Cancel", key="n"),
            Answer(id="do", label=do, key="y", danger=True),
        ),
    )
