"""What cannot be asked of an application whose jobs APScheduler keeps."""

from __future__ import annotations

from schedtui.engine.revisions import Revisions
from schedtui.errors import RefusedError
from schedtui.integrations.apscheduler.export import file_of
from schedtui.integrations.apscheduler.mirror import MirroredJob
from schedtui.models import Applied, JobsText, Plan


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
