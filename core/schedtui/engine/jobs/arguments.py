"""Arguments are checked off the loop the first time: that imports pydantic and builds a model.

It takes a tenth of a second, in which no due time would be claimed and a host would not answer.
What is called there may be a user's code, and wait for anything: it has threads of its own, one
for each function, and nobody waits for it longer than a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from schedtui.errors import SchedtuiError, UnavailableError
from schedtui.execution.late import begin_in_thread
from schedtui.models.hidden import looking
from schedtui.registry import Declaration, Registry
from schedtui.registry.function import Function

logger = logging.getLogger("schedtui.engine")

LIMIT_S = 10.0
"""How long one check of arguments is waited for."""

Wanted = tuple[str, Mapping[str, Any]]
"""A function's name, and arguments for it."""


class Arguments:
    """Knows which functions' checks are ready. On the engine's loop."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._ready: WeakSet[Function] = WeakSet()
        self._under_way: WeakKeyDictionary[Function, asyncio.Future[None]] = WeakKeyDictionary()

    async def prepare(self, wanted: Iterable[Wanted]) -> None:
        """Make the checks of functions ready; what is wrong with the arguments is told later.

        Raises:
            UnavailableError: one does not come to an end.
        """
        for function, kwargs in self._cold(wanted).items():
            if not await self._check(function, kwargs):
                raise UnavailableError(
                    f"the arguments of {function.full_name} could not be {_LATE}; "
                    "nothing was changed, and a retry is safe"
                )

    async def warm(self, wanted: Iterable[Wanted]) -> None:
        """Make the checks of functions ready, up to one that hangs; no one is told but the log."""
        for function, kwargs in self._cold(wanted).items():
            if not await self._check(function, kwargs):
                logger.warning("the arguments of %s could not be %s", function.full_name, _LATE)
                return

    async def problems(self, declarations: Sequence[Declaration]) -> list[tuple[str, str]]:
        """What no run of a declared job can have as arguments: the job's name, and why."""
        told: list[str] = []
        checks = begin_in_thread(partial(_check_all, self._registry, declarations, told))
        while not checks.done():
            number = len(told)
            await asyncio.wait([checks], timeout=LIMIT_S)
            if not checks.done() and len(told) == number:
                told = [*told[:number], f"its arguments cannot be {_LATE}"]
                break
        else:
            checks.result()
        names = (declaration.full_name for declaration in declarations)
        return [(name, problem) for name, problem in zip(names, told, strict=False) if problem]

    def _cold(self, wanted: Iterable[Wanted]) -> dict[Function, Mapping[str, Any]]:
        cold: dict[Function, Mapping[str, Any]] = {}
        for name, kwargs in wanted:
            with suppress(Exception):  # whoever asks for it next is told why it is not there
                function = self._registry.resolve(name)
                if function not in self._ready and (kwargs or function.parameters.required):
                    cold.setdefault(function, kwargs)
        return cold

    async def _check(self, function: Function, kwargs: Mapping[str, Any]) -> bool:
        """Whether a function's check is ready now; all who ask meanwhile wait for one thread."""
        check = self._under_way.get(function)
        if check is None:
            check = self._under_way[function] = begin_in_thread(partial(_try, function, kwargs))
            check.add_done_callback(partial(self._checked, function))
        await asyncio.wait([check], timeout=LIMIT_S)
        return check.done()

    def _checked(self, function: Function, _check: asyncio.Future[None]) -> None:
        self._under_way.pop(function, None)
        self._ready.add(function)


_LATE = f"checked within {LIMIT_S:g} s: what checks them waits for something"


def _try(function: Function, kwargs: Mapping[str, Any]) -> None:
    # sys.exit() as well: it is told where they are checked for good.
    with looking(), suppress(BaseException):
        function.validate(kwargs)


def _check_all(registry: Registry, declarations: Sequence[Declaration], told: list[str]) -> None:
    """Say of each declaration what is wrong with its arguments; nothing where they are right."""
    for declaration in declarations:
        try:
            with looking():
                registry.resolve(declaration.function).validate(declaration.kwargs)
        except SchedtuiError as error:
            told.append(f"{error}")
        else:
            told.append("")
