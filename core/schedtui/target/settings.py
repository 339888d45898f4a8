"""``schedtui.toml``: what to load, and how its engine is set up.

::

    target = "jobs.py"              # or a list; default: jobs.py beside this file
    timezone = "Europe/Berlin"      # of jobs and groups that name none
    store = "sqlite:///state.db"    # relative to this file
    listen = "127.0.0.1:8787"
    threads = 32                    # sync functions that run at once; also: async_slots, processes
    telemetry = true                # a span for each attempt of a run; needs schedtui[otel]

    [pools]                         # runs of the jobs of each pool that may be active at once
    smtp = 2

    [policies]                      # of jobs that say nothing, and whose group says nothing
    timeout_s = 600

    [groups."Reports"]              # wins over what the code says of the group
    timezone = "America/New_York"   # of its jobs that name none
    limit = 5                       # runs of all its jobs together
    policies.retries = 3            # of its jobs that say nothing

    [[alerts]]                      # who is told of failures; see `schedtui.target.alerts`
    kind = "webhook"
    url = "https://example.com/hook"
    secret_env = "HOOK_SECRET"
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from schedtui import policies
from schedtui.errors import InvalidError, InvalidNameError, TargetError, shorten
from schedtui.models import Policies
from schedtui.models.alert import Alert
from schedtui.models.at_once import check_at_once
from schedtui.models.secret import check_secrets
from schedtui.target.alerts import read_alerts
from schedtui.triggers import check_timezone

FILE_NAME = "schedtui.toml"
MAX_FILE = 1 << 20  # bytes
MAX_TARGETS = 1_000
_ENGINE = (
    *("target", "store", "timezone", "listen", "threads", "async_slots", "processes"),
    *("telemetry", "pools", "policies", "groups", "secrets", "alerts"),
)
_LISTEN = re.compile(r"(\[[^\]]+\]|[^:\s]+):([0-9]{1,5})")
_SQLITE = "sqlite:///"
_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART}){{0,9}}"
T = TypeVar("T")
_KEY = re.compile(rf"\s*(?:\[?\[\s*(?P<table>{_DOTTED})\s*\]|(?P<key>{_DOTTED})\s*=)")


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupSettings:
    """What a ``schedtui.toml`` says of one group; it wins over the code."""

    timezone: str | None = None
    """The default zone of its jobs."""
    limit: int | None = None
    """Runs of all its jobs together that may be active at once."""
    policies: Policies = field(default_factory=Policies)
    """Of its jobs that say nothing; what is open here stays as the code has it."""


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
    threads: int | None = None
    """Sync functions that run at once; None: the engine's default, as for the next two."""
    async_slots: int | None = None
    """Async functions that run at once."""
    processes: int | None = None
    """Functions in processes of their own that run at once."""
    telemetry: bool = False
    """Whether there is a span of OpenTelemetry for each attempt of a run."""
    pools: Mapping[str, int] = field(default_factory=dict)
    """How many runs of the jobs of each named pool may be active at once."""
    policies: Policies = field(default_factory=Policies)
    """The engine's, for jobs whose group says none."""
    groups: Mapping[str, GroupSettings] = field(default_factory=dict)
    """By the group's name."""
    secrets: tuple[str, ...] = ()
    """Names of arguments that are secret, of whichever function."""
    alerts: tuple[Alert, ...] = ()
    """Who is told of failures and the like."""


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
        self._known((), data, _ENGINE)
        return Settings(
            file=self._path,
            targets=self._targets(data.get("target", ())),
            store=self._text(data, "store", self._store),
            timezone=self._text(data, "timezone", check_timezone),
            listen=self._text(data, "listen", _check_listen),
            threads=self._count(data, "threads"),
            async_slots=self._count(data, "async_slots"),
            processes=self._count(data, "processes"),
            telemetry=self._flag(data, "telemetry"),
            pools=self._pools(data),
            policies=self._policies(data),
            groups=self._groups(data),
            secrets=self._secrets(data),
            alerts=self._alerts(data),
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

    def _flag(self, data: Mapping[str, Any], key: str) -> bool:
        value = data.get(key, False)
        if not isinstance(value, bool):
            raise self._error((key,), value, "true or false")
        return value

    def _pools(self, data: Mapping[str, Any]) -> dict[str, int]:
        table = self._table(data, "pools")
        for name, limit in table.items():  # one by one, so that it is known which is wrong
            self._checked(("pools",), {name: limit}, policies.check_pools)
        return table

    def _secrets(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        where = ("secrets",)
        table = self._table(data, "secrets")
        self._known(where, table, ("names",))
        self._checked(where, table, lambda said: check_secrets(said.get("names", ())))
        return tuple(table.get("names", ()))

    def _alerts(self, data: Mapping[str, Any]) -> tuple[Alert, ...]:
        try:
            return read_alerts(data.get("alerts", []), self._path.parent)
        except InvalidError as error:
            raise TargetError(str(error), file=self._shown, line=self._line(("alerts",))) from error

    def _groups(self, data: Mapping[str, Any]) -> dict[str, GroupSettings]:
        groups = self._table(data, "groups")
        return {name: self._group(groups, name) for name in groups}

    def _group(self, groups: Mapping[str, Any], name: str) -> GroupSettings:
        where = ("groups", name)
        table = self._table(groups, name, ("groups",))
        self._known(where, table, ("timezone", "limit", "policies"))
        return GroupSettings(
            timezone=self._text(table, "timezone", check_timezone, where),
            limit=self._count(table, "limit", where),
            policies=self._policies(table, where),
        )

    def _policies(self, table: Mapping[str, Any], where: tuple[str, ...] = ()) -> Policies:
        words = self._table(table, "policies", where)
        return self._checked((*where, "policies"), words, lambda said: policies.make(**said))

    def _table(
        self, table: Mapping[str, Any], key: str, where: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            path = (*where, key)
            header = f"[{_dotted(path)}]" if path != ("groups",) else '[groups."Reports"]'
            raise self._error(path, value, f"a table such as {header}")
        return value

    def _checked(
        self, where: tuple[str, ...], value: dict[str, Any], check: Callable[[dict[str, Any]], T]
    ) -> T:
        try:
            return check(value)
        except InvalidError as error:
            key = error.errors[0].field.rpartition(".")[2]
            got = value.get(key)
            if key not in value:  # the key itself is wrong, or has a dot in it
                key = next(iter(value))
                got = key if isinstance(error, InvalidNameError) else value[key]
            raise self._error((*where, key), got, error.errors[0].expected) from error

    def _count(self, table: Mapping[str, Any], key: str, where: tuple[str, ...] = ()) -> int | None:
        value = table.get(key)
        if value is None:
            return None
        return self._checked(where, {key: value}, lambda one: check_at_once(key, one[key]))

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
        # Within an inline table: where that is.
        return self._line(path[:-1]) if len(path) > 2 else None


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
