"""Arguments are checked off the loop the first time: that imports pydantic and builds a model.

It takes a tenth of a second, in which no due time would be claimed and a host would not answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from schedtui.engine.daemons import DaemonThreads
from schedtui.errors import SchedtuiError
from schedtui.registry import Declaration, Registry
from schedtui.registry.function import Function

Wanted = tuple[str, Mapping[str, Any]]
"""A function's name, and arguments for it."""


class Arguments:
    """Knows which functions' checks are ready. On the engine's loop."""

    def __init__(self, registry: Registry, threads: DaemonThreads) -> None:
        self._registry = registry
        self._threads = threads
        self._ready: WeakSet[Function] = WeakSet()

    async def prepare(self, wanted: Iterable[Wanted]) -> None:
        """Make the checks of functions ready; what is wrong with the arguments is told later."""
        cold: dict[Function, Mapping[str, Any]] = {}
        for name, kwargs in wanted:
            with suppress(Exception):  # whoever asks for it next is told why it is not there
                function = self._registry.resolve(name)
                if function not in self._ready and (kwargs or function.parameters.required):
                    cold.setdefault(function, kwargs)
        if cold:
            await self._threads.call(_check_all, list(cold.items()))
            self._ready.update(cold)

    async def problems(self, declarations: Sequence[Declaration]) -> list[tuple[str, str]]:
        """What no run of a declared job can have as arguments: the job's name, and why."""
        return await self._threads.call(_problems, self._registry, declarations)


def _check_all(cold: Sequence[tuple[Function, Mapping[str, Any]]]) -> None:
    for function, kwargs in cold:
        with suppress(Exception):
            function.validate(kwargs)


def _problems(registry: Registry, declarations: Sequence[Declaration]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for declaration in declarations:
        try:
            registry.resolve(declaration.function).validate(declaration.kwargs)
        except SchedtuiError as error:
            found.append((declaration.full_name, f"{error}"))
    return found
