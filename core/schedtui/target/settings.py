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

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schedtui.errors import InvalidError, TargetError, shorten
from schedtui.triggers import check_timezone

FILE_NAME = "schedtui.toml"
_LISTEN = re.compile(r"(\[[^\]]+\]|[^:\s]+):(\d{1,5})")
_SQLITE = "sqlite:///"


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


def read_settings(path: Path, shown: str) -> Settings:
    """Read a settings file.

    Args:
        path: The file.
        shown: What to call it in an error.

    Raises:
        TargetError: it cannot be read, is no TOML, or says something unknown or wrong; names the
            line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TargetError("it is not UTF-8; save it as UTF-8", file=shown) from error
    except OSError as error:
        raise TargetError(f"it cannot be read: {error.strerror}", file=shown) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
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
        self._known("", data, ("target", "store", "timezone", "listen", "groups"))
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
            raise self._error("", "target", value, "a text such as 'jobs.py', or a list of them")
        return tuple(items)

    def _groups(self, value: Any) -> dict[str, str]:
        if not isinstance(value, dict):
            raise self._error("", "groups", value, 'tables such as [groups."Reports"]')
        zones = {}
        for name, table in value.items():
            where = f"groups.{name}"
            if not isinstance(table, dict):
                raise self._error("groups", name, table, 'a table such as [groups."Reports"]')
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
        where: str = "",
    ) -> str | None:
        if key not in table:
            return None
        value = table[key]
        if not isinstance(value, str) or not value.strip():
            raise self._error(where, key, value, "a text in quotes")
        try:
            return check(value)
        except InvalidError as error:
            raise TargetError(str(error), file=self._shown, line=self._line(where, key)) from error

    def _store(self, url: str) -> str:
        """``url``, with a relative SQLite path taken from the file's folder."""
        if not url.startswith(_SQLITE) or url.startswith(f"{_SQLITE}/"):
            return url
        path, mark, options = url.removeprefix(_SQLITE).partition("?")
        if path in ("", ":memory:"):
            return url
        return f"{_SQLITE}{self._path.parent / path}{mark}{options}"

    def _known(self, where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                name = f"{where}.{key}" if where else key
                raise TargetError(
                    f"there is no setting {name!r}; known here: {', '.join(known)}",
                    file=self._shown,
                    line=self._line(where, key),
                )

    def _error(self, where: str, key: str, got: object, expected: str) -> TargetError:
        name = f"{where}.{key}" if where else key
        return TargetError(
            f"{name}: got {shorten(got)}; expected {expected}",
            file=self._shown,
            line=self._line(where, key),
        )

    def _line(self, where: str, key: str) -> int | None:
        """The line on which a key is written; tomllib does not tell, so it is searched for."""
        table = ""
        pattern = re.compile(rf"\s*([\"']?){re.escape(key)}\1\s*[.=]")
        for number, line in enumerate(self._lines, 1):
            header = re.match(r"\s*\[+\s*(.*?)\s*\]+", line)
            if header:
                table = re.sub(r"[\"']", "", header[1])
                if table == (f"{where}.{key}" if where else key):
                    return number
            elif table == where and pattern.match(line):
                return number
        return None


def _check_listen(value: str) -> str:
    found = _LISTEN.fullmatch(value)
    if not found or int(found[2]) > 65_535:
        raise InvalidError.one("listen", value, "HOST:PORT, such as '127.0.0.1:8787'")
    return value
