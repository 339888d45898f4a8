"""What people and programs do to the statistics of a job."""

from __future__ import annotations

from schedtui.engine.control.part import ControlPart
from schedtui.engine.elsewhere import passed_on
from schedtui.engine.sync import PYTHON


class StatisticsControl(ControlPart):
    """The part of `Engine` behind `schedtui.protocols.measures.Measures`."""

    @passed_on()
    async def clear_statistics(
        self, job: str, *, expect_id: int | None = None, actor: str = PYTHON
    ) -> None:
        """Begin a job's statistics anew; see `EngineClient.clear_statistics`."""
        await self.on_loop(
            lambda: self._live().commands.clear_statistics(job, actor, expect_id=expect_id)
        )
