"""Jobs as code: export, plan, apply, roll back.

Applying compares the whole file with the living jobs, checks all that it would change, and then
writes all of it, with its revision, in one transaction, or nothing. A job that changes is edited in
place, as `edit_job` does: its id, its history and its phase stay.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace

from schedtui.clock import from_us
from schedtui.engine.code.reconcile import reconcile_freed
from schedtui.engine.core import Core
from schedtui.engine.jobs.commands import Commands
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.revisions.content import NEVER, Known, file_of, known
from schedtui.engine.revisions.moves import Moves, moves
from schedtui.engine.revisions.planned import new_name
from schedtui.engine.revisions.steps import Drafts, Step, drafted, staged
from schedtui.engine.revisions.turns import Turns
from schedtui.errors import ConflictError, InvalidError, JobNotFoundError, RevisionNotFoundError
from schedtui.models import Applied, ChangeKind, JobsText, Plan, Revision
from schedtui.models.hidden import MASK
from schedtui.models.jobs_file import JobsFile, parse, render
from schedtui.protocols import StoreTx

MAX_NOTE = 1_000
"""Characters of the note of a revision."""
TRIES = 5
"""How often a file is compared anew because a job changed meanwhile."""
_ENGINE = "engine"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Compared:
    """A file and the jobs as they are."""

    file: JobsFile
    id: str
    """Of both."""
    state: Known
    text: str
    """Of the jobs."""
    moves: Moves


class Revisions:
    """The revisions of one started engine; on its loop."""

    def __init__(self, core: Core, writes: JobWrites, commands: Commands) -> None:
        self._core = core
        self._writes = writes
        self._commands = commands
        self._planning = asyncio.Lock()

    async def export(self) -> JobsText:
        """See `EngineClient.export_jobs`."""
        state = await self._known()
        text = await self._core.off_loop(_text, state)
        return JobsText(text=text, revision=self._core.revision)

    async def plan(self, source: str | int) -> Plan:
        """See `EngineClient.plan_jobs`."""
        back = isinstance(source, int)
        text = (await self.revision(source)).text if isinstance(source, int) else source
        # Anybody may ask for it, and a file takes many times its length of memory.
        async with self._planning:
            compared = await self._compared(text)
            with _way_out(source if isinstance(source, int) else None):
                jobs = await drafted(self._core, compared.moves.moves, _ENGINE, restored=back)
        return Plan(
            id=compared.id,
            revision=self._core.revision,
            changes=tuple(move.change for move in compared.moves.moves),
            unchanged=compared.moves.unchanged,
            warnings=_warnings(compared.state, compared.moves, jobs),
        )

    async def apply(self, text: str, note: str, actor: str, *, plan: str | None = None) -> Applied:
        """See `EngineClient.apply_jobs`."""
        return await asyncio.shield(asyncio.ensure_future(self._apply(text, note, actor, plan)))

    async def rollback(
        self, number: int, note: str, actor: str, *, plan: str | None = None
    ) -> Applied:
        """See `EngineClient.rollback_jobs`."""
        text = (await self.revision(number)).text
        note = note or f"back to revision {number}"
        work = self._apply(text, note, actor, plan, restored=number)
        return await asyncio.shield(asyncio.ensure_future(work))

    async def revision(self, number: int) -> Revision:
        """See `EngineClient.revision`."""
        found = await self._core.off_loop(self._core.store.revision, number)
        if found is None:
            raise RevisionNotFoundError(number, "`schedtui revisions` lists them")
        return found

    async def _apply(
        self, text: str, note: str, actor: str, plan: str | None, restored: int | None = None
    ) -> Applied:
        _check_note(note)
        core = self._core
        async with core.jobs.chaining:
            for _ in range(TRIES):
                compared = await self._compared(text)
                _check_plan(plan, compared.id)
                if not compared.moves.moves:
                    return Applied()
                applied = await self._hold_and_write(compared, note, actor, restored)
                if applied is not None:
                    break
            else:
                raise ConflictError(
                    "the jobs changed each time that the file was about to be applied; nothing "
                    "was done, try again"
                )
        core.hub.engine()
        for move in compared.moves.moves:
            if move.old is not None:
                await reconcile_freed(core, self._writes, self._commands.hold, move.old.full_name)
        return applied

    async def _hold_and_write(
        self, compared: _Compared, note: str, actor: str, restored: int | None
    ) -> Applied | None:
        """Do it; None where a job changed before all that are concerned were held."""
        core, found = self._core, compared.moves.moves
        back = restored is not None
        with _way_out(restored):
            jobs = await drafted(core, found, actor, restored=back)
        text = await core.off_loop(_text, _after(compared.state, compared.moves, jobs))
        revisions = await self._with_the_one_before(compared.text)
        counts = Counter(move.change.kind for move in found)
        revisions.append(
            Revision(
                number=0,
                at=from_us(core.clock.now_us()),
                actor=actor,
                note=note,
                added=counts[ChangeKind.ADDED],
                changed=counts[ChangeKind.CHANGED],
                removed=counts[ChangeKind.REMOVED],
                restored=restored,
                text=text,
            )
        )
        async with AsyncExitStack() as stack:
            turns = Turns()
            try:
                for move in found:
                    if move.old is not None:
                        hold = self._commands.holds.hold(move.old.full_name, move.old.id)
                        await stack.enter_async_context(hold)
                        await turns.next()
            except (ConflictError, JobNotFoundError):
                return None  # it was deleted meanwhile
            if {live.id: live.version for live in core.jobs} != compared.state.versions:
                return None
            jobs = await drafted(core, found, actor, restored=back, known=jobs)
            steps = await staged(core, self._commands, self._writes, found, jobs, actor)
            made = await self._writes.write(
                lambda tx: self._write(tx, steps, revisions),
                then=lambda: [step.then() for step in steps],
            )
            core.revision = made.number
            for step in steps:
                step.done()
                await turns.next()
        changes = tuple(move.change for move in found)
        return Applied(revision=replace(made, text=""), changes=changes)

    def _write(self, tx: StoreTx, steps: Sequence[Step], revisions: Sequence[Revision]) -> Revision:
        for step in steps:
            step.write(tx)
        made = [tx.insert_revision(one) for one in revisions][-1]
        detail = {
            "note": made.note,
            "added": made.added,
            "changed": made.changed,
            "removed": made.removed,
        }
        action = "jobs.apply"
        if made.restored is not None:
            action, detail["restored"] = "jobs.rollback", made.restored
        now_us = self._core.clock.now_us()
        tx.audit(now_us, made.actor, action, f"revision {made.number}", json.dumps(detail))
        return made

    async def _with_the_one_before(self, text: str) -> list[Revision]:
        """A revision of the jobs as they are, where no newest one says that already.

        So nothing that was done one by one since then is lost to `rollback`.
        """
        core = self._core
        newest = await core.off_loop(core.store.revision, core.revision)
        if newest is not None and newest.text == text:
            return []
        note = "as the jobs were before the next revision"
        now = from_us(core.clock.now_us())
        return [Revision(number=0, at=now, actor=_ENGINE, note=note, text=text)]

    async def _compared(self, text: str) -> _Compared:
        core = self._core
        file = await core.off_loop(parse, text)
        state = await self._known()
        return await core.off_loop(_compare, core, text, file, state)

    async def _known(self) -> Known:
        jobs, turns = [], Turns()
        for live in self._core.jobs:
            jobs.append(live.current())
            await turns.next()
        return await self._core.off_loop(known, self._core, jobs)


@contextmanager
def _way_out(revision: int | None) -> Iterator[None]:
    """Say what to do where a revision needs a secret that nobody knows any more."""
    try:
        yield
    except InvalidError as error:
        if revision is None or all(one.got != MASK for one in error.errors):
            raise
        hint = f"`schedtui export --revision {revision} FILE`, write it in, `schedtui apply FILE`"
        raise InvalidError(f"{error}. A revision holds no secret: {hint}", error.errors) from None


def _compare(core: Core, text: str, file: JobsFile, state: Known) -> _Compared:
    present = _text(state)
    found = moves(file, state, core.zone_for, core.clock.now_us())
    plan = f"{_digest(present)}-{_digest(text)}"
    return _Compared(file=file, id=plan, state=state, text=present, moves=found)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _text(state: Known) -> str:
    return render(file_of(state))


def _after(state: Known, found: Moves, jobs: Drafts) -> Known:
    """The jobs as they will be."""
    after = dict(state.jobs)
    for move in found.moves:
        job = jobs[move.name].job
        if job is None:
            after.pop(move.name, None)
        else:
            after[move.name] = job
    return replace(state, jobs=after)


def _check_note(note: str) -> None:
    if not note.strip() or len(note) > MAX_NOTE:
        expected = f"why it is done, in 1 to {MAX_NOTE:,} characters"
        raise InvalidError.one("note", note, expected)


def _check_plan(plan: str | None, present: str) -> None:
    if plan is None or plan == present:
        return
    same_jobs = plan.partition("-")[0] == present.partition("-")[0]
    what = "the file is another one than" if same_jobs else "the jobs have changed since"
    raise ConflictError(f"{what} that of plan {plan[:60]!r}; nothing was done: plan it again")


def _warnings(state: Known, found: Moves, jobs: Drafts) -> tuple[str, ...]:
    """What is allowed and may not be meant."""
    after = _after(state, found, jobs).jobs.values()
    names = {job.full_name for job in after} | state.others
    told = [
        f"{job.full_name} runs after {one.job}, which will not be there"
        for job in after
        for one in job.after
        if one.job not in names
    ]
    for move in found.moves:
        job = jobs[move.name].job
        due_before = move.old is None or move.old.next_due is not None
        if job is None or job.next_due is not None or not due_before or job.after:
            continue
        if job.trigger != NEVER:
            told.append(f"{new_name(move)} will not be due any more: its moment is over")
        elif move.old is not None and not job.policies.run_on_startup:
            told.append(f"{new_name(move)} will not be due any more")
    return tuple(told)
