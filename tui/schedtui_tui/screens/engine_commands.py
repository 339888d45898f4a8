"""Pausing and resuming the whole engine."""

from __future__ import annotations

from schedtui_tui.link import explain
from schedtui_tui.screens.base import ConsoleScreen
from schedtui_tui.screens.confirm import confirm

_PAUSING = (
    "No due time of any job is claimed until it is resumed, over restarts too; what is due "
    "meanwhile is skipped. What runs or waits goes on, and jobs can be triggered by hand."
)
_RESUMING = "Jobs fire again from now on; what was due meanwhile is skipped."


class EngineCommands(ConsoleScreen[None]):
    """A screen from which the whole engine is paused."""

    def action_halt(self) -> None:
        """Pause the whole engine, or resume it, after asking."""
        engine, client = self.console.connection.engine, self.client()
        if engine is None or client is None:
            return
        resume = engine.paused

        async def work() -> None:
            try:
                await (client.resume_engine() if resume else client.pause_engine())
            except Exception as error:  # noqa: BLE001 - shown, whatever it is
                verb = "resumed" if resume else "paused"
                self.toast(f"The engine was not {verb}: {explain(error)}", severity="error")
                return
            self.toast("The engine is resumed" if resume else "The engine is paused; P resumes it")

        def answered(answer: str | None) -> None:
            if answer == "do":
                self.app.run_worker(work(), group="commands", exit_on_error=False)

        verb, text = ("Resume", _RESUMING) if resume else ("Pause", _PAUSING)
        self.app.push_screen(confirm(f"{verb} the whole engine?", [(text, "")], do=verb), answered)
