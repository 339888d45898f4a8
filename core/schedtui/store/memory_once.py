"""What happens once, in the store in memory: keys of calls, and successes by their period."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from schedtui.protocols import KEPT_SUCCESSES, CallKey, Success

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class OnceData:
    """What the store in memory holds of this. Values are never changed, only replaced."""

    keys: dict[tuple[str, str], CallKey] = field(default_factory=dict)
    """By scope and key."""
    successes: dict[int, tuple[Success, ...]] = field(default_factory=dict)
    """By job, in the order of their runs."""


class OnceTx(ABC):
    """The part of a write transaction that keeps it."""

    _once: OnceData

    @abstractmethod
    def _set(self, target: dict[K, V], key: K, value: V) -> None:
        """Change a value, and note how to undo it."""

    @abstractmethod
    def _remove(self, target: dict[K, V], key: K) -> None:
        """Take a value away, and note how to undo it."""

    def keep_key(self, key: CallKey, *, since_us: int) -> CallKey | None:
        """Keep the key of a call, or say which call has had it since ``since_us``."""
        keys = self._once.keys
        kept = keys.get((key.scope, key.key))
        if kept is not None and kept.at_us >= since_us:
            return kept
        for place in [place for place, old in keys.items() if old.at_us < since_us]:
            self._remove(keys, place)
        self._set(keys, (key.scope, key.key), key)
        return None

    def keep_successes(self, successes: Sequence[Success]) -> None:
        """Keep for which moments jobs have succeeded; of each job the newest moments."""
        for one in successes:
            kept = self._once.successes.get(one.job_id, ())
            place = bisect_left(kept, one.run_id, key=lambda old: old.run_id)
            after = place + (place < len(kept) and kept[place].run_id == one.run_id)
            kept = (*kept[:place], one, *kept[after:])
            if len(kept) > KEPT_SUCCESSES:
                oldest = min(kept, key=lambda old: (old.at_us, old.run_id))
                kept = tuple(old for old in kept if old is not oldest)
            self._set(self._once.successes, one.job_id, kept)

    def _forget_successes(self, job_id: int) -> None:
        if job_id in self._once.successes:
            self._remove(self._once.successes, job_id)
