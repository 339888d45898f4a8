"""A class of the user's own on `Trigger` that does what no trigger may: its job is broken by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engine_kit import Kit, World, check, due_s, running

from schedtui import Group
from schedtui.models import JobState, RunState
from schedtui.triggers import Trigger

TEN_US = 10_000_000
Answer = Callable[[int], Any]


class Mine(Trigger):
    """Every ten seconds, while nothing is wrong; all it is asked it finds by its next due time."""

    def __init__(self) -> None:
        self.wrong: Answer | None = None

    def next_after_us(self, us: int) -> int | None:
        if self.wrong is not None:
            found: int | None = self.wrong(us)
            return found
        return (us // TEN_US + 1) * TEN_US

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        found: list[int] = []
        while len(found) < 1_000:
            due_us = self.next_after_us(after_us)
            if due_us is None or due_us > until_us:
                break
            found.append(due_us)
            after_us = due_us
        return found[-limit:]

    def count(self, after_us: int, until_us: int) -> int:
        return len(self.newest(after_us, until_us, 1_000))

    def describe(self) -> str:
        return self.short()

    def short(self) -> str:
        return "mine"

    def to_json(self) -> dict[str, Any]:
        return {"type": "mine"}

    def _key(self) -> tuple[object, ...]:
        return ()


def group_of(mine: Mine) -> Group:
    group = Group("g")

    @group.job(trigger=mine)
    async def work() -> None: ...

    @group.job(every=10)
    async def other() -> None: ...

    return group


def leaves(us: int) -> int:
    raise SystemExit(us % 7)


def cancels(_: int) -> int:
    raise asyncio.CancelledError


def interrupts(_: int) -> int:
    raise KeyboardInterrupt


def state_of(kit: Kit) -> JobState:
    return kit.running.core.jobs.named("g/work").state


async def broken_and_back(kit: Kit, mine: Mine, wrong: Answer) -> str:
    """What the health says of it while it is wrong; afterwards each due time has its row."""
    await kit.clock.advance(15)
    mine.wrong = wrong
    await kit.clock.advance(30)
    live = kit.running.core.jobs.named("g/work")
    assert state_of(kit) is JobState.BROKEN
    said = live.problem
    assert said in "".join(kit.running.core.problems.values())
    mine.wrong = None
    await kit.client.resume_job("g/work")
    await kit.clock.advance(10)
    assert state_of(kit) is JobState.SCHEDULED
    await check(kit)
    assert [(due_s(run), run.state) for run in await kit.rows(live.id)] == [
        (10, RunState.SUCCEEDED),
        (20, RunState.MISSED),
        (30, RunState.MISSED),
        (40, RunState.MISSED),
        (50, RunState.SUCCEEDED),
    ]
    other = kit.running.core.jobs.named("g/other")
    assert [due_s(run) for run in await kit.rows(other.id)] == [10, 20, 30, 40, 50]
    return said


ANSWERS: dict[str, Answer] = {
    "falling": lambda us: us - 5_000_000,
    "the same": lambda us: us,
    "a float": lambda us: float((us // TEN_US + 1) * TEN_US),
    "a bool": lambda _: True,
    "negative": lambda _: -5,
    "a text": lambda _: "soon",
    "too far": lambda _: 10**25,
}


@pytest.mark.parametrize("wrong", ANSWERS.values(), ids=ANSWERS)
async def test_one_that_answers_no_due_time_breaks_its_job_alone(
    tmp_path: Path, wrong: Answer
) -> None:
    mine = Mine()
    async with running(group_of(mine), world=World("sqlite", tmp_path)) as kit:
        said = await broken_and_back(kit, mine, wrong)
        assert "the trigger 'mine': next_after_us answered " in said


@pytest.mark.parametrize(
    ("wrong", "raised"),
    [(leaves, "SystemExit"), (cancels, "CancelledError"), (interrupts, "KeyboardInterrupt")],
)
async def test_one_that_would_end_its_thread_breaks_its_job_alone(
    tmp_path: Path, wrong: Answer, raised: str
) -> None:
    mine = Mine()
    async with running(group_of(mine), world=World("sqlite", tmp_path)) as kit:
        said = await broken_and_back(kit, mine, wrong)
        assert f"the trigger 'mine' raised {raised}" in said


@pytest.mark.parametrize(
    "wrong", [leaves, cancels, *ANSWERS.values()], ids=["leaves", "cancels", *ANSWERS]
)
async def test_one_that_is_wrong_when_its_job_is_made_lets_the_engine_start(
    tmp_path: Path, wrong: Answer
) -> None:
    mine = Mine()
    mine.wrong = wrong
    async with running(group_of(mine), world=World("sqlite", tmp_path)) as kit:
        assert state_of(kit) is JobState.BROKEN
        mine.wrong = None
        await kit.clock.advance(15)
        await kit.client.resume_job("g/work")
        await kit.clock.advance(10)
        await check(kit)
        live = kit.running.core.jobs.named("g/work")
        assert [due_s(run) for run in await kit.rows(live.id)] == [10, 20]
