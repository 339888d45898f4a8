"""A store that fails, hangs or dies where a test tells it to, and notes illegal moves of runs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schedtui.errors import StoreUnavailableError
from schedtui.models import RunFilter, RunState
from schedtui.protocols import Boot, Opened, Store, StoreTx
from schedtui.store import open_store
from schedtui.testing import MemoryStore


class CrashError(BaseException):
    """Ends a transaction as a kill does: nothing after it runs, nothing of it stays."""


MOVES = frozenset(
    {
        "claim",
        "insert_runs",
        "insert_backfill",
        "start",
        "finish",
        "retry",
        "settle",
        "cancel_queued",
    }
)
"""What changes the state of a run."""

EDGES: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.MISSED}),
    RunState.RUNNING: frozenset(
        {
            RunState.QUEUED,  # for another attempt
            RunState.SUCCEEDED,
            RunState.FAILED,
            RunState.TIMED_OUT,
            RunState.CANCELLED,
            RunState.LOST,
        }
    ),
}
"""The moves a run may make; a state without an entry is final."""

Hook = Callable[[], object]


@dataclass
class Faults:
    """What a store does at which point. A point is a method's name, ``begin``, ``commit`` (before
    it) or ``committed`` (after it); ``method:after`` is the end of a method.
    """

    hooks: dict[str, Hook] = field(default_factory=dict)
    down: bool = False
    """Whether every transaction fails."""
    calls: Counter[str] = field(default_factory=Counter)

    def hit(self, point: str) -> None:
        self.calls[point] += 1
        hook = self.hooks.get(point)
        if hook is not None:
            hook()

    def once(self, point: str, error: BaseException) -> None:
        """Raise ``error`` at the next visit of a point."""

        def hook() -> None:
            del self.hooks[point]
            raise error

        self.hooks[point] = hook

    def always(self, point: str, error: BaseException) -> None:
        """Raise ``error`` at every visit of a point."""

        def hook() -> None:
            raise error

        self.hooks[point] = hook

    def crash(self, method: str, when: str) -> None:
        """Die ``before`` or ``after`` a method, or before (``commit``) or after (``committed``) the
        commit of the transaction in which it was called."""

        def die() -> None:
            self.hooks.clear()
            raise CrashError

        if when == "before":
            self.hooks[method] = die
        elif when == "after":
            self.hooks[f"{method}:after"] = die
        else:
            self.hooks[f"{method}:after"] = lambda: self.hooks.__setitem__(when, die)


class FaultTx:
    """A transaction of a `FaultStore`."""

    def __init__(self, faults: Faults, tx: StoreTx) -> None:
        self._faults = faults
        self._tx = tx
        self.moves_runs = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._tx, name)
        self.moves_runs = self.moves_runs or name in MOVES

        def call(*args: Any, **kwargs: Any) -> Any:
            self._faults.hit(name)
            result = method(*args, **kwargs)
            self._faults.hit(f"{name}:after")
            return result

        return call


class FaultStore:
    """A store that fails where it is told to, and notes every illegal move of a run."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.faults = Faults()
        self.dead = False
        self.illegal: list[str] = []
        self.dropped = 0
        self._states: dict[int, RunState] = {}
        self._released = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def url(self) -> str:
        return self.inner.url

    def open(self, boot: Boot | None) -> Opened:
        self.faults.hit("open")
        opened = self.inner.open(boot)
        self._states = self._read_states()
        return opened

    def drop_connection(self) -> None:
        self.dropped += 1
        self.faults.hit("drop_connection")
        self.inner.drop_connection()

    def _read_states(self) -> dict[int, RunState]:
        rows = self.inner.runs(RunFilter(), limit=5_000, before=None)
        return {run.id: run.state for run in rows}

    def _note_moves(self) -> None:
        states = self._read_states()
        for run_id, state in states.items():
            before = self._states.get(run_id, state)
            if before is not state and state not in EDGES.get(before, frozenset()):
                self.illegal.append(f"run {run_id}: {before} to {state}")
        self.illegal += [f"run {gone} is gone" for gone in self._states.keys() - states.keys()]
        self._states = states

    @contextmanager
    def transaction(self) -> Iterator[StoreTx]:
        try:
            if self.faults.down:
                raise StoreUnavailableError("the disk is full")
            self.faults.hit("begin")
            with self.inner.transaction() as tx:
                watched = FaultTx(self.faults, tx)
                yield watched
                self.faults.hit("commit")
            if watched.moves_runs:
                self._note_moves()
            self.faults.hit("committed")
        except CrashError:
            self.dead = True
            self._released.wait()
            raise StoreUnavailableError("this engine is dead") from None

    def release(self) -> None:
        """Let a writer that died in here go home."""
        self._released.set()


class World:
    """A store's data, which outlives the engines on it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._memory = MemoryStore()
        self._url = None if kind == "memory" else f"sqlite:///{folder / 'state.db'}"

    def store(self) -> FaultStore:
        """A new connection to the data, for one engine."""
        return FaultStore(self._memory if self._url is None else open_store(self._url))
