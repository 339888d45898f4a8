"""What people and programs rarely do to a job."""

from __future__ import annotations

from schedtui.engine.control.part import ControlPart
from schedtui.engine.elsewhere import passed_on
from schedtui.engine.sync import PYTHON


class UpkeepControl(ControlPart):
    """The part of `Engine` behind `schedtui.protocols.upkeep.Upkeep`."""

    @passed_on()
    async def cancel_retries(
        self, job: str, *, reason: str = "", expect_id: int | None = None, actor: str = PYTHON
    ) -> int:
        """End the runs of a job that wait for a retry; see `EngineClient.cancel_retries`."""
        return await self.on_loop(
            lambda: self._live().commands.cancel_retries(job, reason, actor, expect_id=expect_id)
        )

    @passed_on()
    async def clear_statistics(
        self, job: str, *, expect_id: int | None = None, actor: str = PYTHON
    ) -> None:
        """Begin a job's statistics anew; see `EngineClient.clear_statistics`."""
        await self.on_loop(
            lambda: self._live().commands.clear_statistics(job, actor, expect_id=expect_id)
        )
