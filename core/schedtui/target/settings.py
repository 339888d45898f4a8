"""``schedtui.toml``: what to load, and how its engine is set up.

::

    target = "jobs.py"              # or a list; default: jobs.py beside this file
    timezone = "Europe/Berlin"      # of jobs and groups that name none
    store = "sqlite:///state.db"    # relative to this file
    listen = "127.0.0.1:8787"

    [groups."Reports"]
    timezone = "America/New_York"   # of this group's jobs that name none; wins over the code
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schedtui.errors import InvalidError, TargetError, shorten
from schedtui.triggers import check_timezone

FILE_NAME = "schedtui.toml"
MAX_FILE = 1 << 20  # bytes
MAX_TARGETS = 1_000
_LISTEN = re.compile(r"(\[[^\]]+\]|[^:\s]+):([0-9]{1,5})")
_SQLITE = "sqlite:///"
_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART}){{0,9}}"
_KEY = re.compile(rf"\s*(?:\[\s*(?P<table>{_DOTTED})\s*\]|(?P<key>{_DOTTED})\s*=)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a ``schedtui.toml`` says; everything is optional."""

    file: Path | None = None
    """Where it was read from; None: there is none."""
    targets: tuple[str, ...] = ()
    """Files, folders, modules, relative to the file."""
    store: str | None = None
    """The store's URL; a relative SQLite path was made absolute."""
    timezone: str | None = None
    """The engine's default zone."""
    listen: str | None = None
    """``HOST:PORT`` for ``schedtui serve``."""
    group_timezones: Mapping[str, str] = field(default_factory=dict)
    """The default zone of a group's jobs, by the group's name."""


def settings_in(folder: Path, shown: str) -> Path | None:
    """The ``schedtui.toml`` of a folder; None where there is none.

    Args:
        folder: Where it would be.
        shown: What to call the file in an error.

    Raises:
        TargetError: something of that name is there and is no file that can be read. Going on
            without it would mean another store and other settings than somebody asked for.
    """
    file = folder / FILE_NAME
    try:
        if not os.path.lexists(file):
            return None
        found = file.stat()
    except OSError as error:
        raise TargetError(
            f"it is there and cannot be read: {error.strerror}", file=shown
        ) from error
    if not stat.S_ISREG(found.st_mode):
        raise TargetError(
            "it is there and is not a regular file: put a file in its place, or remove it",
            file=shown,
        )
    return file


