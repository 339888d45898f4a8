"""The writer: lanes, group commit, failures, and its end."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from schedtui.errors import (
    ConflictError,
    EngineStoppedError,
    SchedtuiError,
    StoreDataError,
    StoreUnavailableError,
)
from schedtui.protocols import Store
from schedtui.store import writer as writer_module
from schedtui.store.writer import Lane, Write, Writer

FULL = StoreUnavailableError("full")


class FakeStore:
    """Notes which writes were committed together; fails on demand; can be held."""

    def __init__(self) -> None:
        self.transactions: list[list[str]] = []
        self.current: list[str] = []
        self.failing: list[BaseException] = []
        self.down = False
        self.attempts = 0
        self.dropped = 0
        self.drop_fails = False
        self.free = threading.Event()
        self.free.set()
        self.entered = threading.Event()

    @contextmanager
    def transaction(self) -> Iterator[FakeStore]:
        self.attempts += 1
        self.entered.set()
        self.free.wait(10)
        self.current = []
        if self.down:
            raise FULL
        if self.failing:
            raise self.failing.pop(0)
        yield self
        self.transactions.append(self.current)

    def drop_connection(self) -> None:
        self.dropped += 1
        if self.drop_fails:
            raise RuntimeError("cannot even do that")


class World:
    def __init__(self) -> None:
        self.store = FakeStore()
        self.delivered: list[list[Callable[[], object]]] = []
        self.done: list[str] = []
        self.failed: list[tuple[str, SchedtuiError]] = []
        self.health: list[StoreUnavailableError | None] = []
        self.writer = Writer(
            cast(Store, self.store),
            deliver=self.deliver,
            on_health=self.health.append,
        )

    def deliver(self, calls: list[Callable[[], object]]) -> None:
        self.delivered.append(calls)
        for call in calls:
            call()

    def write(
        self,
        lane: Lane,
        name: str,
        *,
        error: Callable[[], BaseException | None] | None = None,
        names: list[str] | None = None,
        takes_s: float = 0,
        size: int = 0,
    ) -> Write:
        names = names or [name]

        def apply(tx: Any) -> str:
            if takes_s:
                time.sleep(takes_s)
            problem = error() if error is not None and "bad" in names else None
            if problem is not None:
                raise problem
            tx.current.extend(names)
            return name

        middle = len(names) // 2
        return Write(
            lane,
            apply,
            done=self.done.append,
            failed=lambda problem: self.failed.append((name, problem)),
            halves=lambda: (
                [
                    self.write(lane, "+".join(half), error=error, names=half)
                    for half in (names[:middle], names[middle:])
                ]
                if middle
                else []
            ),
            size=size,
        )

    def hold(self) -> None:
        """Let the writer begin a transaction and wait in it."""
        self.store.free.clear()
        self.writer.submit(self.write(Lane.CLAIM, "held"))
        assert self.store.entered.wait(10)

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.001)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(writer_module, "BACKOFF_S", (0.001,))
    world = World()
    world.writer.start()
    yield world
    world.store.free.set()
    world.store.down = False
    world.writer.stop(5)


def test_what_waits_is_one_transaction_and_one_delivery(world: World) -> None:
    world.hold()
    for lane, name in ((Lane.LOG, "l"), (Lane.OUTCOME, "o"), (Lane.CLAIM, "c"), (Lane.CLAIM, "d")):
        world.writer.submit(world.write(lane, name))
    assert len(world.writer._lanes[Lane.CLAIM]) == 2
    world.store.free.set()
    world.until(lambda: len(world.done) == 5)
    flat = [name for names in world.store.transactions for name in names]
    assert flat == ["held", "o", "l", "c", "d"] or flat == ["held", "c", "d", "o", "l"]
    assert len(world.delivered) == len(world.store.transactions) <= 2


def test_claims_go_before_outcomes_before_logs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "OTHERS_BUDGET_S", -1.0)
    world.hold()
    for name in ("1", "2"):
        for lane in (Lane.LOG, Lane.OUTCOME, Lane.CLAIM):
            world.writer.submit(world.write(lane, f"{lane.name}{name}"))
    world.store.free.set()
    world.until(lambda: len(world.done) == 7)
    assert world.done == ["held", "CLAIM1", "CLAIM2", "OUTCOME1", "OUTCOME2", "LOG1", "LOG2"]


def test_outcomes_give_way_to_a_claim_that_waits(world: World) -> None:
    world.hold()
    for number in range(30):
        world.writer.submit(world.write(Lane.OUTCOME, f"o{number}", takes_s=0.002))
    world.writer.submit(world.write(Lane.CLAIM, "claim"))
    world.store.free.set()
    world.until(lambda: len(world.done) == 32)
    holding = next(names for names in world.store.transactions if "claim" in names)
    assert len(holding) < 20
    assert world.done.index("claim") < world.done.index("o29")
    assert [name for name in world.done if name[0] == "o"] == [f"o{n}" for n in range(30)]


def test_a_flood_of_lines_does_not_keep_a_transaction_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "ALONE_BUDGET_S", 0.01)
    flooding = True

    def more(_result: object = None) -> None:
        if flooding:
            world.writer.submit(line())

    def line() -> Write:
        def apply(tx: Any) -> None:
            tx.current.append("line")
            time.sleep(0.001)
            more()

        return Write(Lane.LOG, apply, done=lambda _: None, failed=lambda _: None)

    world.writer.submit(line())
    world.until(lambda: len(world.store.transactions) >= 3)
    flooding = False


def test_an_unavailable_store_fails_claims_and_keeps_the_rest(world: World) -> None:
    world.hold()
    world.store.down = True
    for lane in (Lane.OUTCOME, Lane.LOG, Lane.CLAIM, Lane.OUTCOME):
        world.writer.submit(world.write(lane, lane.name))
    world.store.free.set()
    world.until(lambda: len(world.failed) == 2)
    assert [name for name, _ in world.failed] == ["held", "CLAIM"]
    assert all(error is FULL for _, error in world.failed)
    world.until(lambda: world.store.attempts > 5)
    assert world.health == [FULL]
    assert world.store.dropped >= 5
    world.store.down = False
    world.until(lambda: len(world.done) == 3)
    assert world.done == ["OUTCOME", "OUTCOME", "LOG"]
    assert world.health == [FULL, None]


def test_that_a_store_is_gone_and_back_is_told_once_each(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="schedtui.writer")
    world.store.down = True
    world.writer.submit(world.write(Lane.OUTCOME, "outcome"))
    world.until(lambda: world.store.attempts > 3)
    world.store.down = False
    world.until(lambda: "outcome" in world.done)
    world.writer.submit(world.write(Lane.CLAIM, "claim"))
    world.until(lambda: "claim" in world.done)

    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "the store is unavailable: full"
    assert re.fullmatch(r"the store answers again after \d+\.\d s", said[1])
    assert len(said) == 2


def test_a_store_that_fails_in_the_middle_of_a_transaction_loses_nothing(world: World) -> None:
    world.hold()
    world.writer.submit(world.write(Lane.CLAIM, "claim"))
    world.writer.submit(world.write(Lane.OUTCOME, "bad", error=_once(FULL)))
    world.writer.submit(world.write(Lane.OUTCOME, "last"))
    world.store.free.set()
    world.until(lambda: len(world.done) >= 3)
    assert world.done[-2:] == ["bad", "last"]
    flat = [name for names in world.store.transactions for name in names]
    assert len(flat) == len(set(flat))


def _once(error: BaseException) -> Callable[[], BaseException | None]:
    left = [error]
    return lambda: left.pop() if left else None


@pytest.mark.parametrize("error", [StoreDataError("text"), ValueError("a bug")])
def test_bad_data_is_found_by_halving_and_only_its_write_fails(
    world: World, error: Exception
) -> None:
    world.hold()
    names = [f"n{number}" for number in range(100)]
    names[63] = "bad"
    world.writer.submit(world.write(Lane.OUTCOME, "many", names=names, error=lambda: error))
    world.writer.submit(world.write(Lane.CLAIM, "claim"))
    world.store.free.set()
    world.until(lambda: world.failed)
    world.until(lambda: len({n for t in world.store.transactions for n in t}) == 101)
    ((name, told),) = world.failed
    assert name == "bad"
    assert isinstance(told, StoreDataError)
    assert str(error) in str(told)
    flat = [name for names in world.store.transactions for name in names]
    assert len(flat) == len(set(flat))
    assert world.health == []


def test_a_refused_command_fails_alone_with_its_own_error(world: World) -> None:
    world.hold()
    taken = ConflictError("taken")
    world.writer.submit(world.write(Lane.CLAIM, "first"))
    world.writer.submit(world.write(Lane.CLAIM, "bad", error=lambda: taken))
    world.writer.submit(world.write(Lane.CLAIM, "last"))
    world.store.free.set()
    world.until(lambda: len(world.done) == 3)
    assert world.failed == [("bad", taken)]
    assert world.done == ["held", "first", "last"]


def test_an_error_at_the_commit_of_all_is_found_one_by_one(world: World) -> None:
    world.hold()
    for name in "abc":
        world.writer.submit(world.write(Lane.OUTCOME, name))
    world.store.failing = [StoreDataError("at commit")]
    world.store.free.set()
    world.until(lambda: len(world.done) == 4)
    assert world.done == ["held", "a", "b", "c"]
    assert world.failed == []


def test_a_store_that_cannot_even_drop_its_connection_does_not_end_the_writer(
    world: World,
) -> None:
    world.store.drop_fails = True
    world.store.failing = [FULL, ValueError("x")]
    world.writer.submit(world.write(Lane.CLAIM, "a"))
    world.until(lambda: world.failed)
    world.writer.submit(world.write(Lane.CLAIM, "b"))
    world.writer.submit(world.write(Lane.OUTCOME, "c"))
    world.until(lambda: set(world.done) == {"b", "c"})


def test_log_lines_are_bounded_and_the_oldest_go_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_LOG_BYTES", 100)
    world.hold()
    world.writer.submit(world.write(Lane.OUTCOME, "outcome"))
    for number in range(10):
        world.writer.submit(world.write(Lane.LOG, f"l{number}", size=30))
    assert [name for name, _ in world.failed] == [f"l{number}" for number in range(7)]
    world.store.free.set()
    world.until(lambda: len(world.done) == 5)
    assert world.done == ["held", "outcome", "l7", "l8", "l9"]
    assert world.writer._log_bytes == 0


def test_lines_that_wait_for_a_store_that_is_down_are_bounded_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MAX_LOG_BYTES", 100)
    world.store.down = True
    for number in range(50):
        world.writer.submit(world.write(Lane.LOG, f"l{number}", size=30))
        time.sleep(0.0005)
    assert len(world.failed) >= 40
    world.store.down = False
    world.until(lambda: len(world.done) + len(world.failed) == 50)
    assert world.done[-1] == "l49"
    world.until(lambda: world.writer._log_bytes == 0)


def test_a_stop_writes_what_waits(world: World) -> None:
    world.hold()
    for lane in Lane:
        world.writer.submit(world.write(lane, lane.name))
    threading.Timer(0.02, world.store.free.set).start()
    assert world.writer.stop(5)
    assert sorted(world.done) == ["CLAIM", "LOG", "OUTCOME", "held"]


def test_after_a_stop_nothing_is_taken(world: World) -> None:
    assert world.writer.stop(5)
    world.writer.submit(world.write(Lane.OUTCOME, "late"))
    ((name, error),) = world.failed
    assert name == "late"
    assert isinstance(error, EngineStoppedError)
    assert world.done == []


def test_a_stop_with_a_store_that_is_down_ends_tells_and_does_not_spin(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "BACKOFF_S", (0.05,))
    world.store.down = True
    world.writer.submit(world.write(Lane.OUTCOME, "outcome"))
    world.writer.submit(world.write(Lane.LOG, "line"))
    world.until(lambda: world.health)
    before = world.store.attempts
    assert not world.writer.stop(0.2)
    assert world.store.attempts - before < 12
    assert [name for name, _ in world.failed] == ["outcome", "line"]
    assert all(isinstance(error, EngineStoppedError) for _, error in world.failed)


def test_a_writer_that_never_started_can_be_stopped() -> None:
    assert World().writer.stop(0)


def test_submitting_never_blocks_on_the_store(world: World) -> None:
    world.hold()  # a call that waited for the store would never come back
    for number in range(1_000):
        world.writer.submit(world.write(Lane.OUTCOME, str(number)))
    assert len(world.writer._lanes[Lane.OUTCOME]) == 1_000
