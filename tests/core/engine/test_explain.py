"""Why a due time ran, ran late, or did not run, on a real engine: what its row says, and why."""

from __future__ import annotations

from typing import Any

import pytest
from engine_kit import KitClock, World, at, back, running
from explain_kit import Held, kinds, text, why

from schedtui.errors import InvalidError, JobNotFoundError
from schedtui.models import FactKind, RunState, Source


async def test_it_ran(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(250)
        told = await why(kit, at(100))

    assert (told.due and told.due.at, told.ran, told.state) == (at(100), True, RunState.SUCCEEDED)
    assert told.summary == (
        "g/work ran for 2026-03-02 12:01:40 UTC: run 1 started at 2026-03-02 12:01:40 UTC and "
        "succeeded after 0 s."
    )
    assert (kinds(told), told.runs) == (["run"], (1,))
    assert told.before is None
    assert told.after is not None
    assert told.after.at == at(200)
    assert told.after.local == "2026-03-02T12:03:20+00:00"


async def test_without_a_moment_the_newest_due_time_is_meant(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        before = await why(kit)
        assert (before.due, before.asked.at) == (None, at(0))
        await kit.clock.advance(250)
        told = await why(kit)
    assert (told.due and told.due.at, told.runs) == (at(200), (2,))


async def test_a_minute_means_the_first_due_time_in_it_or_one_near_to_it(world: World) -> None:
    job = Held(every=7)
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(400)
        for asked, due_s in (("12:02", 120), ("12:00", 1), (at(60), 64), ("12:00:15", 15)):
            found = (await why(kit, asked)).due
            assert found is not None, asked
            assert found.at == at(due_s), asked
        assert (await why(kit, at(13))).due is None
        assert (await why(kit, "12:00:13")).due is None
    job = Held(every=250)
    async with running(job.group) as kit:
        await kit.clock.advance(1_000)
        near = [(await why(kit, at(60 * minute))).due for minute in (2, 3, 4, 6, 7, 8)]
    assert [None if one is None else one.at for one in near] == [
        at(200),  # twenty seconds after that minute
        at(200),
        None,
        None,
        at(450),
        at(450),  # thirty seconds before
    ]


async def test_it_runs_now_or_failed(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.clock.advance(130)
        told = await why(kit, at(100))
        assert (told.ran, told.state) == (True, RunState.RUNNING)
        assert "run 1 has been running since 2026-03-02 12:01:40 UTC" in told.summary
        job.errors.append(ValueError("no luck"))
        job.gate.set()
        await kit.clock.settle()
        told = await why(kit, at(100))
    assert (told.ran, told.state, kinds(told)) == (True, RunState.FAILED, ["run", "error"])
    assert text(told, FactKind.RUN).endswith("failed after 30 s")
    assert text(told, FactKind.ERROR) == "ValueError: no luck"


async def test_attempts_and_what_it_waits_for_between_them(world: World) -> None:
    job = Held(retries=2, retry_delay_s=20, retry_backoff=2, retry_jitter=0)
    job.errors = [ValueError("one"), ValueError("two")]
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(110)
        waiting = await why(kit, at(100))
        await kit.clock.advance(80)
        done = await why(kit, at(100))

    assert (waiting.ran, waiting.state) == (True, RunState.QUEUED)
    assert kinds(waiting) == ["waiting", "attempt"]
    assert (
        text(waiting, FactKind.WAITING) == "run 1 waits for its next attempt, which is due in 10 s"
    )
    assert "g/work is to run again for 2026-03-02 12:01:40 UTC" in waiting.summary
    assert text(waiting, FactKind.ATTEMPT) == (
        "attempt 1 failed (ValueError: one); the next one is due at 2026-03-02 12:02:00 UTC"
    )
    assert (done.state, kinds(done)) == (RunState.SUCCEEDED, ["run", "attempt", "attempt"])
    assert text(done, FactKind.ATTEMPT) == (
        "attempt 1 failed (ValueError: one); the next one followed 20 s later; "
        "attempt 2 failed (ValueError: two); the next one followed 40 s later"
    )
    assert "late" not in kinds(done)  # its first attempt was in time


async def test_overlap_with_which_run(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.clock.advance(250)
        job.gate.set()
        await kit.clock.settle()
        told = await why(kit, at(200))

    assert (told.ran, told.state, told.runs) == (False, RunState.SKIPPED, (2, 1))
    assert told.summary == (
        "g/work did not run for 2026-03-02 12:03:20 UTC: overlap: run 1 is still active."
    )
    first, second = told.facts
    assert (first.kind, second.kind, second.run_id) == (FactKind.OVERLAP, FactKind.OVERLAP, 1)
    assert second.text == (
        "run 1 started at 2026-03-02 12:01:40 UTC and succeeded after 2 min 30 s "
        "(due 2026-03-02 12:01:40 UTC)"
    )
    assert (second.since, second.until) == (at(100), at(250))


@pytest.mark.parametrize("orderly", [True, False])
async def test_past_its_grace_because_the_engine_was_down(world: World, orderly: bool) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(50)
        await (kit.stop() if orderly else kit.crash())
    async with running(job.group, world=world, clock=KitClock(at(500.5))) as kit:
        await kit.clock.advance(1)
        told = await why(kit, at(300))

    assert (told.ran, told.state) == (False, RunState.MISSED)
    assert kinds(told) == ["grace", "engine_down"]
    grace, down = told.facts
    assert grace.text == "found 200.5 s late, past its grace of 60 s"
    assert grace.lasted_s == 200.5
    assert down.text == (
        "the engine did not run from 2026-03-02 12:00:50 UTC to 2026-03-02 12:08:20.5 UTC"
        + ("" if orderly else " (it did not stop in order)")
    )
    assert (down.since, down.until) == (at(50), at(500.5))


async def test_a_stretch_of_which_nobody_took_notice(world: World) -> None:
    job = Held(every=1)
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(5)
        await kit.crash()
    async with running(job.group, world=world, clock=KitClock(at(4_000))) as kit:
        await kit.clock.advance(1)
        told = await why(kit, at(1_234))

    assert (told.due and told.due.at, told.state) == (at(1_234), RunState.MISSED)
    assert kinds(told) == ["grace", "engine_down", "stretch"]
    assert told.facts[0].lasted_s == 4_000 - 1_234
    stands = told.facts[2]
    assert stands.text.startswith("one row stands for 3,")
    assert stands.since == at(6)


async def test_caught_up_late(world: World) -> None:
    job = Held(catch_up="latest")
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(50)
        await kit.crash()
    async with running(job.group, world=world, clock=KitClock(at(490))) as kit:
        await kit.clock.advance(1)
        caught, missed = await why(kit, at(400)), await why(kit, at(300))

    assert (caught.ran, caught.state) == (True, RunState.SUCCEEDED)
    assert kinds(caught) == ["run", "late", "catch_up", "engine_down"]
    assert text(caught, FactKind.LATE) == "it started 90 s after its due time".replace(
        "90 s", "1 min 30 s"
    )
    assert "catch_up is 'latest'" in text(caught, FactKind.CATCH_UP)
    assert kinds(missed) == ["grace", "engine_down"]


async def test_late_but_within_its_grace(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(95)
        await kit.stop()
    async with running(job.group, world=world, clock=KitClock(at(130))) as kit:
        await kit.clock.advance(1)
        told = await why(kit, at(100))
    assert (told.ran, kinds(told)) == (True, ["run", "late", "engine_down"])
    assert told.facts[1].lasted_s == 30


async def test_late_because_the_store_did_not_answer(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(95)
        kit.faults.down = True
        await kit.clock.advance(30)
        undecided = await why(kit, at(100))
        await back(kit)
        await kit.clock.advance(2)
        told = await why(kit, at(100))

    assert (undecided.ran, undecided.state, kinds(undecided)) == (False, None, ["pending"])
    assert "the disk is full" in undecided.summary
    assert (told.ran, kinds(told)) == (True, ["run", "late", "late"])
    assert "the engine, or its store, was busy" in told.facts[2].text


async def test_its_jitter_spread_it(world: World) -> None:
    job = Held(every=1_000, jitter_s=300)
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(201)
        waiting = await why(kit, at(200))
        assert (waiting.ran, waiting.state) == (False, RunState.QUEUED)
        assert "run 1 waits until its jitter has passed, in " in waiting.summary
        assert "g/work has not run yet for 2026-03-02 12:03:20 UTC" in waiting.summary
        until = waiting.facts[0].until
        await kit.clock.advance(300)
        told = await why(kit, at(200))
    assert (told.ran, kinds(told)) == (True, ["run", "late", "waiting"])
    assert text(told, FactKind.WAITING).startswith("its jitter spread it by ")
    assert told.facts[2].until == until


async def test_it_waits_for_its_turn_a_slot_or_a_pool(world: World) -> None:
    job = Held(overlap="queue_all")
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.clock.advance(210)
        told = await why(kit, at(200))
        assert text(told, FactKind.WAITING) == (
            "run 2 waits for its turn: run 1 of its job is active"
        )
        job.gate.set()
        await kit.clock.settle()
        done = await why(kit, at(200))
    assert (done.ran, kinds(done), done.runs) == (True, ["run", "late", "waiting"], (2, 1))
    assert text(done, FactKind.WAITING).startswith("it waited 10 s for its turn: run 1 started at")


@pytest.mark.parametrize(
    ("settings", "policies", "words", "later"),
    [
        (
            {"pools": {"db": 1}},
            {"pool": "db"},
            "for a place in pool 'db', which has all 1 of its places taken",
            "it waited 10 s for a free slot, or a place in pool 'db'",
        ),
        (
            {"limit": 1},
            {},
            "for a place in group 'g', which has all 1 of its places taken",
            "it waited 10 s for a free slot, or one of the 1 of its group",
        ),
        ({"async_slots": 1}, {}, "for a free slot of its executor", "it waited 10 s for a free"),
    ],
)
async def test_it_waits_for_a_place(
    world: World, settings: dict[str, Any], policies: dict[str, Any], words: str, later: str
) -> None:
    job = Held(**policies)
    job.group.job(every=100, name="other", **policies)(job.work)
    job.group.limit = settings.get("limit")
    engine = {name: value for name, value in settings.items() if name != "limit"}
    async with running(job.group, world=world, **engine) as kit:
        job.gate.clear()
        await kit.clock.advance(110)
        told = [await why(kit, at(100), name) for name in ("g/work", "g/other")]
        (waiting,) = [one for one in told if one.state is RunState.QUEUED]
        assert text(waiting, FactKind.WAITING) == f"run {waiting.runs[0]} waits {words}"
        job.gate.set()
        await kit.clock.settle()
        done = await why(kit, at(100), waiting.job)
    assert text(done, FactKind.WAITING).startswith(later)


async def test_it_waited_too_long_for_its_start(world: World) -> None:
    job = Held(overlap="queue_all", start_within_s=30)
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.clock.advance(240)
        told = await why(kit, at(200))
    assert (told.ran, told.state, kinds(told)[0]) == (False, RunState.MISSED, "waiting")
    assert "past start_within_s=30" in told.summary


async def test_cancelled_in_the_queue_and_while_it_ran(world: World) -> None:
    job = Held(overlap="queue_all")
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.clock.advance(210)
        await kit.engine.cancel_run(2, reason="not today", actor="ann")
        await kit.engine.cancel_run(1, actor="bob")
        await kit.clock.advance(1)
        queued, ran = await why(kit, at(200)), await why(kit, at(100))
    assert (queued.ran, queued.state, kinds(queued)) == (False, RunState.CANCELLED, ["cancelled"])
    assert "cancelled by ann: not today" in queued.summary
    assert (ran.ran, ran.state, kinds(ran)) == (True, RunState.CANCELLED, ["run", "cancelled"])
    assert text(ran, FactKind.CANCELLED) == "cancelled by bob"


async def test_a_newer_run_took_its_place(world: World) -> None:
    job = Held(overlap="cancel_running")
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.clock.advance(210)
        told = await why(kit, at(100))
    assert (told.state, told.runs[:2]) == (RunState.CANCELLED, (1,))
    assert "run 2 takes its place" in text(told, FactKind.CANCELLED)


async def test_lost_with_its_engine(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.clock.advance(110)
        await kit.crash()
    async with running(job.group, world=world, clock=KitClock(at(120))) as kit:
        told = await why(kit, at(100))
    assert (told.ran, told.state, kinds(told)) == (True, RunState.LOST, ["run", "lost"])
    assert "its engine ended while it ran" in text(told, FactKind.LOST)


async def test_a_timeout(world: World) -> None:
    job = Held(timeout_s=5)
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.clock.advance(110)
        told = await why(kit, at(100))
    assert (told.ran, told.state) == (True, RunState.TIMED_OUT)
    assert "ran into its timeout after 5 s" in told.summary


async def test_a_run_by_hand_is_told_where_nothing_was_due(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(400)
        run = await kit.engine.trigger_job("g/work", actor="ann")
        await kit.clock.advance(300)
        told = await why(kit, "12:06:40")
        other = await why(kit, "12:10")
    assert (told.due and told.due.at, told.runs) == (at(400), (4, run.id))
    assert text(told, FactKind.UNSCHEDULED).endswith(f"for the reason {Source.MANUAL.value} by ann")
    assert "unscheduled" not in kinds(other)


async def test_bad_questions_are_refused(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        with pytest.raises(JobNotFoundError):
            await why(kit, None, "g/none")
        with pytest.raises(InvalidError, match="yesterday 9:00"):
            await why(kit, "whenever")
        with pytest.raises(InvalidError, match="time zone"):
            await why(kit, at(0).replace(tzinfo=None))
        with pytest.raises(InvalidError):
            await why(kit, None, "no group")