def read_settings(path: Path, shown: str) -> Settings:
    """Read a settings file.

    Args:
        path: The file.
        shown: What to call it in an error.

    Raises:
        TargetError: it cannot be read, is no TOML, or says something unknown or wrong; names the
            setting, and the line where that is known.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE + 1).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TargetError("it is not UTF-8; save it as UTF-8", file=shown) from error
    except OSError as error:
        raise TargetError(f"it cannot be read: {error.strerror}", file=shown) from error
    if len(text) > MAX_FILE:
        raise TargetError(f"it is longer than {MAX_FILE} bytes: it holds no settings", file=shown)
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise TargetError("lists or tables in it are nested too deeply", file=shown) from error
    except ValueError as error:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(found[1]) if found else None
        raise TargetError(f"it is not valid TOML: {error}", file=shown, line=line) from error
    return _Reader(path, shown, text).settings(data)


class _Reader:
    """Checks one file's data; knows where each key is written."""

    def __init__(self, path: Path, shown: str, text: str) -> None:
        self._path = path
        self._shown = shown
        self._lines = text.splitlines()

    def settings(self, data: Mapping[str, Any]) -> Settings:
        self._known((), data, ("target", "store", "timezone", "listen", "groups"))
        return Settings(
            file=self._path,
            targets=self._targets(data.get("target", ())),
            store=self._text(data, "store", self._store),
            timezone=self._text(data, "timezone", check_timezone),
            listen=self._text(data, "listen", _check_listen),
            group_timezones=self._groups(data.get("groups", {})),
        )

    def _targets(self, value: Any) -> tuple[str, ...]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not all(
            isinstance(item, str) and item.strip() for item in items
        ):
            expected = "a text such as 'jobs.py', or a list of them"
            raise self._error(("target",), value, expected)
        if len(items) > MAX_TARGETS:
            expected = f"at most {MAX_TARGETS:,} (a folder means all its files)"
            raise self._error(("target",), items, expected)
        return tuple(items)

    def _groups(self, value: Any) -> dict[str, str]:
        if not isinstance(value, dict):
            raise self._error(("groups",), value, 'tables such as [groups."Reports"]')
        zones = {}
        for name, table in value.items():
            where = ("groups", name)
            if not isinstance(table, dict):
                raise self._error(where, table, 'a table such as [groups."Reports"]')
            self._known(where, table, ("timezone",))
            zone = self._text(table, "timezone", check_timezone, where)
            if zone is not None:
                zones[name] = zone
        return zones

    def _text(
        self,
        table: Mapping[str, Any],
        key: str,
        check: Callable[[str], str],
        where: tuple[str, ...] = (),
    ) -> str | None:
        if key not in table:
            return None
        value = table[key]
        path = (*where, key)
        if not isinstance(value, str) or not value.strip():
            raise self._error(path, value, "a text in quotes")
        try:
            return check(value)
        except InvalidError as error:
            raise self._error(path, value, error.errors[0].expected) from error

    def _store(self, url: str) -> str:
        """``url``, with a relative SQLite path taken from the file's folder."""
        if not url.startswith(_SQLITE) or url.startswith(f"{_SQLITE}/"):
            return url
        path, mark, options = url.removeprefix(_SQLITE).partition("?")
        if path in ("", ":memory:"):
            return url
        return f"{_SQLITE}{self._path.parent / path}{mark}{options}"

    def _known(
        self, where: tuple[str, ...], table: Mapping[str, Any], known: tuple[str, ...]
    ) -> None:
        for key in table:
            if key not in known:
                path = (*where, key)
                raise TargetError(
                    f"there is no setting '{_dotted(path)}'; known here: {', '.join(known)}",
                    file=self._shown,
                    line=self._line(path),
                )

    def _error(self, path: tuple[str, ...], got: object, expected: str) -> TargetError:
        return TargetError(
            f"{_dotted(path)}: got {shorten(got)}; expected {expected}",
            file=self._shown,
            line=self._line(path),
        )

    def _line(self, path: tuple[str, ...]) -> int | None:
        """The line on which a key is written; tomllib does not tell, so it is searched for."""
        table: tuple[str, ...] = ()
        for number, line in enumerate(self._lines, 1):
            found = _KEY.match(line)
            if not found:
                continue
            if found["table"]:
                table = here = _parts(found["table"])
            else:
                here = (*table, *_parts(found["key"]))
            if here[: len(path)] == path:
                return number
        return None


def _parts(dotted: str) -> tuple[str, ...]:
    """The parts of a key as TOML reads it: without quotes and escapes."""
    try:
        value: Any = tomllib.loads(f"{dotted} = 0")
    except ValueError:
        return ()
    parts = []
    while isinstance(value, dict):
        ((part, value),) = value.items()
        parts.append(part)
    return tuple(parts)


def _dotted(path: tuple[str, ...]) -> str:
    """A key for an error: what is not plain is quoted, with escapes, and long names are cut."""
    return ".".join(
        part if re.fullmatch(r"[\w-]{1,80}", part) else f'"{_cut(part)}"' for part in path
    )


def _cut(part: str) -> str:
    return shorten(part).removeprefix("'").removesuffix("'")


def _check_listen(value: str) -> str:
    found = _LISTEN.fullmatch(value)
    if not found or int(found[2]) > 65_535:
        raise InvalidError.one("listen", value, "HOST:PORT, such as '127.0.0.1:8787'")
    return value
