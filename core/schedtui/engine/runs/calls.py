"""What an executor is given to call for one attempt of a run."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from schedtui.engine.live.run import LiveRun
from schedtui.execution.late import (
    arguments_in_thread,
    arguments_on_loop,
    in_thread,
    wait_for,
)
from schedtui.models.secret import held
from schedtui.registry.fingerprint import value_fingerprint
from schedtui.registry.function import Function

Prepared = tuple[Callable[..., Any], Mapping[str, Any]]


def prepare(
    run: LiveRun, function: Function, *, key: bytes, loop: asyncio.AbstractEventLoop
) -> Prepared:
    """The callable, and its arguments, for an attempt of ``run``; notes what code it is.

    Whatever takes time (fetching late values, checking arguments for a thread) is part of the call,
    so that it counts as the run's own time and fails as the run does.

    Args:
        run: The run; its pool was chosen when it was claimed.
        function: What its function's name stands for now, which a reload may have made async or
            not async since then.
        key: Of the fingerprints of late values.
        loop: The engine's.

    Raises:
        InvalidError: the arguments do not fit.
    """
    run.code, run.late = function.code, {}
    kwargs: dict[str, Any] = {}
    if run.kwargs:
        # What it says until it is gone, in any process, shows no secret of these.
        run.held = tuple(one for value in run.kwargs.values() for one in held(value))
        kwargs = {name: _own(value) for name, value in run.kwargs.items()}
    if run.pool.kind == "process":  # all that is done there
        return function.call, kwargs
    threaded = run.pool.kind == "thread"
    if not threaded and function.is_async and not function.parameters.late:
        return function.call, function.validate(kwargs)
    tell = partial(_note, run, key)
    if threaded:  # there the arguments are checked as well
        return partial(_in_thread, function, kwargs, tell, loop), {}
    return partial(_on_loop, function, kwargs, tell), {}


def _own(value: Any) -> Any:
    """A copy of a JSON value: what a function does to it, no other attempt sees."""
    if isinstance(value, dict):
        return {key: _own(item) for key, item in value.items()}
    return [_own(item) for item in value] if isinstance(value, list) else value


def _note(run: LiveRun, key: bytes, values: Mapping[str, Any]) -> None:
    run.late = {name: value_fingerprint(value, key) for name, value in values.items()}


async def _on_loop(
    function: Function, kwargs: Mapping[str, Any], tell: Callable[[Mapping[str, Any]], object]
) -> Any:
    arguments = await arguments_on_loop(function, kwargs, tell)
    if not function.is_async:
        return await in_thread(partial(function.call, **arguments))
    value = function.call(**arguments)
    return await value if inspect.isawaitable(value) else value


def _in_thread(
    function: Function,
    kwargs: Mapping[str, Any],
    tell: Callable[[Mapping[str, Any]], object],
    loop: asyncio.AbstractEventLoop,
) -> Any:
    arguments = (
        arguments_in_thread(function, kwargs, tell, loop)
        if function.parameters.late
        else function.validate(kwargs)
    )
    value = function.call(**arguments)
    return wait_for(value, loop) if function.is_async and inspect.iscoroutine(value) else value
