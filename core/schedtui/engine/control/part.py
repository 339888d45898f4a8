"""What a part of `Engine`'s methods needs of the whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from schedtui.engine.elsewhere import Elsewhere
from schedtui.engine.running import Running

T = TypeVar("T")


class ControlPart(ABC):
    """A part of `Engine`."""

    @property
    @abstractmethod
    def away(self) -> Elsewhere | None:
        """Where the engine is while this one stands by; None while this one is it."""

    @abstractmethod
    async def on_loop(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await a coroutine on the engine's loop, from whichever loop this one is."""

    @abstractmethod
    def _live(self) -> Running:
        """The engine's parts while it runs and is not stopping."""
