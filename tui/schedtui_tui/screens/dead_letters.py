"""What is to be done about runs that failed: asked, and told to the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schedtui.models import RunFilter
from schedtui_tui.link import explain
from schedtui_tui.screens.confirm import Answer, Dialog

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient
    from schedtui_tui.screens.base import ConsoleScreen

Which = Sequence[int] | RunFilter

_MEANING = (
    "To replay them queues each once more, with its arguments, behind everything else; to dismiss "
    "them says that nothing more is to be done."
)


async def ask_about(
    screen: ConsoleScreen[None], client: EngineClient, which: Which, of: str
) -> None:
    """Count the dead letters that are meant, ask what to do about them, and do that.

    Args:
        screen: Where it is asked.
        client: The engine.
        which: Which runs.
        of: Whose: a job's name, or a run's.
    """
    try:
        # Of all that are: what cannot be replayed may well be dismissed.
        found = await client.dismiss_runs(which, dry_run=True)
    except Exception as error:  # noqa: BLE001 - shown, whatever it is
        screen.toast(f"Dead letters cannot be read: {explain(error)}", severity="error")
        return
    meant = [one.run for one in found.letters if one.done]
    problem = next((one.problem for one in found.letters if not one.done), "")
    if not meant:
        screen.toast(f"No dead letter of {of}{f': {problem}' if problem else ''}")
        return
    noun = "dead letter" if len(meant) == 1 else "dead letters"
    more = f", the oldest of {found.found:,}" if found.left else ""
    dialog = Dialog(
        f"{len(meant):,} {noun} of {of}{more}",
        [(_MEANING, "")],
        (
            Answer(id="leave", label="Leave", key="n"),
            Answer(id="replay", label="Replay", key="y", danger=True),
            Answer(id="dismiss", label="Dismiss", key="d", danger=True),
        ),
    )

    def answered(answer: str | None) -> None:
        if answer in ("replay", "dismiss"):
            work = _do(screen, client, meant, answer)
            screen.app.run_worker(work, group="commands", exit_on_error=False)

    screen.app.push_screen(dialog, answered)


async def _do(
    screen: ConsoleScreen[None], client: EngineClient, which: Sequence[int], answer: str
) -> None:
    """To those that stood in the question: more may have failed since."""
    try:
        if answer == "replay":
            told = await client.replay_runs(which)
        else:
            told = await client.dismiss_runs(which)
    except Exception as error:  # noqa: BLE001 - shown, whatever it is
        screen.toast(f"Nothing was done: {explain(error)}", severity="error")
        return
    refused = next((one.problem for one in told.letters if not one.done), "")
    done = {"replay": "replayed", "dismiss": "dismissed"}[answer]
    screen.toast(f"{told.done:,} {done}{f'; not all: {refused}' if refused else ''}")
