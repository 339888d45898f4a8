"""Why nothing ran at a moment that has no row, or was no due time, on a real engine."""

from __future__ import annotations

import pytest
from engine_kit import Kit, KitClock, World, at, running
from explain_kit import Held, kinds, text, why

from schedtui import Cron, Engine, Except, Group
from schedtui.errors import JobNotFoundError
from schedtui.models import FactKind, JobPatch, JobSpec, RunState
from schedtui.testing import MemoryStore
from schedtui.triggers import Trigger

EVERY = {"type": "every", "seconds": 100}


async def made(kit: Kit, actor: str = "ann") -> None:
    """A job ``g/made`` that somebody creates now."""
    spec = JobSpec(function="g/work", name="made", trigger=EVERY)
    await kit.engine.submit_spec(spec, actor=actor)


async def test_paused_by_whom_and_why(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(150)
        await kit.engine.pause_job("g/work", reason="holidays", actor="ann")
        await kit.clock.advance(100)
        now = await why(kit, at(200))
        moment = await kit.crash()
    async with running(job.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(100)
        still = await why(kit, at(200))
        newest = await why(kit)
        await kit.engine.resume_job("g/work", actor="bob")
        await kit.clock.advance(100)
        later = await why(kit, at(200))

    since = "paused by ann: holidays, since 2026-03-02 12:02:30 UTC"
    for told in (now, still):
        assert (told.ran, told.state, kinds(told)) == (False, None, ["paused"])
        assert told.summary == f"g/work did not run for 2026-03-02 12:03:20 UTC: {since}."
        assert (told.facts[0].since, told.facts[0].actor) == (at(150), "ann")
    assert newest.due is not None
    assert newest.due.at == at(300)
    assert (later.ran, later.state, kinds(later)) == (False, RunState.SKIPPED, ["paused"])
    assert text(later, FactKind.PAUSED) == f"{since}, resumed by bob at 2026-03-02 12:05:50 UTC"
    assert later.facts[0].until == at(350)


async def test_a_pause_that_ends_by_itself(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(150)
        await kit.engine.pause_job("g/work", until=at(450), actor="ann")
        await kit.clock.advance(100)
        paused = await why(kit, at(200))
        ahead = await why(kit, at(300))
        await kit.clock.advance(300)
        told = await why(kit, at(300))
    assert text(paused, FactKind.PAUSED).endswith("until 2026-03-02 12:07:30 UTC")
    assert kinds(ahead) == ["paused", "upcoming"]
    assert ahead.summary.startswith("g/work will not run for 2026-03-02 12:05:00 UTC: paused by")
    assert text(told, FactKind.PAUSED).endswith("until 2026-03-02 12:07:30 UTC")


async def test_paused_after_failures(world: World) -> None:
    job = Held(pause_after_failures=1)
    job.errors.append(ValueError("no luck"))
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(250)
        told = await why(kit, at(200))
    assert "paused by engine: 1 run failed in a row; the last one, run 1, failed" in told.summary


async def test_declared_paused_and_resumed(world: World) -> None:
    job = Held(paused=True)
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(250)
        told = await why(kit, at(200))
        await kit.engine.resume_job("g/work", actor="bob")
        await kit.clock.advance(100)
        assert (await why(kit, at(300))).ran
    assert "paused by its declaration" in told.summary


async def test_a_blackout(world: World) -> None:
    group = Group("g")
    quiet = Except(Cron("*/2 * * * *"), windows=["12:01-12:03", "sat,sun"], dates=["2026-03-09"])

    @group.job(trigger=quiet)
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        await kit.clock.advance(300)
        first, second = await why(kit, "12:02"), await why(kit, "12:04")
        ahead = await why(kit, "2026-03-09 18:00")
    assert (first.ran, first.due, kinds(first)) == (False, None, ["blackout", "not_due"])
    assert first.summary == (
        "g/work was not due at 2026-03-02 12:02:00 UTC: its schedule leaves that time out: "
        "12:01-12:03."
    )
    assert second.ran
    assert text(ahead, FactKind.BLACKOUT) == "its schedule leaves that time out: 2026-03-09"


async def test_not_due_at_all(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(400)
        told = await why(kit, at(150))
        assert (told.ran, told.due, kinds(told)) == (False, None, ["not_due"])
        assert (told.before and told.before.at, told.after and told.after.at) == (at(100), at(200))
        assert told.summary == (
            "g/work was not due at 2026-03-02 12:02:30 UTC: by its schedule, every 1 min 40 s "
            "(UTC), it is due at 2026-03-02 12:01:40 UTC before that and at 2026-03-02 12:03:20 "
            "UTC after it."
        )


async def test_a_job_without_a_schedule(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        spec = JobSpec(function="g/work", name="made", trigger={"type": "never"})
        await kit.engine.submit_spec(spec)
        told = await why(kit, "now", "g/made")
    assert "it has no schedule: it runs by hand" in told.summary


async def test_what_is_to_come(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(50)
        told, not_due = await why(kit, at(200)), await why(kit, at(203))
    assert (told.ran, told.state, kinds(told)) == (False, None, ["upcoming"])
    assert told.summary == ("g/work is due at 2026-03-02 12:03:20 UTC: that is in 2 min 30 s.")
    assert "is not due at 2026-03-02 12:03:23 UTC" in not_due.summary


async def test_not_created_yet_and_deleted(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(150)
        await made(kit)
        await kit.clock.advance(100)
        early = await why(kit, at(100), "g/made")
        await kit.clock.advance(100)
        await kit.engine.remove_job("g/made", actor="bob")
        await kit.clock.advance(100)
        moment = await kit.crash()
    async with running(job.group, world=world, clock=KitClock(moment)) as kit:
        late, ran = await why(kit, at(400), "g/made"), await why(kit, at(300), "g/made")
        newest = await why(kit, None, "g/made")

    assert (early.due, kinds(early), early.before) == (None, ["not_created"], None)
    assert "the job was created at 2026-03-02 12:02:30 UTC by ann" in early.summary
    assert (early.after and early.after.at) == at(200)
    assert (late.due, kinds(late), late.after) == (None, ["deleted"], None)
    assert "bob deleted the job at 2026-03-02 12:05:50 UTC" in late.summary
    assert (ran.ran, ran.job_id) == (True, late.job_id)
    assert newest.due is not None
    assert newest.due.at == at(300)


async def test_the_job_that_had_the_name_then_is_meant(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await made(kit)
        await kit.clock.advance(250)
        await kit.engine.remove_job("g/made")
        await kit.clock.advance(100)
        await made(kit)
        await kit.clock.advance(100)
        first, between = await why(kit, at(200), "g/made"), await why(kit, at(300), "g/made")
        second = await why(kit, at(400), "g/made")
    assert (first.ran, second.ran, between.ran) == (True, True, False)
    assert first.job_id != second.job_id
    assert kinds(between) == ["not_created"]


async def test_a_run_that_its_jobs_end_cancelled(world: World) -> None:
    job = Held()
    async with running(job.group, world=world, async_slots=1) as kit:
        await made(kit)
        job.gate.clear()
        await kit.clock.advance(110)
        waiting = [await why(kit, at(100), name) for name in ("g/work", "g/made")]
        if waiting[1].state is not RunState.QUEUED:
            pytest.fail("the second of the two is to wait")
        await kit.engine.remove_job("g/made", actor="bob")
        await kit.clock.advance(10)
        told = await why(kit, at(100), "g/made")
    assert (told.ran, told.state, kinds(told)) == (False, RunState.CANCELLED, ["cancelled"])
    assert "its job was deleted by bob" in told.summary


async def test_orphaned(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(150)
        await kit.crash()
    empty = Group("g")
    async with running(empty, world=world, clock=KitClock(at(250))) as kit:
        await kit.clock.advance(100)
        told = await why(kit, at(300))
        down = await why(kit, at(200))
    assert (told.ran, kinds(told)) == (False, ["orphaned"])
    assert "its declaration was gone from the code" in told.summary
    assert told.facts[0].since == at(250)
    assert not down.ran


class Moody(Trigger):
    """Fails from a moment on."""

    until_us = 0

    def next_after_us(self, us: int) -> int | None:
        if us >= self.until_us:
            raise ValueError("out of order")
        return us - us % 100_000_000 + 100_000_000

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        raise ValueError(f"out of order: {after_us}, {until_us}, {limit}")

    def count(self, after_us: int, until_us: int) -> int:
        raise ValueError(f"out of order: {after_us}, {until_us}")

    def describe(self) -> str:
        return "moody"

    def short(self) -> str:
        return "moody"

    def to_json(self) -> dict[str, object]:
        return {"type": "moody"}

    def _key(self) -> tuple[object, ...]:
        return ()


async def test_broken(world: World) -> None:
    group, trigger = Group("g"), Moody()
    trigger.until_us = int(at(150).timestamp()) * 1_000_000

    @group.job(trigger=trigger)
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        await kit.clock.advance(250)
        failed, later = await why(kit, at(200)), await why(kit, at(230))
    assert (failed.ran, failed.state, kinds(failed)[0]) == (False, RunState.MISSED, "broken")
    assert "its trigger failed: ValueError: out of order" in failed.summary
    assert not later.ran


async def test_finished_by_max_runs(world: World) -> None:
    job = Held(max_runs=1)
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(250)
        told, ahead = await why(kit, at(200)), await why(kit, at(900))
    assert (told.ran, kinds(told)) == (False, ["finished"])
    assert "as many of its due times had run as max_runs=1 says" in told.summary
    assert kinds(ahead) == ["finished", "upcoming"]


async def test_no_due_time_left(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        once = {"type": "once", "at": at(100).isoformat()}
        spec = JobSpec(function="g/work", name="made", trigger=once)
        await kit.engine.submit_spec(spec)
        await kit.clock.advance(250)
        told, ran = await why(kit, at(200), "g/made"), await why(kit, None, "g/made")
    assert (told.due, kinds(told)) == (None, ["not_due", "finished"])
    assert text(told, FactKind.FINISHED) == (
        "its schedule had no due time left after 2026-03-02 12:01:40 UTC"
    )
    assert told.after is None
    assert (ran.ran, ran.due and ran.due.at) == (True, at(100))


async def test_another_schedule_then(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await made(kit)
        await kit.clock.advance(350)
        patch = JobPatch(trigger={"type": "every", "seconds": 45}, timezone="Europe/Berlin")
        await kit.engine.edit_job("g/made", patch, actor="bob")
        await kit.clock.advance(100)
        by_old, not_then = await why(kit, at(300), "g/made"), await why(kit, at(241), "g/made")
        then, by_new = await why(kit, at(225), "g/made"), await why(kit, at(405), "g/made")
        await kit.engine.edit_job("g/made", JobPatch(tags=("x",)), actor="bob")
        same = await why(kit, at(405), "g/made")

    edited = (
        "its schedule was every 1 min 40 s (UTC) then; bob changed it to every 45 s "
        "(Europe/Berlin) at 2026-03-02 12:05:50 UTC"
    )
    assert (by_old.ran, kinds(by_old), by_old.timezone) == (True, ["run", "edited"], "UTC")
    assert text(by_old, FactKind.EDITED) == edited
    # At 12:03:45 it would have been due by the schedule it has now.
    assert (then.due, kinds(then)) == (None, ["edited", "not_due"])
    assert edited in then.summary
    assert kinds(not_then) == ["not_due"]
    assert (by_new.ran, kinds(by_new), by_new.timezone) == (True, ["run"], "Europe/Berlin")
    assert by_new.summary.startswith("g/made ran for 2026-03-02 13:06:45 CET")
    assert kinds(same) == ["run"]


async def test_renamed_since(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await made(kit)
        await kit.clock.advance(150)
        await kit.engine.edit_job("g/made", JobPatch(name="other"))
        told = await why(kit, at(100), "g/other")
        early = await why(kit, at(-100), "g/other")
        with pytest.raises(JobNotFoundError):
            await why(kit, at(100), "g/made")
    assert told.ran
    assert "created at 2026-03-02 12:00:00 UTC by ann" in early.summary


async def test_what_is_not_kept_any_more_is_not_made_up() -> None:
    job = Held()
    async with running(job.group) as kit:
        await kit.clock.advance(150)
        assert isinstance(kit.store.inner, MemoryStore)
        kit.store.inner._data.runs.clear()
        told = await why(kit, at(100))
    assert (told.ran, told.state, kinds(told)) == (False, None, ["no_row"])


async def test_it_can_be_asked_from_other_threads() -> None:
    job = Held(every=3_600)
    engine = Engine(groups=[job.group], store="memory://").run_in_thread()
    try:
        told = engine.sync.explain("g/work")
        assert kinds(told) == ["not_due"]
    finally:
        engine.close()


async def test_the_whole_engine_was_paused(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(150)
        await kit.engine.pause_engine(reason="moving", actor="ann")
        await kit.clock.advance(70)
        now = await why(kit, at(200))
        moment = await kit.crash()
    async with running(job.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(30)
        still = await why(kit, at(200))
        await kit.engine.resume_engine(actor="bob")
        await kit.clock.advance(100)
        later, after = await why(kit, at(200)), await why(kit, at(300))

    said = "the engine was paused by ann: moving, since 2026-03-02 12:02:30 UTC"
    for told in (now, still):
        assert (told.ran, told.state, kinds(told)) == (False, None, ["paused"])
        assert told.summary == f"g/work did not run for 2026-03-02 12:03:20 UTC: {said}."
        assert told.facts[0].actor == "ann"
    assert (later.ran, later.state, kinds(later)) == (False, RunState.SKIPPED, ["paused"])
    assert said in later.summary
    assert after.ran
