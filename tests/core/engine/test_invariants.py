"""Whatever is done to an engine, and wherever it is killed: the invariants of every run hold.

Each example is a random life: jobs with random policies, functions that succeed, fail or hang,
commands of people, a store that is away, kills before and after any write, and restarts; on a real
SQLite file. At each stop and restart:

- every due time of every job has exactly one row, single or in a range;
- a run moved only along the allowed edges, and no attempt was executed twice;
- no more runs of a job, a pool or an executor are under way than may be;
- each end of a run has one run of each job that follows it, and no other run follows;
- what the engine counts in memory is what the store says.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain_kit import unchained
from engine_kit import Kit, KitClock, World, check
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedtui import After, Group, current_run, log
from schedtui.errors import ConflictError, StoreUnavailableError
from schedtui.models import JobPatch, Policies, RunState
from schedtui.policies import make

NAMES = ("a", "b", "c")
METHODS = ("claim", "start", "finish", "retry", "settle", "update_job", "append_logs", "beat")
WHEN = ("before", "after", "commit", "committed")


EDGES = {
    "g/b": (After(job="g/a"),),
    "g/c": (After(job="g/a", on="failure"), After(job="g/b", on="end")),
}


def policies() -> st.SearchStrategy[Policies]:
    """Policies that differ in everything the pipeline looks at."""
    return st.builds(
        lambda **words: make(**words),
        overlap=st.sampled_from(["skip", "queue_one", "queue_all", "cancel_running", "allow"]),
        concurrency=st.integers(1, 2),
        grace_s=st.sampled_from([0, 8, 60]),
        catch_up=st.sampled_from(["skip", "latest", "all"]),
        catch_up_limit=st.integers(1, 3),
        retries=st.integers(0, 2),
        retry_delay_s=st.sampled_from([0, 4]),
        timeout_s=st.sampled_from([0, 7]),
        on_lost=st.sampled_from(["ignore", "rerun"]),
        start_within_s=st.sampled_from([0, 15]),
        jitter_s=st.sampled_from([0, 3]),
        priority=st.integers(-1, 1),
        pool=st.sampled_from(["", "db"]),
        max_runs=st.sampled_from([0, 0, 6]),
        pause_after_failures=st.sampled_from([0, 3]),
    )


JOB = st.sampled_from(NAMES)
STEP = st.one_of(
    st.tuples(st.just("advance"), st.sampled_from([1, 4, 11, 35])),
    st.tuples(st.just("advance"), st.sampled_from([1, 4, 11, 35])),
    st.tuples(st.just("trigger"), JOB),
    st.tuples(st.just("pause"), JOB),
    st.tuples(st.just("resume"), JOB),
    st.tuples(st.just("edit"), JOB, policies()),
    st.tuples(st.just("cancel"), st.integers(0, 3)),
    st.tuples(st.just("rerun"), st.integers(0, 3)),
    st.tuples(st.just("away"), st.sampled_from([3, 20])),
    st.tuples(
        st.just("kill"),
        st.sampled_from(METHODS),
        st.sampled_from(WHEN),
        st.sampled_from([0, 12, 90]),
    ),
)


@dataclass
class Functions:
    """What the functions do, one after the other, and what they did."""

    fates: list[str]
    executed: Counter[tuple[int, int]] = field(default_factory=Counter)

    async def work(self) -> None:
        run = current_run()
        self.executed[run.id, run.attempt] += 1
        log("here")
        fate = self.fates[sum(self.executed.values()) % len(self.fates)]
        if fate == "fail":
            raise ValueError("not today")
        if fate == "hang":
            await asyncio.Event().wait()


class Life:
    """An engine, its restarts, and the checks."""

    def __init__(self, own: dict[str, Policies], functions: Functions, folder: Path) -> None:
        self.functions = functions
        self.world = World("sqlite", folder)
        self.group = Group("g", limit=4)
        self.group.function("work")(functions.work)
        self.own = own
        self.kit = self.new(KitClock())

    def new(self, clock: KitClock) -> Kit:
        return Kit([self.group], world=self.world, clock=clock, async_slots=3, pools={"db": 1})

    async def begin(self) -> None:
        await self.kit.start()
        for number, name in enumerate(NAMES):
            await self.kit.engine.create_job(
                function="g/work",
                name=name,
                trigger={"type": "every", "seconds": 5 + 3 * number},
                after=EDGES.get(f"g/{name}", ()),
            )
            await self.kit.client.edit_job(f"g/{name}", JobPatch(policies=self.own[name]))

    async def step(self, kind: str, *args: Any) -> None:
        with suppress(ConflictError, StoreUnavailableError):  # refused, and nothing was done
            async with asyncio.timeout(30):
                await getattr(self, f"do_{kind}")(*args)
        self.check_limits()

    async def do_advance(self, seconds: float) -> None:
        await self.kit.clock.advance(seconds)

    async def do_trigger(self, name: str) -> None:
        await self.kit.client.trigger_job(f"g/{name}")

    async def do_pause(self, name: str) -> None:
        await self.kit.client.pause_job(f"g/{name}", reason="a look")

    async def do_resume(self, name: str) -> None:
        await self.kit.client.resume_job(f"g/{name}")

    async def do_edit(self, name: str, own: Policies) -> None:
        await self.kit.client.edit_job(f"g/{name}", JobPatch(policies=own))

    async def do_cancel(self, nth: int) -> None:
        active = [run for run in await self.kit.rows() if run.finished_at is None]
        if active:
            await self.kit.engine.cancel_run(active[nth % len(active)].id)

    async def do_rerun(self, nth: int) -> None:
        ended = [run for run in await self.kit.rows() if run.finished_at is not None]
        if ended:
            await self.kit.engine.rerun(ended[nth % len(ended)].id)

    async def do_away(self, seconds: float) -> None:
        self.kit.faults.down = True
        await self.kit.clock.advance(seconds)
        self.kit.faults.down = False
        for _ in range(10):
            await self.kit.clock.advance(1)  # until the engine's sign of life, at the latest
        await self.kit.until(lambda: "store" not in self.kit.running.core.problems)
        await self.kit.clock.settle()

    async def do_kill(self, method: str, when: str, down_s: float) -> None:
        """Die at a write, or where that does not come, between two of them."""
        self.kit.faults.crash(method, when)
        for _ in range(12):
            if self.kit.store.dead:
                break
            await self.kit.clock.advance(1)
        now = await self.kit.crash()
        assert self.kit.store.illegal == []
        clock = KitClock(now)
        clock.step(down_s)
        self.kit = self.new(clock)
        await self.kit.start()
        await self.kit.clock.advance(1)
        await self.check()

    def check_limits(self) -> None:
        """No more is under way than may be."""
        core = self.kit.running.core
        pool = core.pools["async"]
        assert 0 <= pool.free <= pool.executor.slots
        going = list(self.kit.running.supervisor.running.values())
        assert len(going) <= 3
        assert len([run for run in going if run.limits and run.limits[0].name == "db"]) <= 1
        for live in core.jobs:
            assert live.holders <= live.active

    async def check(self) -> None:
        await check(self.kit)
        assert [one for one, times in self.functions.executed.items() if times > 1] == []
        core = self.kit.running.core
        rows = await self.kit.rows()
        assert unchained(rows, EDGES) == []
        active = Counter(run.job for run in rows if run.finished_at is None)
        assert active == Counter({live.full_name: live.active for live in core.jobs if live.active})
        queued = [run for run in rows if run.state is RunState.QUEUED]
        assert core.slots.waiting == len(queued)
        ran = {run.id for run in rows}
        assert {run_id for run_id, _ in self.functions.executed} <= ran

    async def end(self) -> None:
        """Nothing hangs any more, and all that waits comes to its end."""
        self.functions.fates[:] = ["ok"]
        for run in await self.kit.rows():
            if run.state is RunState.RUNNING:
                await self.step("cancel", 0)
        for name in NAMES:
            await self.kit.client.pause_job(f"g/{name}", reason="the end")
        for _ in range(60):
            if all(run.finished_at is not None for run in await self.kit.rows()):
                break
            for run in await self.kit.rows():
                if run.state is RunState.RUNNING:
                    await self.step("cancel", 0)
            await self.kit.clock.advance(2)
        await self.check()
        core = self.kit.running.core
        assert [live.active for live in core.jobs] == [0, 0, 0]
        assert [live.holders for live in core.jobs] == [0, 0, 0]
        assert core.slots.waiting == core.slots.claimed == 0
        assert core.pools["async"].free == 3
        await self.kit.stop()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    own=st.fixed_dictionaries({name: policies() for name in NAMES}),
    fates=st.lists(st.sampled_from(["ok", "ok", "fail", "hang"]), min_size=1, max_size=8),
    steps=st.lists(STEP, min_size=3, max_size=14),
)
def test_the_invariants_hold_over_any_life(
    own: dict[str, Policies], fates: list[str], steps: list[tuple[Any, ...]]
) -> None:
    async def live(folder: Path) -> None:
        life = Life(own, Functions(fates), folder)
        await life.begin()
        try:
            for kind, *args in steps:
                await life.step(kind, *args)
            await life.end()
        except BaseException:
            if not life.kit.store.dead:
                await life.kit.crash()
            raise

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))
