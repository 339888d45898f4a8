"""What a worker needs to import the same code as the engine's process."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from schedtui.target.imports import target_folders


class Place(NamedTuple):
    """Where a process finds its modules. A worker serves the place it was started for only."""

    cwd: str
    path: tuple[str, ...]
    """``sys.path``, without relative entries."""
    folders: tuple[str, ...]
    """Those entries of it that are a target's, and must not hide the standard library."""
    main: str
    """The file of ``__main__``; empty where it has none that could be imported once more."""

    @classmethod
    def now(cls) -> Place:
        """That of this process."""
        cwd = _cwd()
        # What is no text there is passed over, as by Python's own imports.
        texts = [one for one in sys.path if isinstance(one, str)]
        path = tuple(os.path.join(cwd, one) for one in texts)  # noqa: PTH118 - joins 10 µs sooner
        return cls(cwd, path, target_folders(), _main_file())


def _cwd() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - as above
    except OSError:  # it was removed
        return "/"


def _main_file() -> str:
    """The script of this process, as `multiprocessing` finds it when it spawns."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if not isinstance(file, str) or file.startswith("<"):
        return ""
    # `python -m package` runs a __main__.py, which is written to be run and not to be imported.
    return "" if os.path.basename(file) == "__main__.py" else os.path.abspath(file)  # noqa: PTH100, PTH119 - as above
