"""Values out of files, read anew each time, with the last good one kept."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import threading
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from schedtui.errors import InvalidError

logger = logging.getLogger("schedtui.late")


def parse_toml(text: str) -> Any:
    """The table in a TOML text; `ValueError` where it is none."""
    return tomllib.loads(text)


def parse_json(text: str) -> Any:
    """The value in a JSON text; `ValueError` where it is none."""
    return json.loads(text)


class FileProvider:
    """Gives a value of a file as it is now.

    The content decides whether it is parsed again, not its time or size, which an edit within one
    tick of the file system leaves as they were.

    Args:
        path: The file.
        key: Dotted; None: the whole.
        parse: From text to value.
    """

    def __init__(self, path: Path, key: str | None, parse: Callable[[str], Any]) -> None:
        self._path = path
        self._key = key
        self._parse = parse
        self._lock = threading.Lock()
        self._digest: bytes | None = None
        self._value: Any = None

    @property
    def shown(self) -> str:
        """The file, and what is picked from it."""
        return f"{self._path}{f' [{self._key}]' if self._key else ''}"

    def __call__(self) -> Any:
        """See `read`; a warning goes to the logger "schedtui.late"."""
        return self.read(logger.warning)

    def read(self, warn: Callable[[str], object]) -> Any:
        """A copy of the value; of the last good one, with a warning, while the file is broken.

        Args:
            warn: Is told what is wrong with the file.

        Raises:
            InvalidError: it is broken, and has never been read.
        """
        with self._lock:
            problem = self._refresh()
            if problem and self._digest is None:
                raise InvalidError(problem)
            if problem:
                warn(f"{problem}; the last good value is used")
            return copy.deepcopy(self._value)

    def _refresh(self) -> str:
        """Take over what the file holds now; what is wrong with it, if anything is."""
        try:
            data = self._path.read_bytes()
            digest = hashlib.sha256(data).digest()
            if digest != self._digest:
                self._value = self._pick(self._parse(data.decode("utf-8-sig")))
                self._digest = digest
        except OSError as error:
            return f"{self._path} cannot be read: {error.strerror}"
        except (ValueError, RecursionError) as error:
            return f"{self._path}: {error}"
        return ""

    def _pick(self, value: Any) -> Any:
        for part in self._key.split(".") if self._key else ():
            if isinstance(value, Mapping) and part in value:
                value = value[part]
            elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            else:
                raise ValueError(f"it has no {self._key!r} (there is no {part!r})")
        return value
