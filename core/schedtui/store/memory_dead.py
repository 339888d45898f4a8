"""Dead letters in the store in memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import TypeVar

from schedtui.models import FAILED
from schedtui.store import rows
from schedtui.store.memory_data import Data

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class DeadTx:
    """The part of a write transaction that says what was done about them."""

    _data: Data

    @abstractmethod
    def _set(self, target: dict[K, V], key: K, value: V) -> None:
        """Change a value, and note how to undo it."""

    def handle(self, letters: Sequence[tuple[int, str]]) -> set[int]:
        """Say of dead letters what was done about them. Returns the ids of what was none."""
        lost: set[int] = set()
        for run_id, words in letters:
            if is_dead(self._data, run_id):
                self._set(self._data.handled, run_id, rows.printable(words))
            else:
                lost.add(run_id)
        return lost


def is_dead(data: Data, run_id: int) -> bool:
    """Whether a run failed, and nothing was done about it."""
    run = data.runs.get(run_id)
    return run is not None and run.state in FAILED and run_id not in data.handled
