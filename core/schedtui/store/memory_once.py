"""What happens once, in the store in memory: keys of calls, and successes by their period."""

from __future__ import annotations

from abc import ABC, abstractmethod
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
        """Keep for which moments jobs have succeeded; of each job the newest ones."""
        kept = self._once.successes
        for one in successes:
            others = [old for old in kept.get(one.job_id, ()) if old.run_id != one.run_id]
            newest = sorted([*others, one], key=lambda success: success.run_id)
            self._set(kept, one.job_id, tuple(newest[-KEPT_SUCCESSES:]))

    def _forget_successes(self, job_id: int) -> None:
        if job_id in self._once.successes:
            self._remove(self._once.successes, job_id)
