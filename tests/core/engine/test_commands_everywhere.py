"""What is asked for: the same for functions on the loop, in threads and in processes."""

from __future__ import annotations

from engine_kit import Kit, KitClock, at, due_s
from policy_stage import Stage, begun

from schedtui import After
from schedtui.models import Run, RunState, Source, WaitReason

OK, FAILED, CANCELLED = RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED
QUEUED, RUNNING = RunState.QUEUED, RunState.RUNNING

QUICK = {"gate": False}


def chained(rows: list[Run]) -> set[tuple[str, int | None]]:
    """The jobs of the runs that follow others, and which ones these are."""
    return {(run.job, run.parent_id) for run in rows if run.source is Source.CHAIN}


async def test_a_chain(stage: Stage) -> None:
    stage.job("first", every=None)
    stage.job("broken", every=None, kwargs={"fails": 9, "gate": False}, retries=1, retry_delay_s=0)
    first, broken = "g/first", "g/broken"
    stage.job("good", every=None, kwargs=QUICK, after=[first, broken])
    stage.job("bad", every=None, kwargs=QUICK, after=[After(job=broken, on="failure")])
    stage.job("any", every=None, kwargs=QUICK, after=[After(job=first, on="end")])
    async with begun(stage) as kit:
        one = await kit.client.trigger_job(first)
        await stage.at_work(kit, 1)
        await stage.become(kit, RUNNING)
        stage.let(f"go-{one.id}")
        rows = await stage.become(kit, OK, OK, OK)
        assert chained(rows) == {("g/good", one.id), ("g/any", one.id)}

        two = await kit.client.trigger_job(broken)
        rows = await stage.become(kit, OK, OK, OK, FAILED, OK)
        assert chained(rows[3:]) == {("g/bad", two.id)}
        assert stage.began.count((broken, two.id, 2)) == 1

        three = await kit.client.trigger_job(first)
        await kit.until(lambda: (first, three.id, 1) in stage.began)
        await kit.engine.cancel_run(three.id)
        rows = await stage.become(kit, OK, OK, OK, FAILED, OK, CANCELLED, OK)
        assert chained(rows[5:]) == {("g/any", three.id)}


async def test_a_backfill(stage: Stage) -> None:
    async with begun(stage.job(overlap="skip")) as kit:
        await kit.engine.backfill_job("g/work", at(-50), at(-10))
        rows = await stage.become(kit, RUNNING, QUEUED, QUEUED, QUEUED)
        assert [(run.source, due_s(run)) for run in rows] == [
            (Source.BACKFILL, due) for due in (-50, -40, -30, -20)
        ]
        await stage.at_work(kit, 1)  # they wait for each other although overlap is skip
        stage.let(f"go-{rows[0].id}")
        await stage.become(kit, OK, RUNNING, QUEUED, QUEUED)
        assert await kit.engine.cancel_backfill("g/work") == 2
        await stage.become(kit, OK, RUNNING, CANCELLED, CANCELLED)
        stage.let("open")
        await stage.become(kit, OK, OK, CANCELLED, CANCELLED)
        assert [run_id for _, run_id, _ in stage.began] == [run.id for run in rows[:2]]
        assert stage.most == 1
        again = await kit.engine.backfill_job("g/work", at(-50), at(-10))
        assert (again.queued, again.backfilled) == (2, 2)
        await stage.become(kit, OK, OK, CANCELLED, CANCELLED, OK, OK)


async def test_the_limit_of_a_group(stage: Stage) -> None:
    stage = Stage(stage.kind, stage.folder, limit=2)
    for name in ("one", "two", "three"):
        stage.job(name, every=None)
    async with begun(stage) as kit:
        for name in ("one", "two", "three"):
            await kit.client.trigger_job(f"g/{name}")
        await kit.engine.run_function(stage.function, {"folder": str(stage.folder)})
        *_, three, direct = await stage.become(kit, RUNNING, RUNNING, QUEUED, QUEUED)
        assert {three.wait_reason, direct.wait_reason} == {WaitReason.POOL}
        await stage.at_work(kit, 2)
        stage.let("open")
        await stage.become(kit, OK, OK, OK, OK)
        assert stage.most == 2


async def test_a_run_without_a_job(stage: Stage) -> None:
    stage = Stage(stage.kind, stage.folder, retries=1, retry_delay_s=0)
    stage.job(every=None, overlap="skip")
    given = {"folder": str(stage.folder)}
    async with begun(stage) as kit:
        run = await kit.engine.run_function(stage.function, given)
        other = await kit.engine.run_function(
            stage.function, given
        )  # they do not wait for each other
        await kit.client.trigger_job("g/work")
        rows = await stage.become(kit, RUNNING, RUNNING, RUNNING)
        assert [row.job_id == 0 for row in rows] == [True, True, False]
        await stage.at_work(kit, 3)
        await kit.engine.cancel_run(other.id)
        await stage.become(kit, RUNNING, CANCELLED, RUNNING)
        stage.let("open")
        (row, *_) = await stage.become(kit, OK, CANCELLED, OK)
        assert (row.id, row.result, row.source) == (run.id, '"done"', Source.MANUAL)
        await kit.engine.run_function(stage.function, {**given, "fails": 1})
        *_, row = await stage.become(kit, OK, CANCELLED, OK, OK)
        assert row.attempt == 2  # its group says so


async def test_an_idempotency_key(stage: Stage) -> None:
    given = {"folder": str(stage.folder), **QUICK}

    async def ask(kit: Kit) -> list[Run]:
        trigger, function = kit.client.trigger_job, kit.engine.run_function
        return [
            await trigger("g/work", idempotency_key="order"),
            await function(stage.function, given, idempotency_key="order"),
        ]

    async with begun(stage.job(every=None, kwargs=QUICK)) as kit:
        first = await ask(kit)
        await stage.become(kit, OK, OK)
        again = await ask(kit)
        assert [run.replayed for run in first + again] == [False, False, True, True]
        assert [run.id for run in again] == [run.id for run in first]
        moment = await kit.crash()
    async with begun(stage, KitClock(moment)) as kit:
        assert [run.id for run in await ask(kit)] == [run.id for run in first]
        await stage.become(kit, OK, OK)
        assert len(stage.began) == 2
