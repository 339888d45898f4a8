"""Forgetting old runs, and holding messages, in the store in memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import islice

from schedtui.models import FAILED, TERMINAL, Source
from schedtui.protocols import KEPT_ANYWAY, Keep, NewRun, Notice, Posted, Removal
from schedtui.store.memory_data import Data
from schedtui.store.memory_once import OnceTx

_MAX_RUNS = 100


class KeepingTx(OnceTx):
    """The part of a write transaction that does it."""

    _data: Data

    @abstractmethod
    def _next_id(self, counter: str) -> int:
        """Count something up, for good."""

    def remove(self, removal: Removal) -> None:
        """Remove ended runs, with what belongs to them, and chunks of log lines."""
        data = self._data
        for chunk_id in removal.chunks:
            chunk = data.chunks.get(chunk_id)
            if chunk is not None:
                self._remove(data.chunk_keys, (chunk.run_id, chunk.attempt, chunk.first_seq))
                self._remove(data.chunks, chunk_id)
        for run_id in removal.runs:
            run = data.runs.get(run_id)
            if run is not None and run.state in TERMINAL:
                self._forget(run)

    def _forget(self, run: NewRun) -> None:
        data = self._data
        if run.scheduled_for_us is not None and run.job_id:
            last = run.scheduled_for_us
            first = last if run.range_from_us is None else run.range_from_us
            known = data.forgotten.get(run.job_id, (first, last))
            span = min(first, known[0]), max(last, known[1])
            self._set(data.forgotten, run.job_id, span)
            place = (run.job_id, run.clock_epoch, last)
            if data.due.get(place) == run.id:
                self._remove(data.due, place)
        for key in [key for key in data.attempts if key[0] == run.id]:
            self._remove(data.attempts, key)
        if run.id in data.ends:
            self._remove(data.ends, run.id)
        if run.id in data.handled:
            self._remove(data.handled, run.id)
        self._remove(data.runs, run.id)

    def shrink(self, pages: int) -> bool:  # noqa: ARG002 - memory has none
        """Nothing to give back."""
        return False

    def post(self, notices: Sequence[Notice], *, most: int) -> int:
        """Keep notices until they are delivered, at most so many for a target."""
        dropped = 0
        for one in notices:
            held = sum(kept.target == one.target for kept in self._data.outbox.values())
            if held >= most:
                dropped += 1
                continue
            new = self._next_id("last_notice_id")
            posted = Posted(new, one.target, one.at_us, one.at_us, 0, one.body)
            self._set(self._data.outbox, new, posted)
        return dropped

    def delivered(self, ids: Sequence[int]) -> None:
        """Notices have arrived, or are given up."""
        for one in ids:
            if one in self._data.outbox:
                self._remove(self._data.outbox, one)

    def undeliverable(self, known: Sequence[str]) -> int:
        """Notices to any other target have nowhere to go and are removed. Returns how many."""
        gone = [one.id for one in self._data.outbox.values() if one.target not in known]
        self.delivered(gone)
        return len(gone)

    def postpone(self, ids: Sequence[int], next_us: int) -> None:
        """Delivering notices has failed once more; when to try again."""
        for one in ids:
            held = self._data.outbox.get(one)
            if held is not None:
                later = held._replace(tries=held.tries + 1, next_us=next_us)
                self._set(self._data.outbox, one, later)


def expired(data: Data, job_id: int, keep: Keep) -> Removal | None:
    """What is to be removed of a job's history next; None: nothing is, now."""
    runs = [data.runs[run_id] for run_id in sorted(data.runs) if data.runs[run_id].job_id == job_id]
    failed = [run.id for run in runs if run.state in FAILED]
    others = [run.id for run in runs if run.state not in FAILED]
    over = {*failed[: -keep.runs], *others[: -keep.runs]}
    active = (data.runs[run_id] for run_id in data.active)
    needed = {run.parent_id for run in active} | {key.run_id for key in data.once.keys.values()}

    def goes(run: NewRun) -> bool:
        before_us = keep.failed_before_us if run.state in FAILED else keep.ended_before_us
        repeats = run.source is Source.RERUN and run.parent_id in data.runs
        due = run.id in over or _ended_us(run) < before_us
        return due and run.state in TERMINAL and run.id not in needed and not repeats

    ids = list(islice((run.id for run in runs[:-KEPT_ANYWAY] if goes(run)), _MAX_RUNS))
    old = {r.id for r in runs if r.state in TERMINAL and _ended_us(r) < keep.logs_before_us}
    wanted = set(ids) or old
    chunks = tuple(i for i, chunk in data.chunks.items() if chunk.run_id in wanted)
    if chunks:
        return Removal(job_id, chunks=chunks)
    return Removal(job_id, runs=tuple(ids)) if ids else None


def _ended_us(run: NewRun) -> int:
    return run.claimed_at_us if run.finished_at_us is None else run.finished_at_us
