"""The ground of a write transaction on a SQLite store: its connection, and how it fails."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from schedtui.errors import SchedtuiError, StoreDataError
from schedtui.store.sql.errors import Foreign, translate

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="SqlSteps")


def step(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Translate the database's errors; after one that is not about data, refuse to go on.

    A database that is full or gone may have ended the transaction by itself, and what came after it
    would be committed row by row.
    """

    def wrapped(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if self.failure is not None:
            raise self.failure
        try:
            return method(self, *args, **kwargs)
        except Foreign as error:
            told = translate(error, self.path)
            if not isinstance(told, StoreDataError):
                self.failure = told
            raise told from error

    functools.update_wrapper(wrapped, method)
    return wrapped


class SqlSteps:
    """What all parts of a transaction stand on.

    Args:
        connection: In a transaction already.
        path: Named in errors.
        indexed: Whether log lines go into the full-text index.
    """

    def __init__(self, connection: sa.Connection, path: Path, *, indexed: bool) -> None:
        self._connection = connection
        self._indexed = indexed
        self.path = path
        self.failure: SchedtuiError | None = None
        """Why this transaction must not be committed."""
