"""Late values: parameters whose value is fetched at each attempt of a run.

::

    @reports.function()
    async def send(recipient: str, limits: Limits = Late(load_limits)): ...

`Late` stands where a default stands and has the type of what its provider gives, so that type
checkers see a `Limits`. What it really leaves there is a `LateValue`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar, overload

from schedtui.errors import InvalidError, shorten
from schedtui.schema.latefile import FileProvider, parse_json, parse_toml

T = TypeVar("T")


class LateValue:
    """A default that says where the value comes from.

    Args:
        provider: Called without arguments, once for each attempt; may be async.
        plain: Whether it gives plain data, which is checked and converted by the type hint as an
            argument of a job is.
    """

    __slots__ = ("plain", "provider")

    def __init__(self, provider: Callable[[], Any], *, plain: bool = False) -> None:
        self.provider = provider
        self.plain = plain

    @property
    def shown(self) -> str:
        """What to call the provider."""
        if isinstance(self.provider, FileProvider):
            return self.provider.shown
        inner = getattr(self.provider, "func", self.provider)
        name = getattr(inner, "__qualname__", None) or type(inner).__qualname__
        return str(name).rpartition("<locals>.")[2]

    def ask(self, warn: Callable[[str], object]) -> Any:
        """What the provider gives: the value, or something to await.

        Args:
            warn: Is told where the value is an old one, and why.
        """
        if isinstance(self.provider, FileProvider):
            return self.provider.read(warn)
        return self.provider()

    def __repr__(self) -> str:
        return f"Late({self.shown})"


class _Late:
    """The value of a parameter that is fetched at each attempt: ``limits: Limits = Late(load)``.

    The provider is called each time the function is about to run, also for a retry, unless the job
    gives the argument itself. One that raises makes the attempt fail. `Late.toml` and `Late.json`
    read a file. A function that is called directly, past schedtui, must be given the argument.
    """

    @overload
    def __call__(self, provider: Callable[[], Coroutine[Any, Any, T]], /) -> T: ...
    @overload
    def __call__(self, provider: Callable[[], T], /) -> T: ...
    def __call__(self, provider: Callable[[], Any], /) -> Any:
        """A parameter that a provider fills.

        Args:
            provider: Any callable that needs no arguments, async or not. An async one is awaited in
                the run's own task; another one runs in a thread, so it may wait for a database.

        Raises:
            InvalidError: it is not callable, or needs arguments.
        """
        if not callable(provider):
            raise InvalidError(
                f"Late({shorten(provider)}): expected a callable that gives the value; "
                "a value that never changes is an ordinary default"
            )
        try:
            inspect.signature(provider).bind()
        except TypeError as error:
            raise InvalidError(
                f"Late({shorten(provider)}): it is called without arguments ({error}); "
                "wrap it in a lambda or functools.partial"
            ) from None
        except ValueError:  # some callables of C have no signature
            pass
        return LateValue(provider)

    def toml(self, path: str | Path, key: str | None = None) -> Any:
        """A value out of a TOML file, read anew at each attempt.

        Parsed only when its content has changed. While the file is missing or broken, the last good
        value is used, and a warning in the run's log says why. The value is checked and converted
        by the parameter's type hint, as an argument of a job is.

        Args:
            path: Relative to the folder of the module that this is written in.
            key: Dotted, such as ``mail.limits``; a number picks from a list. None: all of it.
        """
        folder = _folder_of_caller(inspect.currentframe())
        return LateValue(FileProvider(folder / path, key, parse_toml), plain=True)

    def json(self, path: str | Path, key: str | None = None) -> Any:
        """A value out of a JSON file, read anew at each attempt; see `toml`."""
        folder = _folder_of_caller(inspect.currentframe())
        return LateValue(FileProvider(folder / path, key, parse_json), plain=True)

    def __repr__(self) -> str:
        return "schedtui.Late"


Late: Final = _Late()


def _folder_of_caller(frame: Any) -> Path:
    """The folder of the module that the caller of the function ``frame`` is of lies in."""
    caller = frame.f_back if frame else None
    file = caller.f_globals.get("__file__") if caller else None
    return Path(file).resolve().parent if isinstance(file, str) else Path.cwd()
