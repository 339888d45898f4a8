"""The heap of due times."""

from __future__ import annotations

import random
from datetime import timedelta

from engine_kit import START

from schedtui.clock import to_us
from schedtui.engine.live.due import DueHeap
from schedtui.engine.live.job import LiveJob
from schedtui.models import Job
from schedtui.policies import resolve
from schedtui.triggers import Every

START_US = to_us(START)


def job(number: int, due_s: float | None) -> LiveJob:
    due = None if due_s is None else START + timedelta(seconds=due_s)
    model = Job(
        id=number,
        group="g",
        name=f"j{number}",
        function="g/f",
        trigger={"type": "every", "seconds": 10},
        timezone="UTC",
        next_due=due,
        created_at=START,
        updated_at=START,
    )
    return LiveJob(model, Every(10), resolve())


def popped(heap: DueHeap, now_s: float) -> list[int]:
    found: list[int] = []
    while (live := heap.pop_due(START_US + round(now_s * 1e6))) is not None:
        found.append(live.id)
    return found


def test_jobs_come_in_the_order_of_their_due_times_then_of_their_entry() -> None:
    heap = DueHeap()
    for number, due_s in ((1, 5), (2, 3), (3, 5), (4, 9), (5, None)):
        heap.push(job(number, due_s))
    assert heap.next_us() == START_US + 3_000_000
    assert popped(heap, 2.9) == []
    assert popped(heap, 5) == [2, 1, 3]
    assert popped(heap, 100) == [4]
    assert heap.next_us() is None


def test_a_job_that_moved_comes_up_once_at_its_new_time() -> None:
    heap = DueHeap()
    live = job(1, 3)
    heap.push(live)
    live.next_due_us = START_US + 7_000_000
    heap.push(live)
    assert popped(heap, 5) == []
    assert popped(heap, 7) == [1]
    assert popped(heap, 100) == []


def test_a_job_that_does_not_fire_or_was_dropped_does_not_come_up() -> None:
    heap = DueHeap()
    paused, dropped = job(1, 3), job(2, 3)
    paused.removed = True
    heap.push(paused)
    heap.push(dropped)
    heap.drop(dropped)
    heap.drop(dropped)
    assert popped(heap, 100) == []


def test_a_job_that_is_put_back_keeps_its_place() -> None:
    heap = DueHeap()
    jobs = [job(number, 3) for number in range(4)]
    for live in jobs:
        heap.push(live)
    for _ in range(3):
        first = heap.pop_due(START_US + 3_000_000)
        assert first is jobs[0]
        heap.put_back(first)
    assert popped(heap, 3) == [0, 1, 2, 3]


def test_the_heap_does_not_grow_with_what_is_forgotten() -> None:
    heap = DueHeap()
    jobs = [job(number, number) for number in range(50)]
    source = random.Random(1)
    for _ in range(20_000):
        live = source.choice(jobs)
        live.next_due_us = START_US + source.randrange(10**9)
        heap.push(live)
    assert len(heap._entries) < 3_000
    assert sorted(popped(heap, 10**6)) == list(range(50))
