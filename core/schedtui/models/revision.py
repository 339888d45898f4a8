"""Jobs as code: what a file would change, and what was made of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ChangeKind(StrEnum):
    """What becomes of a job."""

    ADDED = "added"
    CHANGED = "changed"
    """In place: its id, its history and its phase stay."""
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldChange:
    """One field of a job, as it stands in the file."""

    field: str
    """``cron``, ``owner``, ``policies.retries``, ``kwargs.recipient``."""
    old: Any = None
    """None: it is not said."""
    new: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class JobChange:
    """What becomes of one job."""

    job: str
    """``group/name``; of one that is declared in code, as the code calls it."""
    kind: ChangeKind
    static: bool = False
    """Declared in code: what changes is how it differs from that."""
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What applying a file would change."""

    id: str
    """Of these jobs and this file: ``apply`` refuses where either is another one by then."""
    revision: int = 0
    """The newest revision; 0: there is none."""
    changes: tuple[JobChange, ...] = ()
    """In the order of the names."""
    unchanged: int = 0
    """Jobs of the file that are so already."""
    warnings: tuple[str, ...] = ()
    """What is allowed and may not be meant, one sentence each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobsText:
    """The jobs of an engine as the text of a file."""

    text: str
    """TOML; see `schedtui.models.jobs_file`."""
    revision: int = 0
    """The newest revision; 0: there is none."""
    left_out: tuple[str, ...] = ()
    """Jobs that no file can say, and why: of an APScheduler, whose arguments may be any object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """The jobs as they were made at one moment."""

    number: int
    """Counts from 1."""
    at: datetime
    actor: str
    """Who applied it."""
    note: str
    """Why."""
    added: int = 0
    changed: int = 0
    removed: int = 0
    restored: int | None = None
    """The revision that it went back to; None for one that came from a file."""
    text: str = ""
    """All jobs from then on, as a file; empty in a list of revisions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What came of applying a file, or of going back."""

    revision: Revision | None = None
    """The new one, without its text; None: nothing was different, and nothing was done."""
    changes: tuple[JobChange, ...] = ()
