"""What an engine promises whoever measures it and its runs."""

from __future__ import annotations

from typing import Protocol

from schedtui.models import RunFilter, Statistics, Stats, StatsBy


class Measures(Protocol):
    """A part of `EngineClient`; see there for what holds for every method."""

    async def metrics(self) -> str:
        """The engine in numbers, in the text format of Prometheus."""

    async def statistics(self, job: str, *, limit: int = 500) -> Statistics:
        """How long the newest runs of a job took that succeeded, since that was cleared.

        Args:
            job: ``group/name``.
            limit: Of so many runs.

        Raises:
            JobNotFoundError
            InvalidError: ``limit`` is not 1 to 1,000.
        """

    async def stats(self, where: RunFilter | None = None, *, by: StatsBy = StatsBy.JOB) -> Stats:
        """Counts and times of the runs of a while, by job or by function.

        Counted in the store; of a while with more than `MAX_SEEN` runs the newest that many.

        Args:
            where: Which runs; without ``since`` those of the last 24 hours. A group has also the
                runs of its functions without a job.
            by: What the numbers are of.

        Raises:
            JobNotFoundError: no job ever had the name that is asked for.
        """

    async def clear_statistics(self, job: str, *, expect_id: int | None = None) -> None:
        """Let only the runs count from now on. The history keeps the others.

        Raises:
            JobNotFoundError, ConflictError
        """
