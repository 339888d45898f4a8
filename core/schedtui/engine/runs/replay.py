"""Dead letters: runs that failed, of which somebody says what is to be done about them.

All runs of one replay are written in one transaction, with what their originals say from then on,
so that a crash leaves all of them queued or none, and no dead letter is replayed by two. They then
wait for their turn behind everything else, as backfills do (`schedtui.engine.slots`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from schedtui.engine.core import Core
from schedtui.engine.jobs.draft import Drafts
from schedtui.engine.jobs.holds import Holds
from schedtui.engine.jobs.keys import Asked
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob, dump_kwargs
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.admit import Admission
from schedtui.engine.runs.dead_words import dismissed_words, replayed_words
from schedtui.engine.runs.replay_keys import keep_answer
from schedtui.engine.tick.newruns import new_run, waiting_row
from schedtui.engine.upkeep import damage
from schedtui.engine.upkeep.once_past import moment_us
from schedtui.errors import ConflictError, FieldError, InvalidError, RunNotFoundError, SchedtuiError
from schedtui.models import FAILED, TERMINAL, Letter, Letters, Run, RunFilter, RunState, Source
from schedtui.models.dead import MAX_LETTERS, MAX_NOTE
from schedtui.protocols import NewRun, Store, StoreTx

SLICE = 200
"""Letters that are looked at, or let in, before others have the loop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which dead letters are meant; see `schedtui.protocols.dead`."""

    runs: tuple[int, ...] | None
    """Their ids; None: what fits the filter."""
    where: RunFilter
    limit: int
    dry_run: bool


def wanted(which: Sequence[int] | RunFilter, *, limit: int, dry_run: bool) -> Wanted:
    """What was asked for, checked.

    Raises:
        InvalidError: it says nothing, or too much.
    """
    if not 1 <= limit <= MAX_LETTERS:
        raise InvalidError.one("limit", limit, f"a whole number from 1 to {MAX_LETTERS:,}")
    if not isinstance(which, RunFilter):
        runs = tuple(dict.fromkeys(which))
        if not 1 <= len(runs) <= MAX_LETTERS:
            raise InvalidError.one("runs", len(runs), f"1 to {MAX_LETTERS:,} runs")
        return Wanted(runs=runs, where=RunFilter(), limit=limit, dry_run=dry_run)
    if which.empty:
        expected = "runs, or a filter: a job, a group, a function, an error, a time"
        error = FieldError(field="where", got=None, expected=expected)
        raise InvalidError(f"nothing is named; expected {expected}; nothing was done", (error,))
    where = replace(which, dead=True)
    return Wanted(runs=None, where=where, limit=limit, dry_run=dry_run)


class Ready(NamedTuple):
    """A dead letter that can be replayed."""

    run: Run
    kwargs: Mapping[str, Any]
    period_us: int


class Copy(NamedTuple):
    """A run that replays a dead letter."""

    letter: Run
    run: LiveRun
    row: NewRun


class Replays:
    """Replays and dismisses dead letters; on the engine's loop.

    Args:
        core: The engine's parts.
        writes: Writes to the store.
        admission: Lets queued runs wait.
        holds: Knows who writes a job.
        drafts: Checks arguments.
    """

    def __init__(
        self, core: Core, writes: JobWrites, admission: Admission, holds: Holds, drafts: Drafts
    ) -> None:
        self._core = core
        self._writes = writes
        self._admission = admission
        self._holds = holds
        self._drafts = drafts

    async def replay(self, wanted: Wanted, actor: str, call: Asked | None) -> Letters:
        """Run dead letters once more; see `schedtui.protocols.dead`.

        Raises:
            ConflictError: one was handled just then, or the key was used; nothing was queued.
            StoreUnavailableError: nothing was queued.
        """
        found, runs, told = await self._found(wanted)
        ready: list[Ready] = []
        await self._core.arguments.prepare(self._calls(runs))
        moments = await self._core.off_loop(self._moments, self._core.store, runs)
        for number, run in enumerate(runs, start=1):
            try:
                function = self._holder(run).job.function
                given = self._drafts.arguments(function, run.kwargs, known=run.kwargs)
                ready.append(Ready(run, given, moments.get(run.id, 0)))
            except SchedtuiError as error:
                told[run.id] = _letter(run, problem=str(error))
            if number % SLICE == 0:
                await asyncio.sleep(0)
        while busy := next((live for one in ready if (live := self._busy(one.run))), None):
            await self._holds.released(busy)  # it may be about to be deleted
        copies = self._claim(ready, told, actor)
        answer = _answer(wanted, found, runs, told)
        if wanted.dry_run or (not copies and call is None):
            self._unclaim(copies)
            return answer
        try:
            await self._write(copies, answer, actor, call)
        except BaseException:
            self._unclaim(copies)
            raise
        await self._let_in(copies)
        return answer

    def _claim(self, ready: Sequence[Ready], told: dict[int, Letter], actor: str) -> list[Copy]:
        """The runs that replay the letters, each of them active from here on."""
        core, copies = self._core, []
        now_us = core.clock.now_us()
        for letter, kwargs, period_us in ready:
            try:
                live = self._holder(letter)
            except SchedtuiError as error:
                told[letter.id] = _letter(letter, problem=str(error))
                continue
            taken = None if live.once is None else live.once.taken(period_us or now_us)
            if taken is not None:
                told[letter.id] = _letter(letter, problem=taken)
                continue
            run = new_run(
                next(core.run_ids),
                live,
                core.pool_of(live.job.function),
                source=Source.RERUN,
                scheduled_for_us=None,
                kwargs=kwargs,
                now_us=now_us,
                parent_id=letter.id,
                behind=True,
            )
            run.period_us = period_us
            row = waiting_row(core, run, dump_kwargs(kwargs), now_us)
            live.claimed(run)
            copies.append(Copy(letter, run, row._replace(actor=actor, parent_id=letter.id)))
            told[letter.id] = _letter(letter, new_run=run.id)
        return copies

    def _unclaim(self, copies: Sequence[Copy]) -> None:
        for copy in copies:
            copy.run.job.unclaimed(copy.run)

    async def _write(
        self, copies: Sequence[Copy], answer: Letters, actor: str, call: Asked | None
    ) -> None:
        now_us = self._core.clock.now_us()
        handled = [(one.letter.id, replayed_words(actor, one.run.id)) for one in copies]

        def apply(tx: StoreTx) -> None:
            if call is not None:
                keep_answer(tx, call, answer, actor, now_us)
            lost = tx.handle(handled)
            if lost:
                raise ConflictError(
                    f"run {min(lost)} was replayed or dismissed by somebody else just then; "
                    "nothing was queued: ask again for what is left"
                )
            tx.insert_runs([one.row for one in copies])
            for letter, run, _ in copies:
                said = json.dumps({"of": letter.id, "run": run.id})
                tx.audit(now_us, actor, "run.replay", letter.job, said)

        await self._writes.write(apply)

    async def _let_in(self, copies: Sequence[Copy]) -> None:
        for copy in copies:  # at once: from here on each can be asked for and cancelled
            copy.run.job.began(copy.run)
        for number, (letter, run, _) in enumerate(copies, start=1):
            if run.state is RunState.QUEUED:
                self._admission.wait(run)
                self._core.hub.run(run.id, run.job.id, RunState.QUEUED)
            self._core.hub.run(letter.id, letter.job_id, letter.state)
            if number % SLICE == 0:
                await asyncio.sleep(0)

    async def dismiss(self, wanted: Wanted, note: str, actor: str) -> Letters:
        """Say that nothing is to be done about dead letters; see `schedtui.protocols.dead`.

        Raises:
            InvalidError: the note is too long.
            StoreUnavailableError: nothing was written.
        """
        if len(note) > MAX_NOTE:
            raise InvalidError.one("note", len(note), f"at most {MAX_NOTE:,} characters")
        found, runs, told = await self._found(wanted)
        if not wanted.dry_run and runs:
            words = dismissed_words(actor, note)
            now_us = self._core.clock.now_us()

            def apply(tx: StoreTx) -> set[int]:
                lost = tx.handle([(run.id, words) for run in runs])
                for run in runs:
                    if run.id not in lost:
                        said = json.dumps({"run": run.id, "note": note})
                        tx.audit(now_us, actor, "run.dismiss", run.job, said)
                return lost

            for run_id in await self._writes.write(apply):
                problem = f"run {run_id} was replayed or dismissed by somebody else just then"
                told[run_id] = Letter(run=run_id, done=False, problem=problem)
        for run in runs:
            told.setdefault(run.id, _letter(run))
            self._core.hub.run(run.id, run.job_id, run.state)
        return _answer(wanted, found, runs, told)

    async def _found(self, wanted: Wanted) -> tuple[int, list[Run], dict[int, Letter]]:
        """How many are meant, the dead letters among them, and what is said of the others."""
        store = self._core.store
        if wanted.runs is None:
            where, limit = wanted.where, wanted.limit
            found, runs = await self._core.off_loop(store.dead_letters, where, limit=limit)
            return found, runs, {}
        known = await self._core.off_loop(_read, store, wanted.runs)
        told = {run_id: _refused(run_id, known.get(run_id)) for run_id in wanted.runs}
        refused = {run_id: letter for run_id, letter in told.items() if letter is not None}
        runs = [known[run_id] for run_id in wanted.runs if run_id not in refused]
        return len(wanted.runs), runs, refused

    def _holder(self, run: Run) -> LiveJob:
        live = self._core.holder(run.job_id, run.function)
        if live is None:
            raise ConflictError(f"the job of run {run.id}, {run.job}, was deleted")
        damage.refuse(live)
        return live

    def _busy(self, run: Run) -> LiveJob | None:
        live = self._core.holder(run.job_id, run.function)
        return live if live is not None and live.busy else None

    def _calls(self, runs: Sequence[Run]) -> list[tuple[str, Mapping[str, Any]]]:
        held = [(self._core.holder(run.job_id, run.function), run) for run in runs]
        return [(live.job.function, run.kwargs) for live, run in held if live is not None]

    def _moments(self, store: Store, runs: Sequence[Run]) -> dict[int, int]:
        """The moments of the periods of those whose job has some. Blocks."""
        held = [(self._core.holder(run.job_id, run.function), run) for run in runs]
        guarded = [run for live, run in held if live is not None and live.once is not None]
        return {run.id: moment_us(store, run) for run in guarded}


def _read(store: Store, ids: Sequence[int]) -> dict[int, Run]:
    found = ((run_id, store.run(run_id)) for run_id in ids)
    return {run_id: run for run_id, run in found if run is not None}


def _refused(run_id: int, run: Run | None) -> Letter | None:
    """Why a run is no dead letter; None where it is one."""
    if run is None:
        return Letter(run=run_id, done=False, problem=str(RunNotFoundError(run_id)))
    if run.is_dead:
        return None
    problem = f"run {run_id} has not failed ({run.state})"
    if run.state not in TERMINAL:
        problem = f"run {run_id} has not ended yet ({run.state})"
    elif run.state in FAILED:
        problem = f"run {run_id} was {run.handled}"
    return _letter(run, problem=problem)


def _letter(run: Run, *, new_run: int | None = None, problem: str = "") -> Letter:
    return Letter(run=run.id, job=run.job, done=not problem, new_run=new_run, problem=problem)


def _answer(wanted: Wanted, found: int, runs: Sequence[Run], told: Mapping[int, Letter]) -> Letters:
    ids = [run.id for run in runs] if wanted.runs is None else wanted.runs
    letters = [told[run_id] for run_id in ids]
    if wanted.dry_run:
        letters = [replace(one, new_run=None) for one in letters]
    done = sum(one.done for one in letters)
    return Letters(found=found, done=done, dry_run=wanted.dry_run, letters=tuple(letters))
