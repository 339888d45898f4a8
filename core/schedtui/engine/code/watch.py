"""Notices that source files change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from pathlib import Path

from watchfiles import Change, awatch

from schedtui.target.settings import FILE_NAME

STEP_MS = 100
"""Files that are saved closer together than this are one change."""
DEBOUNCE_MS = 1_600
"""While they go on being saved, how long a change may be held back."""


async def changes(folders: Callable[[], Iterable[Path]]) -> AsyncIterator[None]:
    """Once after each burst of changes of Python files and settings; never ends by itself.

    Only the folders themselves are watched, not what is below them: there may be a virtual
    environment in a project, with ten thousand folders of its own.

    Args:
        folders: Which ones; asked again after each change.

    Raises:
        OSError, RuntimeError: they cannot be watched, for example because the system's limit of
            watches is reached.
    """
    while True:
        watched = _existing(folders())
        async with aclosing(_once(watched)) as seen:
            async for _ in seen:
                yield
                if _existing(folders()) != watched:
                    break
        await asyncio.sleep(0)


async def _once(watched: frozenset[Path]) -> AsyncGenerator[None]:
    stream = awatch(
        *watched,
        watch_filter=_matters,
        debounce=DEBOUNCE_MS,
        step=STEP_MS,
        recursive=False,
    )
    async for _ in stream:
        yield


def _existing(folders: Iterable[Path]) -> frozenset[Path]:
    return frozenset(folder for folder in folders if folder.is_dir())


def _matters(_: Change, path: str) -> bool:
    return path.endswith(".py") or Path(path).name == FILE_NAME
