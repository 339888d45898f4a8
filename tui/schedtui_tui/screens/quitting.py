"""What becomes of the engine when the console closes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from schedtui_tui.screens.confirm import Answer, Dialog
from schedtui_tui.text import clean


class QuitChoice(StrEnum):
    """How the console was left."""

    STOP = "stop"
    """Stop the embedded engine."""
    DETACH = "detach"
    """Keep the embedded engine running in the background."""
    LEFT = "left"
    """There is no engine of ours to decide about."""
    FAILED = "failed"
    """There was no connection, or the engine died; ``Console.failure`` says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedded:
    """The engine that lives in this process, as far as leaving it goes."""

    demo: bool
    """Quit at once: nothing of it is worth keeping."""
    can_detach: bool
    """Whether it can go on in the background."""
    active_runs: Callable[[], int]
    """How many runs a stop would wait for, of jobs and of functions."""


def quit_dialog(active: int, title: str, *, can_detach: bool) -> Dialog:
    """Asks whether to keep the engine running, to stop it, or to stay."""
    answers = [Answer(id="stay", label="Stay", key="n")]
    if can_detach:
        answers.append(Answer(id=QuitChoice.DETACH, label="Keep running", key="b"))
    answers.append(Answer(id=QuitChoice.STOP, label="Stop it", key="s", danger=True))
    details = "No run is active right now."
    if active:
        runs, them = ("1 run is", "it") if active == 1 else (f"{active} runs are", "them")
        details = f"{runs} active right now; stopping gives {them} a moment to end."
    text = f"The engine of {clean(title)} lives in this console. {details}"
    if can_detach:
        text += "\nIt can go on in the background; the same command shows it again."
    return Dialog("Quit?", [(text, "")], tuple(answers))
