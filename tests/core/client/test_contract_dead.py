"""What every client promises: what failed for good is listed, replayed or dismissed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from client_contract import ended, spec

from schedtui.errors import ConflictError, InvalidError, JobNotFoundError, RunNotFoundError
from schedtui.models import Policies, Run, RunFilter, RunState, Source
from schedtui.protocols import EngineClient

DEAD = RunFilter(dead=True)


async def failed(client: EngineClient, job: str = "work/bad") -> Run:
    return await ended(client, await client.trigger_job(job))


async def a_bad_job(client: EngineClient, name: str = "bad", **changed: object) -> None:
    await client.create_job(spec(name=name, function="work/fail", kwargs={}, **changed))


async def dead(client: EngineClient, **where: object) -> list[int]:
    found = await client.runs(replace(DEAD, **where))  # type: ignore[arg-type]  # names of fields
    return [run.id for run in found.items]


async def test_what_failed_is_listed_until_it_was_replayed(client: EngineClient) -> None:
    await a_bad_job(client)
    good = await client.create_job(spec(name="good"))
    await ended(client, await client.trigger_job(good.full_name))
    first, second = [await failed(client) for _ in range(2)]
    direct = await ended(client, await client.run_function("work/fail"))

    assert await dead(client) == [direct.id, second.id, first.id]
    assert await dead(client, job="work/bad") == [second.id, first.id]
    assert await dead(client, function="work/fail") == [direct.id, second.id, first.id]
    assert await dead(client, error_type="RuntimeError", since=second.claimed_at) == [
        direct.id,
        second.id,
    ]
    assert await dead(client, error_type="ValueError") == []
    page = await client.runs(DEAD, limit=2)
    assert [run.id for run in page.items] == [direct.id, second.id]
    assert [run.id for run in (await client.runs(DEAD, cursor=page.cursor)).items] == [first.id]

    dry = await client.replay_runs(RunFilter(job="work/bad"), dry_run=True)
    assert (dry.found, dry.done, dry.dry_run) == (2, 2, True)
    assert [(one.run, one.done, one.new_run) for one in dry.letters] == [
        (first.id, True, None),
        (second.id, True, None),
    ]
    assert await dead(client, job="work/bad") == [second.id, first.id]

    answer = await client.replay_runs([first.id, direct.id])

    assert (answer.found, answer.done, answer.left) == (2, 2, 0)
    again = [await ended(client, await client.run(one.new_run or 0)) for one in answer.letters]
    assert [(run.parent_id, run.source) for run in again] == [
        (first.id, Source.RERUN),
        (direct.id, Source.RERUN),
    ]
    old = await client.run(first.id)
    assert old.handled.startswith("replayed by ")
    assert old.handled.endswith(f": run {again[0].id}")
    assert not old.is_dead
    assert await dead(client) == sorted([second.id, *(run.id for run in again)], reverse=True)


async def test_a_window_is_replayed_in_order_and_as_many_as_asked(client: EngineClient) -> None:
    await a_bad_job(client, policies=Policies(overlap=None))
    runs = [await failed(client) for _ in range(3)]
    window = RunFilter(since=runs[1].claimed_at, until=runs[2].claimed_at + timedelta(seconds=1))

    answer = await client.replay_runs(window, limit=1)

    assert (answer.found, answer.done, answer.left) == (2, 1, 1)
    assert [one.run for one in answer.letters] == [runs[1].id]
    assert await dead(client, until=runs[2].claimed_at) == [runs[0].id]


async def test_all_run_although_the_job_forbids_overlap(client: EngineClient) -> None:
    await a_bad_job(client)
    runs = [await failed(client) for _ in range(4)]

    answer = await client.replay_runs(RunFilter(group="work"))

    again = [await ended(client, await client.run(one.new_run or 0)) for one in answer.letters]
    assert [run.state for run in again] == [RunState.FAILED] * 4
    assert [run.parent_id for run in again] == [run.id for run in runs]


async def test_the_same_one_is_not_replayed_twice(client: EngineClient) -> None:
    await a_bad_job(client)
    run = await failed(client)
    first = await client.replay_runs([run.id])
    new = first.letters[0].new_run

    second = await client.replay_runs([run.id, run.id, 999_999])

    assert (second.found, second.done) == (2, 0)
    assert second.letters[0].problem.endswith(f": run {new}")
    assert "999999" in second.letters[1].problem.replace(",", "")
    assert len((await client.runs(RunFilter(source=Source.RERUN))).items) == 1


async def test_a_rerun_and_a_backfill_are_replays_too(client: EngineClient) -> None:
    await a_bad_job(client, trigger={"type": "cron", "expression": "0 * * * *"})
    run = await failed(client)
    again = await ended(client, await client.rerun(run.id))
    assert await dead(client) == [again.id]

    day = ("2026-01-10 10:00", "2026-01-10 11:00")
    backfill = await client.backfill_job("work/bad", *day)
    due = await ended(client, await client.run(backfill.runs[0]))
    assert await dead(client) == [due.id, again.id]
    backfill = await client.backfill_job("work/bad", *day)
    due_again = await ended(client, await client.run(backfill.runs[0]))
    assert await dead(client, source=Source.BACKFILL) == [due_again.id, due.id]


async def test_a_key_makes_it_safe_to_send_again(client: EngineClient) -> None:
    await a_bad_job(client)
    await failed(client)
    where = RunFilter(job="work/bad", source=Source.MANUAL)

    first = await client.replay_runs(where, idempotency_key="k")
    await failed(client)
    again = await client.replay_runs(where, idempotency_key="k")

    assert (first.done, first.replayed) == (1, False)
    assert again == replace(first, replayed=True)
    for other in (replace(where, group="work"), [first.letters[0].run]):
        with pytest.raises(ConflictError, match="with other arguments; nothing was started"):
            await client.replay_runs(other, idempotency_key="k")
    assert (await client.replay_runs(where, dry_run=True, idempotency_key="k")).done == 1


async def test_a_replay_of_nothing_leaves_nothing_behind(client: EngineClient) -> None:
    await a_bad_job(client)
    before = len((await client.audit()).items)
    for _ in range(2):
        nothing = await client.replay_runs(RunFilter(job="work/bad"), idempotency_key="k")
        assert (nothing.found, nothing.replayed) == (0, False)
        await client.replay_runs([99])
    assert len((await client.audit()).items) == before

    await failed(client)
    first = await client.replay_runs(RunFilter(job="work/bad"), idempotency_key="k")
    assert (first.done, first.replayed) == (1, False)


async def test_what_is_dismissed_says_so(client: EngineClient) -> None:
    await a_bad_job(client)
    runs = [await failed(client) for _ in range(2)]

    assert (await client.dismiss_runs(RunFilter(job="work/bad"), dry_run=True)).done == 2
    assert len(await dead(client)) == 2
    answer = await client.dismiss_runs([runs[0].id], note="the mail server was down")

    assert (answer.done, answer.letters[0].new_run) == (1, None)
    told = (await client.run(runs[0].id)).handled
    assert told.startswith("dismissed by ")
    assert told.endswith(": the mail server was down")
    assert await dead(client) == [runs[1].id]
    assert (await client.dismiss_runs(RunFilter(job="work/bad"))).done == 1
    lines = [line for line in (await client.audit()).items if line.action == "run.dismiss"]
    assert [(line.object, line.detail["run"]) for line in lines[::-1]] == [
        ("work/bad", run.id) for run in runs
    ]
    assert (await client.replay_runs([runs[0].id])).letters[0].problem.endswith("server was down")


async def test_what_cannot_be_replayed_is_left_out_and_told(client: EngineClient) -> None:
    await a_bad_job(client, "gone")
    await a_bad_job(client, "bad")
    gone, bad = await failed(client, "work/gone"), await failed(client)
    await client.delete_job("work/gone")
    good = await ended(client, await client.run_function("work/greet", {"name": "Bo"}))

    answer = await client.replay_runs([good.id, gone.id, bad.id])

    assert [(one.run, one.done) for one in answer.letters] == [
        (good.id, False),
        (gone.id, False),
        (bad.id, True),
    ]
    assert "has not failed (succeeded)" in answer.letters[0].problem
    assert "was deleted" in answer.letters[1].problem


async def test_what_cannot_be_replayed_keeps_no_other_one_from_it(client: EngineClient) -> None:
    await a_bad_job(client, "gone")
    await a_bad_job(client, policies=Policies(overlap=None))
    gone = [await failed(client, "work/gone") for _ in range(2)]
    bad = [await failed(client) for _ in range(3)]
    await client.delete_job("work/gone")
    where = RunFilter(group="work", until=bad[2].claimed_at + timedelta(seconds=1))
    told: list[tuple[int, int, int, list[int]]] = []
    problem = ""
    for dry_run in (True, False, False):
        answer = await client.replay_runs(where, limit=1, dry_run=dry_run)
        problem = answer.letters[0].problem
        told.append((answer.found, answer.done, answer.left, [one.run for one in answer.letters]))
        for one in answer.letters:
            if one.new_run is not None:
                await ended(client, await client.run(one.new_run))

    first = (5, 1, 2, [*(run.id for run in gone), bad[0].id])
    assert told[:2] == [first, first]
    assert told[2][3] == [*(run.id for run in gone), bad[1].id]
    assert "was deleted" in problem


async def test_those_of_other_groups_are_as_if_they_were_not_there(client: EngineClient) -> None:
    await a_bad_job(client)
    runs = [await failed(client), await ended(client, await client.run_function("work/fail"))]
    ids = [run.id for run in runs]

    for call in (client.replay_runs, client.dismiss_runs):
        for groups in ((), ("wor", "work/fail", "%", "")):
            assert (await call(RunFilter(state=RunState.FAILED), groups=groups)).found == 0
            answer = await call(ids, groups=groups)
            assert (answer.found, answer.done) == (2, 0)
            for run_id, one in zip(ids, answer.letters, strict=True):
                assert (one.run, one.job, one.problem) == (
                    run_id,
                    "",
                    str(RunNotFoundError(run_id)),
                )
    where = RunFilter(function="work/fail")
    assert (await client.replay_runs(where, groups=["a", "work"], dry_run=True)).done == 2
    assert (await client.dismiss_runs(where, groups=["work"])).done == 2


async def test_those_of_the_jobs_with_a_tag_are_replayed_and_dismissed(
    client: EngineClient,
) -> None:
    for name, tags in (("a", ("night",)), ("b", ("day", "night")), ("c", ("day",))):
        await a_bad_job(client, name, tags=tags)
    runs = {name: await failed(client, f"work/{name}") for name in "abc"}
    await ended(client, await client.run_function("work/fail"))

    assert await dead(client, tag="night") == [runs["b"].id, runs["a"].id]
    dry = await client.dismiss_runs(RunFilter(tag="night"), dry_run=True)
    assert [one.run for one in dry.letters] == [runs["a"].id, runs["b"].id]
    both = RunFilter(tag="day", job="work/b")
    assert [one.run for one in (await client.replay_runs(both)).letters] == [runs["b"].id]
    assert (await client.replay_runs(RunFilter(tag="nobody's"))).found == 0
    left = await client.dismiss_runs(RunFilter(tag="day", error_type="RuntimeError"))
    assert left.letters[0].run == runs["c"].id
    assert runs["a"].id in await dead(client)


async def test_what_says_nothing_is_refused(client: EngineClient) -> None:
    nothing: tuple[RunFilter | list[int], ...] = (RunFilter(), DEAD, [])
    for which in nothing:
        for call in (client.replay_runs, client.dismiss_runs):
            with pytest.raises(InvalidError):
                await call(which)
    with pytest.raises(InvalidError, match="limit"):
        await client.replay_runs([1], limit=0)
    with pytest.raises(InvalidError, match="note"):
        await client.dismiss_runs([1], note="x" * 1_001)
    with pytest.raises(JobNotFoundError):
        await client.replay_runs(RunFilter(job="work/nobody"))


async def test_two_at_once_replay_it_once(client: EngineClient) -> None:
    await a_bad_job(client)
    run = await failed(client)

    answers = await asyncio.gather(
        *(client.replay_runs([run.id]) for _ in range(3)), return_exceptions=True
    )

    done = [one for one in answers if not isinstance(one, BaseException) and one.done]
    assert len(done) == 1
    assert all(isinstance(one, ConflictError) or one.done in (0, 1) for one in answers)  # type: ignore[union-attr]  # or a test fails
    assert len((await client.runs(RunFilter(source=Source.RERUN))).items) == 1
