"""Which runs are meant, in the store in memory."""

from __future__ import annotations

from collections.abc import Callable

from schedtui.clock import to_us
from schedtui.models import RunFilter
from schedtui.protocols import NewRun
from schedtui.store.memory_data import Data
from schedtui.store.memory_dead import is_dead


def run_filter(where: RunFilter, data: Data, *, alone: bool = False) -> Callable[[NewRun], bool]:
    """What says whether a run fits.

    Args:
        where: What it has to be.
        data: Where it is.
        alone: Whether a group has also the runs of its functions without a job.
    """
    since = None if where.since is None else to_us(where.since)
    until = None if where.until is None else to_us(where.until)

    def group(run: NewRun) -> str:
        return group_of(run, data) if run.job_id or where.dead or alone else ""

    def error_type_of(run_id: int) -> str | None:
        end = data.ends.get(run_id)
        return None if end is None else end.error_type

    def fits(run: NewRun) -> bool:
        return (
            (where.job_id is None or run.job_id == where.job_id)
            and (where.group is None or group(run) == where.group)
            and (where.state is None or run.state == where.state)
            and (where.source is None or run.source == where.source)
            and (since is None or run.claimed_at_us >= since)
            and (until is None or run.claimed_at_us < until)
            and (where.function is None or run.function == where.function)
            and (where.error_type is None or error_type_of(run.id) == where.error_type)
            and (not where.dead or is_dead(data, run.id))
        )

    return fits


def group_of(run: NewRun, data: Data) -> str:
    """The group of its job; without one, of its function."""
    if not run.job_id:
        return run.function.partition("/")[0]
    return data.names.get(run.job_id, ("",))[0]
