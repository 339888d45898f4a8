"""How states look: a glyph, a word and a kind, so that they read without colour as well."""

from __future__ import annotations

from typing import NamedTuple

from schedtui.models import JobState, JobSummary, RunState

FAILURES = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST})
KINDS = ("ok", "failed", "warn", "running", "paused", "muted")
"""The style sheet has a ``state--<kind>`` for each."""


class Look(NamedTuple):
    """A state as it is drawn."""

    glyph: str
    word: str
    kind: str


RUN_LOOKS: dict[RunState, Look] = {
    RunState.QUEUED: Look("◌", "queued", "running"),
    RunState.RUNNING: Look("●", "running", "running"),
    RunState.SUCCEEDED: Look("✓", "succeeded", "ok"),
    RunState.FAILED: Look("✗", "failed", "failed"),
    RunState.TIMED_OUT: Look("✗", "timed_out", "failed"),
    RunState.CANCELLED: Look("-", "cancelled", "muted"),
    RunState.SKIPPED: Look("»", "skipped", "warn"),
    RunState.MISSED: Look("!", "missed", "warn"),
    RunState.LOST: Look("?", "lost", "failed"),
}
JOB_LOOKS: dict[JobState, Look] = {
    JobState.SCHEDULED: Look("○", "scheduled", "muted"),
    JobState.PAUSED: Look("‖", "paused", "paused"),
    JobState.FINISHED: Look("■", "finished", "muted"),
    JobState.BROKEN: Look("✗", "broken", "failed"),
    JobState.ORPHANED: Look("†", "orphaned", "warn"),
}
_BLOCKS = "▁▂▃▄▅▆▇█"


def job_look(row: JobSummary) -> Look:
    """The state of a job that says most: what it does now, else what it is, else how it went."""
    if row.running_id is not None:
        return RUN_LOOKS[RunState.RUNNING]
    if row.active:
        return RUN_LOOKS[RunState.QUEUED]
    if row.state in (JobState.PAUSED, JobState.BROKEN, JobState.ORPHANED) or row.last_state is None:
        return JOB_LOOKS[row.state]
    return RUN_LOOKS[row.last_state]


def fraction(progress: float | None) -> float:
    """A progress between 0 and 1, whatever an engine says."""
    return min(progress, 1.0) if progress is not None and progress > 0 else 0.0


def bars(row: JobSummary) -> list[tuple[str, str]]:
    """The last runs, oldest first: a character and a kind each.

    A run that succeeded is a block as high as it took long, relative to the longest; every other
    one is the glyph of its state.
    """
    longest = max((took or 0 for _, took in row.recent), default=0)
    drawn = []
    for state, took in row.recent[-10:]:
        look = RUN_LOOKS[state]
        if state is RunState.SUCCEEDED:
            level = min(max(took or 0, 0) * 8 // (longest + 1), 7)
            drawn.append((_BLOCKS[level], look.kind))
        else:
            drawn.append((look.glyph, look.kind))
    return drawn
