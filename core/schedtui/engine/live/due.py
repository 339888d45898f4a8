"""The heap of due times: the next one in a moment, a changed one by forgetting the old entry."""

from __future__ import annotations

import heapq
from itertools import count

from schedtui.engine.live.job import LiveJob


class DueHeap:
    """Living jobs by their next due time; of those due together the higher priority first.

    An entry is never searched for: it carries the stamp of its job at the time it was pushed, and
    one whose job has another stamp by now is dropped when it comes up.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, int, LiveJob]] = []
        self._stamps = count(1)
        self._stale = 0
        self._popped = 0

    def push(self, job: LiveJob) -> None:
        """Enter a job at its ``next_due_us`` where it fires, in place of any entry it has."""
        if job.stamp:
            self.drop(job)
        if job.next_due_us is not None and job.fires:
            job.stamp = next(self._stamps)
            heapq.heappush(self._entries, _entry(job, job.next_due_us))

    def drop(self, job: LiveJob) -> None:
        """Forget the entry of a job, if it has one."""
        if job.stamp:
            job.stamp = 0
            self._stale += 1
            if self._stale > 1_000 and self._stale > len(self._entries) // 2:
                self._entries = [entry for entry in self._entries if entry[3].stamp == entry[2]]
                heapq.heapify(self._entries)
                self._stale = 0

    def pop_due(self, now_us: int) -> LiveJob | None:
        """The job that is due first, off the heap; None when none is due yet."""
        first_us = self.next_us()
        if first_us is None or first_us > now_us:
            return None
        _, _, self._popped, job = heapq.heappop(self._entries)
        job.stamp = 0
        return job

    def put_back(self, job: LiveJob) -> None:
        """Enter the job that was popped last where it was, before others of the same due time."""
        if job.next_due_us is not None:
            job.stamp = self._popped
            heapq.heappush(self._entries, _entry(job, job.next_due_us))

    def next_us(self) -> int | None:
        """When the next job is due; None when none ever is."""
        entries = self._entries
        while entries and entries[0][3].stamp != entries[0][2]:
            heapq.heappop(entries)
            self._stale -= 1
        return entries[0][0] if entries else None


def _entry(job: LiveJob, due_us: int) -> tuple[int, int, int, LiveJob]:
    return due_us, -job.policies.priority, job.stamp, job
