"""Ending a run before its time, and running the same once more: on every screen that has runs."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from schedtui.models import RunState
from schedtui_tui.link import explain
from schedtui_tui.screens.base import ConsoleScreen
from schedtui_tui.screens.confirm import Answer, Dialog
from schedtui_tui.screens.dead_letters import Which, ask_about

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


class Chosen(NamedTuple):
    """A run to act on; taken when the key is pressed."""

    id: int
    job: str
    """``group/name``."""


class RunCommands(ConsoleScreen[None]):
    """A screen with a run to act on, by its id."""

    def run_to_cancel(self) -> Chosen | None:
        """The run to end; None, after a word about it, where there is none."""
        return None

    def run_to_repeat(self) -> Chosen | None:
        """The run to run once more; None, after a word about it, where there is none."""
        return None

    def letters(self) -> tuple[Which, str] | None:
        """Of which runs dead letters are meant, and whose they are; None where of none."""
        return None

    def repeated(self, run_id: int) -> None:
        """A run of this id came of it."""

    # --- actions

    def action_cancel(self) -> None:
        """End the run before its time, after asking."""
        run, client = self.run_to_cancel(), self.client()
        if run is None or client is None:
            return

        def answered(answer: str | None) -> None:
            if answer in ("ask", "force"):
                self._work(_cancel(self, client, run, force=answer == "force"))

        dialog = _question(run)
        self.app.push_screen(dialog, answered)
        self._work(_tell_how(dialog, client, run))

    def action_rerun(self) -> None:
        """Run the same once more."""
        run, client = self.run_to_repeat(), self.client()
        if run is not None and client is not None:
            self._work(_rerun(self, client, run))

    def action_letters(self) -> None:
        """Replay or dismiss dead letters, after asking."""
        meant, client = self.letters(), self.client()
        if meant is not None and client is not None:
            self._work(ask_about(self, client, *meant))

    def _work(self, work: Coroutine[Any, Any, None]) -> None:
        """In a worker of the app: leaving the screen must not cancel it."""
        self.app.run_worker(work, group="commands", exit_on_error=False)


_NO_RETRY = " No retry follows."
_HOW = {
    "queued": "It is queued: it never starts.",
    "async": "It is an async function: it is asked, with a CancelledError at its next await.",
    "thread": (
        "It runs in a thread, which can only be asked: it goes on until it looks or returns. Not "
        "to wait for it means that the run counts as cancelled now, while it may still be at work."
    ),
    "process": "It runs in a process: that is asked, and killed a second later.",
}
"""What ending a run means, by where it is."""
_ANY = (
    "A queued run never starts. An async function is cancelled where it awaits, a process is "
    "killed. A plain function in its thread goes on until it returns; not to wait for it means "
    "that the run counts as cancelled now, while it may still be at work."
)
"""The same of a run of which that is not known."""


async def _tell_how(dialog: Dialog, client: EngineClient, run: Chosen) -> None:
    """Have the question say what ending this very run means, once the engine has told."""
    with suppress(Exception):  # it says what holds for any run until then
        now = await client.run(run.id)
        where = "queued"
        if now.state is not RunState.QUEUED:
            group = now.function.partition("/")[0]
            functions = {one.full_name: one for one in await client.functions(group)}
            where = functions[now.function].executor
        dialog.tell([(_HOW[where] + _NO_RETRY, "")])


def _question(run: Chosen) -> Dialog:
    return Dialog(
        f"End run {run.id} of {run.job}?",
        [(_ANY + _NO_RETRY, "")],
        (
            Answer(id="leave", label="Let it run", key="n"),
            Answer(id="ask", label="End it", key="y", danger=True),
            Answer(id="force", label="Do not wait", key="f", danger=True),
        ),
    )


async def _cancel(
    screen: ConsoleScreen[None], client: EngineClient, run: Chosen, *, force: bool
) -> None:
    try:
        now = await client.cancel_run(run.id, force=force)
    except Exception as error:  # noqa: BLE001 - shown, whatever it is
        screen.toast(f"Run {run.id} was not cancelled: {explain(error)}", severity="error")
        return
    done = now.state is RunState.CANCELLED
    screen.toast(f"Run {run.id} {'is cancelled' if done else 'was asked to end'}")


async def _rerun(screen: RunCommands, client: EngineClient, run: Chosen) -> None:
    try:
        again = await client.rerun(run.id)
    except Exception as error:  # noqa: BLE001 - shown, whatever it is
        screen.toast(f"Run {run.id} was not run again: {explain(error)}", severity="error")
        return
    if again.state is RunState.SKIPPED:
        screen.toast(f"Run {again.id} was skipped: {again.reason}", severity="error")
        return
    screen.toast(f"Run {again.id} of {again.job} is run {run.id} once more")
    if screen.is_current:
        screen.repeated(again.id)
