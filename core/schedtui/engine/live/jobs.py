"""All living jobs, by id and by name."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from schedtui.engine.live.followers import Followers
from schedtui.engine.live.job import LiveJob
from schedtui.errors import JobNotFoundError
from schedtui.models import After, Job
from schedtui.models.names import split_name


class LiveJobs:
    """All living jobs, by id and by name."""

    def __init__(self) -> None:
        self._by_id: dict[int, LiveJob] = {}
        self._by_name: dict[tuple[str, str], LiveJob] = {}
        self._ids: list[int] = []
        self._ids_of: dict[str, list[int]] = {}
        """In order, by group."""
        self.paused = 0
        """How many of them are paused."""
        self.followers = Followers()
        """Those that run after others."""
        self.chaining = asyncio.Lock()
        """Held, before any job is, from the check for circles to the commit of what it allowed."""

    def __iter__(self) -> Iterator[LiveJob]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, live: LiveJob) -> None:
        """Enter a new job."""
        self._by_id[live.id] = live
        self._by_name[live.job.group, live.job.name] = live
        insort(self._ids, live.id)
        insort(self._ids_of.setdefault(live.job.group, []), live.id)
        self.paused += live.job.paused
        self.followers.enter(live)

    def changed(self, live: LiveJob, old: Job) -> None:
        """Follow a job to its new name and state."""
        if self._by_id.get(live.id) is live:
            self.paused += live.job.paused - old.paused
            if live.job.after != old.after:
                self.followers.leave(old)
                self.followers.enter(live)
            if (old.group, old.name) != (live.job.group, live.job.name):
                self._by_name.pop((old.group, old.name), None)
                self._by_name[live.job.group, live.job.name] = live

    def remove(self, live: LiveJob) -> None:
        """Take a deleted job out."""
        live.removed = True
        if self._by_id.pop(live.id, None) is not None:
            self._by_name.pop((live.job.group, live.job.name), None)
            own = self._ids_of[live.job.group]
            for ids in (self._ids, own):
                del ids[bisect_left(ids, live.id)]
            if not own:
                del self._ids_of[live.job.group]
            self.paused -= live.job.paused
            self.followers.leave(live.job)

    @property
    def groups(self) -> dict[str, int]:
        """How many of them each group has that has some."""
        return {group: len(ids) for group, ids in self._ids_of.items()}

    def of(self, group: str | None) -> list[LiveJob]:
        """Those of a group; None: all."""
        return list(self) if group is None else self.after(0, len(self), group)

    def after(self, job_id: int, limit: int, group: str | None = None) -> list[LiveJob]:
        """The next ``limit`` jobs above an id, in the order of their ids; of a group alone."""
        ids = self._ids if group is None else self._ids_of.get(group, [])
        first = bisect_right(ids, job_id)
        return [self._by_id[one] for one in ids[first : first + limit]]

    def by_id(self, job_id: int) -> LiveJob | None:
        """A living job by its id."""
        return self._by_id.get(job_id)

    def group_of(self, job_id: int) -> str | None:
        """The group of a living job."""
        live = self._by_id.get(job_id)
        return None if live is None else live.job.group

    def find(self, group: str, name: str) -> LiveJob | None:
        """A living job by its names."""
        return self._by_name.get((group, name))

    def after_of(self, full_name: str) -> tuple[After, ...]:
        """What a job runs after; empty where there is no such job."""
        group, _, name = full_name.partition("/")
        live = self.find(group, name)
        return () if live is None else live.job.after

    def named(self, full_name: str) -> LiveJob:
        """A living job by ``group/name``.

        Raises:
            JobNotFoundError: there is none.
        """
        group, name = split_name("job", full_name)
        live = self.find(group, name)
        if live is None:
            raise JobNotFoundError(full_name)
        return live
