"""`track`, as a function uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from running_doubles import context_of, make_sink

from schedtui.capture import RunSink, track


def test_each_item_counts_when_the_next_is_asked_for() -> None:
    sink = make_sink()
    seen: list[tuple[str, float | None, str]] = []

    def job() -> None:
        for page in track(["a", "b"], text="pages"):
            state = (page, sink.progress, sink.progress_text)
            seen.append(state)

    context_of(sink).run(job)
    assert seen == [("a", 0.0, "pages 0/2"), ("b", 0.5, "pages 1/2")]
    assert (sink.progress, sink.progress_text) == (1.0, "pages 2/2")


def test_without_a_known_total_it_counts() -> None:
    sink = make_sink()

    def pages() -> Iterator[int]:
        yield from range(1_500)

    def job() -> None:
        for page in track(pages()):
            if page == 1_234:
                assert (sink.progress, sink.progress_text) == (None, "1,234")

    context_of(sink).run(job)
    assert (sink.progress, sink.progress_text) == (1.0, "1,500")


def test_a_given_total_counts() -> None:
    sink = make_sink()
    context_of(sink).run(lambda: next(iter(track(iter("abcd"), total=8))))
    assert sink.progress_text == "0/8"


def test_nothing_to_do_is_done() -> None:
    sink = make_sink()
    assert context_of(sink).run(lambda: list(track([]))) == []
    assert sink.progress == 1.0


def test_what_is_left_early_stays_where_it_was() -> None:
    sink = make_sink()

    def job() -> None:
        for number in track(range(10)):
            if number == 4:
                break

    context_of(sink).run(job)
    assert sink.progress == 0.4


def test_of_many_items_each_thousandth_is_reported() -> None:
    sink = make_sink()

    def job() -> None:
        for number in track(range(2_000)):
            if number == 5:
                break

    context_of(sink).run(job)
    assert sink.progress == 4 / 2_000


def test_a_million_items_are_a_thousand_reports_and_the_engine_still_sees_each_look() -> None:
    told: list[RunSink] = []
    sink = make_sink(on_dirty=told.append)

    def job() -> None:
        for number in track(range(100_000)):
            if number in (10, 20):
                sink.take()

    context_of(sink).run(job)
    assert len(told) == 3
    assert sink.progress == 1.0

    texts: list[str] = []

    def slow() -> None:
        for _ in zip(track(range(5_000)), range(4), strict=False):
            sink.take()
            texts.append(sink.progress_text)

    context_of(sink).run(slow)
    assert texts == ["0/5,000", "1/5,000", "2/5,000", "3/5,000"]


def test_outside_of_a_run_it_only_iterates_and_does_so_again() -> None:
    tracked = track((1, 2, 3))
    assert list(tracked) == [1, 2, 3]
    assert list(tracked) == [1, 2, 3]


async def numbers(stop: int) -> AsyncIterator[int]:
    for number in range(stop):
        yield number


async def test_async_iterables(sink: RunSink) -> None:
    seen = []

    async def job() -> None:
        async for number in track(numbers(3), total=4, text="rows"):
            state = (number, sink.progress)
            seen.append(state)

    await asyncio.create_task(job(), context=context_of(sink))
    assert seen == [(0, 0.0), (1, 0.25), (2, 0.5)]
    assert (sink.progress, sink.progress_text) == (1.0, "rows 3/4")


async def test_the_wrong_loop_is_named() -> None:
    anything: Any = numbers(1)
    with pytest.raises(TypeError, match="use 'async for'"):
        iter(track(anything))
    with pytest.raises(TypeError, match="use 'for'"):
        aiter(track([1]))
    with pytest.raises(TypeError, match=r"track\(int\)"):
        iter(track(anything_else()))


def anything_else() -> Any:
    return 5


@pytest.fixture
def sink() -> RunSink:
    return make_sink()
