"""Dead letters: runs that failed, of which somebody says what is to be done about them.

All runs of one replay are written in one transaction, with what their originals say from then on,
so that a crash leaves all of them queued or none, and no dead letter is replayed by two. They then
wait for their turn behind everything else, as backfills do (`schedtui.engine.slots`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from schedtui.engine.runs.wanted import Wanted
from schedtui.engine.tick.newruns import new_run, waiting_row
from schedtui.engine.upkeep import damage
from schedtui.engine.upkeep.once_past import moment_us
from schedtui.errors import ConflictError, RunNotFoundError, SchedtuiError
from schedtui.models import FAILED, TERMINAL, Letter, Letters, Run, RunState, Source
from schedtui.models.dead import MAX_LETTERS
from schedtui.protocols import NewRun, Store, StoreTx

SLICE = 200
"""Letters that are looked at, or let in, before others have the loop."""


PAGE = 500
"""Letters that are read at once; one that cannot be replayed keeps none behind it from that."""


class Ready(NamedTuple):
    """A dead letter that can be replayed."""

    run: Run
    kwargs: Mapping[str, Any]
    period_us: int


@dataclass(kw_only=True, slots=True)
class Found:
    """What is known so far of the letters that are meant."""

    number: int = 0
    """How many there are."""
    left: int = 0
    """How many nobody looked at."""
    told: dict[int, Letter] = field(default_factory=dict)
    """What is said of them, by their ids."""

    def refuse(self, letter: Letter) -> None:
        """Tell why one cannot be replayed, unless that is told of many."""
        if len(self.told) < MAX_LETTERS:
            self.told[letter.run] = letter


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
        found = Found()
        if wanted.runs is None:
            ready = await self._oldest(wanted, found)
        else:
            ready = await self._ready(await self._named(wanted.runs, wanted, found), found)
        while busy := next((live for one in ready if (live := self._busy(one.run))), None):
            await self._holds.released(busy)  # it may be about to be deleted
        copies = self._claim(ready, found.told, actor)
        answer = _answer(wanted, found)
        if wanted.dry_run or not copies:
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
                live = self._open(letter, period_us or now_us)
            except SchedtuiError as error:
                told[letter.id] = _letter(letter, problem=str(error))
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
            group = run.job.job.group
            if run.state is RunState.QUEUED:
                self._admission.wait(run)
                self._core.hub.run(run.id, run.job.id, RunState.QUEUED, group)
            self._core.hub.run(letter.id, letter.job_id, letter.state, group)
            if number % SLICE == 0:
                await asyncio.sleep(0)

    async def dismiss(self, wanted: Wanted, note: str, actor: str) -> Letters:
        """Say that nothing is to be done about dead letters; see `schedtui.protocols.dead`.

        Raises:
            InvalidError: the note is too long.
            StoreUnavailableError: nothing was written.
        """
        found = Found()
        if wanted.runs is None:
            found.number, runs = await self._page(wanted, wanted.limit)
            found.left = found.number - len(runs) if len(runs) == wanted.limit else 0
        else:
            runs = await self._named(wanted.runs, wanted, found)
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
                found.told[run_id] = Letter(run=run_id, done=False, problem=problem)
        for run in runs:
            found.told.setdefault(run.id, _letter(run))
            group = run.job.partition("/")[0]
            self._core.hub.run(run.id, run.job_id, run.state, group)
        return _answer(wanted, found)

    async def _oldest(self, wanted: Wanted, found: Found) -> list[Ready]:
        """As many as the limit allows of those that fit the filter and can be replayed."""
        ready: list[Ready] = []
        after = 0
        while True:
            left, runs = await self._page(wanted, PAGE, after)
            found.number = found.number or left
            space = wanted.limit - len(ready)
            ready += await self._ready(runs, found, space)
            if len(ready) == wanted.limit:
                looked = [run.id for run in runs].index(ready[-1].run.id) + 1
                found.left = left - looked
                return ready
            if len(runs) < PAGE:
                return ready
            after = runs[-1].id

    async def _page(self, wanted: Wanted, limit: int, after: int = 0) -> tuple[int, list[Run]]:
        return await self._core.off_loop(
            self._core.store.dead_letters,
            wanted.where,
            limit=limit,
            after=after,
            groups=wanted.groups,
            among=wanted.among,
        )

    async def _named(self, ids: Sequence[int], wanted: Wanted, found: Found) -> list[Run]:
        """The dead letters among runs; the others are told."""
        known = await self._core.off_loop(_read, self._core.store, ids)
        found.number = len(ids)
        dead: list[Run] = []
        for run_id in ids:
            run = known.get(run_id)
            if run is not None and not wanted.sees(run):
                run = None
            refused = _refused(run_id, run)
            if refused is not None:
                found.told[run_id] = refused
            elif run is not None:
                dead.append(run)
        return dead

    async def _ready(
        self, runs: Sequence[Run], found: Found, space: int = MAX_LETTERS
    ) -> list[Ready]:
        """Those that can be replayed, until there are as many as there is space for."""
        ready: list[Ready] = []
        await self._core.arguments.prepare(self._calls(runs))
        moments = await self._core.off_loop(self._moments, self._core.store, runs)
        now_us = self._core.clock.now_us()
        for number, run in enumerate(runs, start=1):
            period_us = moments.get(run.id, 0)
            try:
                function = self._open(run, period_us or now_us).job.function
                given = self._drafts.arguments(function, run.kwargs, known=run.kwargs)
                ready.append(Ready(run, given, period_us))
            except SchedtuiError as error:
                found.refuse(_letter(run, problem=str(error)))
            if len(ready) == space:
                break
            if number % SLICE == 0:
                await asyncio.sleep(0)
        return ready

    def _holder(self, run: Run) -> LiveJob:
        live = self._core.holder(run.job_id, run.function)
        if live is None:
            raise ConflictError(f"the job of run {run.id}, {run.job}, was deleted")
        damage.refuse(live)
        return live

    def _open(self, run: Run, moment_us: int) -> LiveJob:
        """The holder of a run whose period, if it has some, is not taken now."""
        live = self._holder(run)
        taken = None if live.once is None else live.once.taken(moment_us)
        if taken is not None:
            raise ConflictError(taken)
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


def _answer(wanted: Wanted, found: Found) -> Letters:
    ids = sorted(found.told) if wanted.runs is None else wanted.runs
    letters = [found.told[run_id] for run_id in ids]
    if wanted.dry_run:
        letters = [replace(one, new_run=None) for one in letters]
    return Letters(
        found=found.number,
        done=sum(one.done for one in letters),
        dry_run=wanted.dry_run,
        left=found.left,
        letters=tuple(letters),
    )
