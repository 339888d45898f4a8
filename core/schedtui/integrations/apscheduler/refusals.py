"""What cannot be asked of an application whose jobs APScheduler keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schedtui.engine.backfill.backfill import Wanted
from schedtui.engine.jobs.keys import Asked, Made
from schedtui.engine.revisions import Revisions
from schedtui.engine.runs.wanted import Wanted as WantedLetters
from schedtui.errors import RefusedError
from schedtui.integrations.apscheduler.export import file_of
from schedtui.integrations.apscheduler.mirror import MirroredJob
from schedtui.models import Applied, Backfill, JobsText, Letters, Plan, Run


def refused(what: str, instead: str) -> RefusedError:
    """Why something is not done, and what to do instead."""
    return RefusedError(
        f"APScheduler keeps these jobs and schedtui only watches and steers it: {what}; {instead}"
    )


class NoRevisions(Revisions):
    """Files of jobs, which can be written and not applied there."""

    async def export(self) -> JobsText:
        """The jobs as they would be without APScheduler, where that can be said."""
        core = self._core
        jobs = [
            (live.current(), live.seen)
            for live in core.jobs
            if isinstance(live, MirroredJob) and live.seen is not None
        ]
        text, left_out = await core.off_loop(file_of, jobs)
        return JobsText(text=text, left_out=left_out)

    async def plan(self, source: str | int) -> Plan:  # noqa: ARG002 - refused
        """Refused: what it says could not be applied."""
        raise refused("a file of jobs cannot be applied here", "plan it where it shall be applied")

    async def apply(self, text: str, note: str, actor: str, *, plan: str | None = None) -> Applied:  # noqa: ARG002 - refused
        """Refused: it would not be one transaction."""
        raise refused("a file of jobs cannot be applied at once", "edit the jobs one by one")

    async def rollback(
        self,
        number: int,
        note: str,  # noqa: ARG002 - refused
        actor: str,  # noqa: ARG002 - refused
        *,
        plan: str | None = None,  # noqa: ARG002 - refused
    ) -> Applied:
        """Refused: there are no revisions."""
        raise refused(f"there is no revision {number}", "edit the jobs one by one")


class RefusedRuns:
    """What cannot be done there about runs that are over, or due times that have passed."""

    async def rerun(self, run: Run, actor: str, *, key: str | None = None) -> Made:  # noqa: ARG002 - refused
        """Refused: the arguments of a run are not known whole."""
        raise refused(
            "the arguments of a run that is over are known in part only", f"trigger {run.job}"
        )

    async def replay(self, wanted: WantedLetters, actor: str, call: Asked | None) -> Letters:  # noqa: ARG002 - refused
        """Refused, as a rerun is."""
        raise refused(
            "the arguments of a run that is over are known in part only", "trigger its job"
        )

    async def cancel_retries(
        self,
        name: str,  # noqa: ARG002 - refused
        reason: str,  # noqa: ARG002 - refused
        actor: str,  # noqa: ARG002 - refused
        *,
        expect_id: int | None,  # noqa: ARG002 - refused
    ) -> int:
        """Refused: there are none."""
        raise refused("a run there has one attempt", "do nothing")

    async def backfill(
        self,
        name: str,
        wanted: Wanted,  # noqa: ARG002 - refused
        kwargs: Mapping[str, Any] | None,  # noqa: ARG002 - refused
        actor: str,  # noqa: ARG002 - refused
        *,
        expect_id: int | None,  # noqa: ARG002 - refused
        key: str | None = None,  # noqa: ARG002 - refused
    ) -> Backfill:
        """Refused: a function there is not told its due time."""
        raise refused("a run there cannot be made for a due time of the past", f"trigger {name}")

    async def cancel_backfill(
        self,
        name: str,  # noqa: ARG002 - refused
        reason: str,  # noqa: ARG002 - refused
        actor: str,  # noqa: ARG002 - refused
        *,
        expect_id: int | None,  # noqa: ARG002 - refused
    ) -> int:
        """Refused: there are none."""
        raise refused("there are no backfills", "do nothing")
