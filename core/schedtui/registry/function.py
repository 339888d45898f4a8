"""A registered function: what can be called by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from schedtui.errors import InvalidError, InvalidNameError, shorten
from schedtui.models import FunctionInfo
from schedtui.models.names import check_name
from schedtui.protocols import Origin
from schedtui.registry.executor import check_memory_limit, choose_executor, place_of
from schedtui.registry.fingerprint import code_fingerprint, source_of
from schedtui.schema.parameters import Parameters, underlying, without_partial

_LOOP_STARTERS = frozenset({"run", "run_until_complete", "run_coroutine_threadsafe"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Function:
    """A callable under a name. Compared by identity: a swapped function is another one."""

    group: str
    name: str
    call: Callable[..., Any]
    """What runs, with keyword arguments only."""
    is_async: bool
    """Whether calling it gives something to await."""
    executor: str
    """Where it runs: ``async``, ``thread`` or ``process``."""
    memory_limit_mb: int | None
    """MiB that its process may use; None for any number."""
    listed: bool
    """False where it was declared with ``register=False``: only its static jobs may run it."""
    parameters: Parameters
    file: str
    """Where its code is; empty when that is not known."""
    line: int
    source: str = ""
    """Digest of its module's source as it was when the function was registered."""

    @classmethod
    def of(
        cls,
        call: object,
        *,
        group: str,
        name: str | None = None,
        fallback: str | None = None,
        listed: bool = True,
        executor: str | None = None,
        memory_limit_mb: int | None = None,
    ) -> Function:
        """The function for a callable that a user decorated.

        Args:
            call: A function, a bound method, a `functools.partial`, or an object with ``__call__``.
            group: The name of its group.
            name: None takes the callable's own.
            fallback: The name where the callable has none.
            listed: Whether jobs may be created on it at run time.
            executor: Where it runs; None: on the event loop if it is async, else in a thread.
            memory_limit_mb: MiB that its process may use.

        Raises:
            InvalidError: it cannot run as a job; says why.
            InvalidNameError: it needs a name, or a better one.
        """
        function = _check_callable(call)
        name = check_name("name", name if name is not None else _own_name(function, fallback))
        try:
            parameters = Parameters(function)
        except InvalidError as error:
            raise InvalidError(f"function {group}/{name}: {error}") from error
        code = getattr(underlying(function), "__code__", None)
        awaited = is_async(function)
        executor = choose_executor(function, executor, is_async=awaited)
        return cls(
            group=group,
            name=name,
            call=function,
            is_async=awaited,
            executor=executor,
            memory_limit_mb=check_memory_limit(memory_limit_mb, executor),
            listed=listed,
            parameters=parameters,
            file=code.co_filename if code else "",
            line=code.co_firstlineno if code else 0,
            source=source_of(function),
        )

    @property
    def full_name(self) -> str:
        """``group/name``."""
        return f"{self.group}/{self.name}"

    @property
    def origin(self) -> Origin:
        """Where a worker process finds it."""
        module, qualname = place_of(self.call)
        return Origin(self.full_name, module, qualname, self.file)

    @property
    def summary(self) -> str:
        """The first paragraph of its docstring, on one line."""
        return self.parameters.docstring.summary

    def also(self, listed: bool, executor: str | None, memory_limit_mb: int | None) -> Function:
        """The function as a further decorator declares it; itself where that adds nothing.

        Raises:
            InvalidError: the decorators do not agree, or what they say cannot be.
        """
        own = choose_executor(self.call, None, is_async=self.is_async)
        for field, known, new in (
            ("executor", None if self.executor == own else self.executor, executor),
            ("memory_limit_mb", self.memory_limit_mb, memory_limit_mb),
        ):
            if None not in (known, new) and known != new:
                raise InvalidError.one(field, new, f"{known!r}, as declared before: one for all")
        chosen = choose_executor(self.call, executor or self.executor, is_async=self.is_async)
        changed = replace(
            self,
            listed=self.listed or listed,
            executor=chosen,
            memory_limit_mb=check_memory_limit(memory_limit_mb or self.memory_limit_mb, chosen),
        )
        return self if changed.__dict__ == self.__dict__ else changed

    def is_made_of(self, call: object) -> bool:
        """Whether this is ``call`` itself; bound methods are new objects at each access."""
        return self.call is call or (inspect.ismethod(call) and self.call == call)

    def info(self) -> FunctionInfo:
        """What to show of it.

        Never raises: where a type hint has no JSON schema, the schema allows nothing and its
        ``description`` says why.
        """
        return self._info

    def validate(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """JSON values as the Python arguments that the type hints ask for.

        Raises:
            InvalidArgumentsError: with a field for each argument that does not fit.
            InvalidError: a type hint cannot be resolved or has no JSON form; names the parameter.
        """
        try:
            return self.parameters.validate(kwargs)
        except InvalidError as error:
            if error.errors:
                raise
            raise InvalidError(f"function {self.full_name}: {error}") from error

    @cached_property
    def code(self) -> str:
        """The fingerprint of its code, the same after a restart; see `code_fingerprint`."""
        return code_fingerprint(self.call, self.source)

    @cached_property
    def _info(self) -> FunctionInfo:
        try:
            schema = self.parameters.json_schema()
        except InvalidError as error:
            schema = {"type": "object", "properties": {}, "not": {}, "description": str(error)}
        return FunctionInfo(
            group=self.group,
            name=self.name,
            doc=self.parameters.docstring.text,
            parameters=schema,
            is_async=self.is_async,
            executor=self.executor,
            memory_limit_mb=self.memory_limit_mb,
            file=self.file,
            line=self.line,
            code=self.code,
        )


def is_async(call: Callable[..., Any]) -> bool:
    """Whether calling ``call`` gives a coroutine.

    Sees through `functools.partial`, objects with an async ``__call__``, and plain decorators with
    `functools.wraps` that hand on what the coroutine function gives. A decorator that runs the
    coroutine to its end, with ``asyncio.run`` and the like, makes an ordinary function of it.
    """
    call = _called(call)
    while not inspect.iscoroutinefunction(call):
        inner = getattr(call, "__wrapped__", None)
        names = getattr(getattr(call, "__code__", None), "co_names", ())
        if inner is None or _LOOP_STARTERS.intersection(names):
            return False
        call = _called(inner)
    return True


def _called(call: Callable[..., Any]) -> Callable[..., Any]:
    """The function that runs first when ``call`` is called; decorators are not looked through."""
    call = without_partial(call)
    return call if inspect.isroutine(call) else type(call).__call__


def _check_callable(call: object) -> Callable[..., Any]:
    """``call`` itself, when it is something that can run as a job."""
    if inspect.isclass(call):
        raise _refused(call, "a class", "a function that makes and uses an instance")
    if isinstance(call, classmethod | staticmethod):
        kind = type(call).__name__
        raise _refused(call, f"a {kind}", "a function outside of the class")
    if not callable(call):
        raise _refused(call, f"of type {type(call).__name__}", "a function")
    runs = _called(call)
    if inspect.isgeneratorfunction(runs) or inspect.isasyncgenfunction(runs):
        raise _refused(
            call, "a generator, whose body would never run", "a function that returns its result"
        )
    if inspect.isfunction(call) and _looks_like_method(call):
        raise _refused(
            call,
            "a method, and there is no instance to call it on",
            "a bound method: group.function()(instance.method)",
        )
    return call


def _refused(call: object, what: str, expected: str) -> InvalidError:
    shown = getattr(call, "__qualname__", None) or shorten(call)
    return InvalidError(f"{shown} cannot be a function of a group: it is {what}; use {expected}")


def _looks_like_method(call: Callable[..., Any]) -> bool:
    owner, _, _ = call.__qualname__.rpartition(".")
    if not owner or owner.endswith("<locals>") or not hasattr(call, "__code__"):
        return False
    return bool(call.__code__.co_varnames[:1]) and call.__code__.co_varnames[0] in {"self", "cls"}


def _own_name(call: Callable[..., Any], fallback: str | None) -> str:
    name = getattr(call, "__name__", None)
    if isinstance(name, str) and name != "<lambda>":
        return name
    if fallback is None:
        kind = "lambda" if name == "<lambda>" else type(call).__name__
        raise InvalidNameError(f"a {kind} has no name of its own; give it one: name='...'")
    return fallback
