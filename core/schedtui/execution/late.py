"""Late values, fetched for one attempt where its function is about to run.

A provider that is not async may wait for a file or a database. For a function on the event loop it
runs in a thread of its own: a few that hang must neither stop the loop nor fill a pool that others
share. For any other function it runs in that function's thread.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from schedtui.capture import log
from schedtui.capture.text import plain_type_name, safe_str
from schedtui.errors import InvalidArgumentsError, LateValueError
from schedtui.models.hidden import remember
from schedtui.registry.function import Function, is_async
from schedtui.schema.late import LateValue

T = TypeVar("T")

Tell = Callable[[Mapping[str, Any]], object]
"""Hears the values that were fetched, by parameter, where they were fetched."""

_threads: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = WeakKeyDictionary()


def busy(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether something that ``loop`` began with `in_thread` has not ended."""
    return bool(_threads.get(loop))


async def arguments_on_loop(
    function: Function, kwargs: Mapping[str, Any], tell: Tell
) -> dict[str, Any]:
    """The arguments of a function that runs on this loop.

    Raises:
        LateValueError: a provider raised, or what a file holds does not fit.
        InvalidError: what `Function.validate` raises.
    """
    wanted = _wanted(function, kwargs)
    blocking = [one for one in wanted if not is_async(one[1].provider)]
    values: dict[str, Any] = {}
    if blocking:
        values = await in_thread(lambda: {name: _ask(name, late) for name, late in blocking})
    for name, late in wanted:
        with _naming(name, late):
            value = values[name] if name in values else late.ask(_warn)
            values[name] = await value if inspect.iscoroutine(value) else value
    tell(values)
    return _complete(function, kwargs, values)


def arguments_in_thread(
    function: Function,
    kwargs: Mapping[str, Any],
    tell: Tell,
    loop: asyncio.AbstractEventLoop | None,
) -> dict[str, Any]:
    """The arguments of a function that runs in this thread.

    Args:
        function: The function.
        kwargs: What its job gives.
        tell: Hears the values.
        loop: Where async providers are awaited; None gives them a loop of their own.

    Raises:
        LateValueError, InvalidError: as `arguments_on_loop`.
    """
    values: dict[str, Any] = {}
    for name, late in _wanted(function, kwargs):
        with _naming(name, late):
            value = late.ask(_warn)
            values[name] = wait_for(value, loop) if inspect.iscoroutine(value) else value
    tell(values)
    return _complete(function, kwargs, values)


def wait_for(coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop | None) -> T:
    """What a coroutine gives, from a thread; it runs on ``loop``, in this context."""
    if loop is None:
        return asyncio.run(coroutine)
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()  # this thread was told to end, and nobody waits for it any more
        raise


async def in_thread(call: Callable[[], T]) -> T:
    """What ``call`` gives, run in a daemon thread of its own, in this context."""
    return await begin_in_thread(call)


def begin_in_thread(call: Callable[[], T]) -> asyncio.Future[T]:
    """As `in_thread`, for a caller that may stop waiting: nothing is left behind but the thread.

    Raises:
        RuntimeError: the machine has no thread left.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def settle(result: T | None, error: BaseException | None) -> None:
        _threads[loop] -= 1
        if done.done():
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type]  # what the call returned
        elif isinstance(error, StopIteration):
            done.set_exception(RuntimeError("it raised StopIteration"))
        else:
            done.set_exception(error)

    def work() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = context.run(call)
        except BaseException as error:  # noqa: BLE001 - sys.exit() in there is told as well
            failure = error
        with suppress(RuntimeError):  # the loop has ended: nobody waits
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name="schedtui-late", daemon=True).start()
    _threads[loop] = _threads.get(loop, 0) + 1
    return done


def _wanted(function: Function, kwargs: Mapping[str, Any]) -> list[tuple[str, LateValue]]:
    """What is to be fetched: the late parameters that the job does not give itself."""
    return [(name, late) for name, late in function.parameters.late.items() if name not in kwargs]


def _ask(name: str, late: LateValue) -> Any:
    with _naming(name, late):
        return late.ask(_warn)


def _warn(text: str) -> None:
    log(text, level="warning")


def _complete(
    function: Function, kwargs: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, Any]:
    """The job's arguments, checked, and the fetched ones."""
    late = function.parameters.late
    for parameter, value in values.items():
        if function.parameters.is_secret(parameter):
            remember(value)
    plain = {name: value for name, value in values.items() if late[name].plain}
    try:
        checked = function.validate({**kwargs, **plain})
    except InvalidArgumentsError as error:
        wrong = [one.field.split(".")[1] for one in error.errors if "." in one.field]
        name = next((name for name in wrong if name in plain), None)
        if name is None:
            raise
        raise _error(name, late[name], error) from error
    return {**checked, **{name: value for name, value in values.items() if name not in plain}}


@contextmanager
def _naming(name: str, late: LateValue) -> Iterator[None]:
    try:
        yield
    except LateValueError:
        raise
    except Exception as error:
        raise _error(name, late, error) from error


def _error(name: str, late: LateValue, error: Exception) -> LateValueError:
    return LateValueError(
        f"the value of parameter {name!r} could not be fetched: "
        f"{late.shown} raised {plain_type_name(error)}: {safe_str(error)}"
    )
