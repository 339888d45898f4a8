"""Progress over an iterable."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from operator import length_hint
from typing import Any, Generic, TypeVar, overload

from schedtui.capture.current import current_sink
from schedtui.capture.sink import RunSink

T = TypeVar("T")


@overload
def track(iterable: Iterable[T], *, total: int | None = None, text: str = "") -> Tracked[T]: ...


@overload
def track(
    iterable: AsyncIterable[T], *, total: int | None = None, text: str = ""
) -> Tracked[T]: ...


def track(
    iterable: Iterable[T] | AsyncIterable[T], *, total: int | None = None, text: str = ""
) -> Tracked[T]:
    """Iterate, with ``for`` or ``async for``, and show in the current run how far it is.

    An item counts as done when the next one is asked for. Outside of a run it only iterates.

    Args:
        iterable: What to go through.
        total: How many items there are; asked of ``iterable`` when not given. Where nobody knows,
            the run shows the count without a bar.
        text: What is being done.
    """
    return Tracked(iterable, total, text)


class Tracked(Generic[T]):
    """What `track` returns: goes through an iterable once more each time it is iterated."""

    def __init__(
        self, iterable: Iterable[T] | AsyncIterable[T], total: int | None, text: str
    ) -> None:
        self._iterable = iterable
        self._total = total
        self._text = text

    def __iter__(self) -> Iterator[T]:
        if isinstance(self._iterable, Iterable):
            return self._each(self._iterable)
        raise TypeError(_wrong_loop(self._iterable, "for", "async for"))

    def __aiter__(self) -> AsyncIterator[T]:
        if isinstance(self._iterable, AsyncIterable):
            return _AsyncEach(aiter(self._iterable), self._count())
        raise TypeError(_wrong_loop(self._iterable, "async for", "for"))

    def _each(self, iterable: Iterable[T]) -> Iterator[T]:
        count = self._count()
        for item in iterable:
            yield item
            count.step()
        count.finish()

    def _count(self) -> _Count:
        return _Count(current_sink(), self._size(), self._text)

    def _size(self) -> int | None:
        if self._total is not None:
            return self._total
        iterable: Any = self._iterable
        return length_hint(iterable) or None


class _AsyncEach(AsyncIterator[T]):
    """Not a generator: leaving an ``async for`` early would leave one for the loop to clean up."""

    def __init__(self, source: AsyncIterator[T], count: _Count) -> None:
        self._source = source
        self._count = count
        self._begun = False

    async def __anext__(self) -> T:
        if self._begun:
            self._count.step()
        try:
            item = await anext(self._source)
        except StopAsyncIteration:
            self._count.finish()
            raise
        self._begun = True
        return item


def _wrong_loop(iterable: object, used: str, other: str) -> str:
    return f"track({type(iterable).__name__}) cannot be used with '{used}'; use '{other}'"


class _Count:
    """How many items are done.

    Reports each thousandth of the total, and in between as often as the engine looks.
    """

    __slots__ = ("_done", "_next", "_sink", "_step", "_text", "_total")

    def __init__(self, sink: RunSink | None, total: int | None, text: str) -> None:
        self._sink = sink
        self._total = total
        self._text = text
        self._done = 0
        self._step = max(1, (total or 0) // 1_000)
        self._next = self._step
        self._report()

    def step(self) -> None:
        self._done += 1
        if self._done >= self._next:
            self._next += self._step
            self._report()
        elif self._sink is not None and not self._sink.dirty:
            self._report()

    def finish(self) -> None:
        if self._sink is not None:
            self._sink.set_progress(1.0, self._label())

    def _report(self) -> None:
        if self._sink is None:
            return
        if self._total is None:
            self._sink.set_progress(None, self._label())
        else:
            self._sink.report(self._done, self._total, self._label())

    def _label(self) -> str:
        count = f"{self._done:,}" if self._total is None else f"{self._done:,}/{self._total:,}"
        return f"{self._text} {count}" if self._text else count
