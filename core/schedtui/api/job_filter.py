"""The parameters by which lists of jobs are filtered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schedtui.api.query import member, text
from schedtui.models import JobFilter, JobState

FILTER = (
    text("group", about="Only those of this group"),
    text("tag", about="Only those that have this tag"),
    member("state", JobState, about="Only those in this state"),
)
"""The parameters; every one that is given must hold."""


def filter_in(query: Mapping[str, Any]) -> JobFilter:
    """What was given of `FILTER`."""
    return JobFilter(group=query["group"], tag=query["tag"], state=query["state"])
