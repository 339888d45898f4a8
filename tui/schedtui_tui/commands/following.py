"""A run followed to its end, over an engine that stops, starts again, or hands over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from schedtui.errors import EngineStoppedError, UnreachableError
from schedtui_tui.exits import note

if TYPE_CHECKING:
    from schedtui.models import LogPage, Run
    from schedtui.protocols import EngineClient

T = TypeVar("T")

PATIENCE_S = 15.0
"""How long an engine is looked for that has gone: a takeover takes two seconds, and a restart the
grace of what runs besides."""
_PAUSE_S = 0.2


class Following:
    """The lines and the end of a run that may outlive the connection.

    Args:
        client: Where the run is.
        run: As it was known last.
    """

    def __init__(self, client: EngineClient, run: Run) -> None:
        self._client = client
        self._run = run
        self._until: float | None = None

    async def lines(self, *, after: int = 0) -> AsyncGenerator[LogPage]:
        """What it writes from now on, each line once.

        Raises:
            UnreachableError: its engine has gone and did not come back in time.
        """
        while True:
            try:
                async for page in self._client.follow(self._run.id, after=after):
                    self._until = None
                    after = page.lines[-1].seq if page.lines else after
                    yield page
            except (UnreachableError, EngineStoppedError) as error:
                await self._wait(error)
            else:
                return

    async def end(self) -> Run:
        """The run as it is now; to be asked for when there are no more lines.

        Raises:
            UnreachableError: its engine has gone and did not come back in time.
        """
        return await self._ask(lambda: self._client.run(self._run.id))

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await call()
            except (UnreachableError, EngineStoppedError) as error:
                await self._wait(error)

    async def _wait(self, error: Exception) -> None:
        run = self._run
        if self._until is None:
            self._until = monotonic() + PATIENCE_S
            note(f"the connection to the engine of run {run.id} is gone; looking for it again")
        elif monotonic() >= self._until:
            raise UnreachableError(
                f"run {run.id} of {run.job} was started, and its end was not seen: its engine, "
                f"{self._client.address}, did not come back within {PATIENCE_S:g} s. The run may "
                "go on, or have ended; where an engine runs there again, "
                f"`schedtui logs -f {run.id}` tells what became of it"
            ) from error
        await asyncio.sleep(_PAUSE_S)
