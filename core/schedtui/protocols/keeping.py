"""What a store forgets, and what it holds until it is delivered: rows of both."""

from __future__ import annotations

from typing import NamedTuple

KEPT_ANYWAY = 100
"""So many of the newest runs of a job stay, however old they are."""


class Keep(NamedTuple):
    """Which ended runs of one job stay; moments are microseconds, below all of them for never."""

    runs: int
    """So many that failed, and so many others."""
    ended_before_us: int
    """What ended earlier goes, failures excepted."""
    failed_before_us: int
    """What failed, timed out or was lost earlier goes."""
    logs_before_us: int
    """Lines of what ended earlier go."""


class Removal(NamedTuple):
    """What goes next: little enough for one transaction."""

    job_id: int
    runs: tuple[int, ...] = ()
    chunks: tuple[int, ...] = ()
    """Ids of chunks of log lines."""


class Notice(NamedTuple):
    """A message to somebody, to be kept with what it tells of."""

    target: str
    """The name of where it goes."""
    at_us: int
    body: str
    """JSON."""
    run_id: int = 0
    """The run it tells of; 0: of none alone."""
    job_id: int = 0


class Posted(NamedTuple):
    """A notice that is not delivered yet."""

    id: int
    """Never used again: receivers know a message that comes twice by it."""
    target: str
    at_us: int
    next_us: int
    """When it is to be tried again."""
    tries: int
    body: str
