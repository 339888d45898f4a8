"""What a job has where it does not say it itself: of its group, and of its engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schedtui.models.policy import Policies


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupDefaults:
    """A group, and what its jobs have of it."""

    name: str
    tags: tuple[str, ...] = ()
    """What its static jobs are tagged with, before their own tags."""
    timezone: str | None = None
    """IANA zone of its jobs that name none; None: the engine's."""
    limit: int | None = None
    """Runs of all its jobs together that may be active at once; None: any number."""
    policies: Policies
    """What the group itself says; the rest comes from the engine."""
    jobs: int
    """How many living jobs it has."""
    declared: bool
    """Whether the code has it; else only jobs have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Defaults:
    """What the jobs of an engine have of it and of their groups."""

    timezone: str
    """IANA zone of jobs whose group names none."""
    policies: Policies
    """All that rules a job that says nothing, in a group that says nothing."""
    slots: Mapping[str, int]
    """How many runs each executor takes at once: ``async``, ``thread``, ``process``."""
    groups: tuple[GroupDefaults, ...] = ()
    """Those of the code in the order it adds them, then those that only jobs have, by name."""
