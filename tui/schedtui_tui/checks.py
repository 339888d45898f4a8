"""What may be wrong where an engine is to run, each with the remedy; for ``schedtui doctor``."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from schedtui.errors import InvalidTriggerError, SchedtuiError

if TYPE_CHECKING:
    from schedtui.locations import StateDir
    from schedtui.models import EngineInfo
    from schedtui.target import Target
    from schedtui.target.settings import Settings

_PACKAGES = ("textual", "apscheduler", "sqlalchemy", "fastapi", "uvicorn", "httpx")
_LEAST_FREE = 200_000_000
"""Bytes on the disk below which a store is soon in trouble."""
_CLOCK_S = 2.0
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_CLOSED = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH}
)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    """It works, and not as somebody may expect."""
    FAIL = "fail"
    """It does not work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one look has shown."""

    level: Level
    what: str
    """What was looked at: ``store``, ``time zone``."""
    found: str
    """One sentence."""
    remedy: str = ""
    """What mends it, a command where there is one; empty where nothing is wrong."""


def ok(what: str, found: str) -> Finding:
    """Nothing is wrong here."""
    return Finding(level=Level.OK, what=what, found=found)


def warn(what: str, found: str, remedy: str) -> Finding:
    """It works, and not as somebody may expect."""
    return Finding(level=Level.WARN, what=what, found=found, remedy=remedy)


def fail(what: str, found: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(level=Level.FAIL, what=what, found=found, remedy=remedy)


def versions() -> Iterator[Finding]:
    """Of schedtui, Python and what it is built on."""
    yield ok("versions", f"schedtui {version('schedtui')}, Python {sys.version.split()[0]}")
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    yield ok("versions", f"{packages}, SQLite {sqlite3.sqlite_version}")


def zones(named: str | None) -> Iterator[Finding]:
    """Whether this machine knows time zones, and the one of the settings."""
    from schedtui.triggers import check_timezone

    for zone in dict.fromkeys(("Europe/Berlin", named or "UTC")):
        try:
            check_timezone(zone)
        except InvalidTriggerError as error:
            remedy = "install the time zone data: pip install tzdata (or the system's tzdata)"
            yield fail("time zone", str(error), remedy)
            return
    yield ok("time zone", f"jobs that name none are in {named or 'UTC'}")


def target(loaded: Target) -> Finding:
    """What a target that could be loaded brings."""
    jobs = sum(len(group.declarations) for group in loaded.groups)
    functions = sum(len(group.functions) for group in loaded.groups)
    told = f"{loaded.name}: {functions} functions and {jobs} jobs"
    if loaded.notice:
        return warn("target", f"{told}. {loaded.notice}", "import those files, or name them there")
    if not functions + jobs:
        return warn("target", f"{told}: nothing to run", "schedtui init writes a first jobs.py")
    return ok("target", told)


def state_folder(state: StateDir) -> Iterator[Finding]:
    """Whether the state folder is this user's alone, and whether there is room."""
    path = state.path
    try:
        found = path.lstat()
    except FileNotFoundError:
        free_at = path.parent
        if not os.access(free_at, os.W_OK):
            remedy = f"chown or chmod {free_at}, or give a store elsewhere with --store"
            yield fail("state folder", f"{free_at} cannot be written", remedy)
            return
        yield ok("state folder", f"{path} will be made at the first start")
    else:
        yield _folder(path, found)
        free_at = path
    free = shutil.disk_usage(free_at).free
    if free < _LEAST_FREE:
        yield warn("disk", f"{free / 1e6:.0f} MB are free at {free_at}", "make room there")
    else:
        yield ok("disk", f"{free / 1e9:.1f} GB are free at {free_at}")


def _folder(path: Path, found: os.stat_result) -> Finding:
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        return fail("state folder", f"{path} is not a folder", f"rm {path}")
    if found.st_uid != os.getuid():
        return fail(
            "state folder", f"{path} belongs to another user", f"sudo chown -R $USER {path}"
        )
    if not os.access(path, os.W_OK | os.X_OK):
        return fail("state folder", f"{path} cannot be written", f"chmod 700 {path}")
    if mode & 0o077:
        told = f"{path} is open to others (mode {mode:o})"
        return warn("state folder", told, f"chmod 700 {path}")
    return ok("state folder", f"{path} is this user's alone")


def store(url: str, database: Path) -> Iterator[Finding]:
    """Whether a SQLite store is whole and of a schema that this schedtui knows.

    Args:
        url: As it is to be shown.
        database: Its file.
    """
    try:
        if not _is_regular(database):
            remedy = f"move {database} away, or give a store elsewhere with --store"
            yield fail("store", f"{url} is no regular file", remedy)
            return
        size = database.stat().st_size / 1e6
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as read:
            read.execute("PRAGMA query_only = 1")
            (said,) = read.execute("PRAGMA quick_check(1)").fetchone()
            revision = _revision(read)
            seen_us = _newest(read)
    except FileNotFoundError:
        yield ok("store", f"{url} will be made at the first start")
        return
    except OSError as error:
        yield fail("store", f"{url}: {error.strerror or error}", _access(database))
        return
    except sqlite3.Error as error:
        yield fail("store", f"{url}: {error}", _remedy(error, url, database))
        return
    if said != "ok":
        yield fail("store", f"{url} is damaged: {said}", _backup(url))
    else:
        yield from _schema(url, revision, size)
    if seen_us is not None and seen_us / 1e6 > time.time() + _CLOCK_S:
        ahead = seen_us / 1e6 - time.time()
        told = f"the store was used {ahead:.0f} s in the future: this machine's clock went back"
        yield warn("clock", told, "set the clock: timedatectl set-ntp true")
    else:
        yield ok("clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))


def _is_regular(database: Path) -> bool:
    """Whether it is a file, or a link to one: to open a FIFO would hang.

    Raises:
        OSError: It is not there, or must not be looked at.
    """
    found = database.lstat()
    if stat.S_ISLNK(found.st_mode):
        try:
            found = database.stat()
        except OSError as error:
            if error.errno == errno.ELOOP:
                return False
            raise
    return stat.S_ISREG(found.st_mode)


def _backup(url: str) -> str:
    command = shlex.join(["schedtui", "restore", "FILE", "--replace", "--store", url])
    return f"put a backup in its place, also one of the *.bak beside it: {command}"


def _remedy(error: sqlite3.Error, url: str, database: Path) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more of the same
    if code in _LOCKED:
        return "try again when the other program is done with it"
    if code in _CLOSED:
        return _access(database)
    if code in _DAMAGED:
        return _backup(url)
    return "try again; where that says the same, see whether its disk is well"


def _access(database: Path) -> str:
    return f"chmod u+rw {database}, or sudo chown $USER {database}; its folder likewise"


def _schema(url: str, revision: str | None, size: float) -> Iterator[Finding]:
    from schedtui.store.sql.schema import HEAD, REVISIONS

    if revision is None:
        remedy = "give schedtui a file of its own: --store sqlite:///PATH"
        yield fail("store", f"{url} is the database of another program", remedy)
    elif revision not in REVISIONS:
        told = f"{url} has schema {revision}, and this schedtui knows {HEAD}"
        yield fail("store", told, "pip install --upgrade schedtui")
    elif revision != HEAD:
        told = f"{url} has schema {revision} and becomes {HEAD} at the next start, with a backup"
        yield ok("store", told)
    else:
        yield ok("store", f"{url} is whole, {size:.1f} MB")


def _revision(read: sqlite3.Connection) -> str | None:
    from schedtui.store.sql.schema import VERSION_TABLE

    named = read.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    if (VERSION_TABLE,) not in named:
        return "" if not named else None
    row = read.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608 - ours
    return str(row[0]) if row else ""


def _newest(read: sqlite3.Connection) -> int | None:
    """When something was last claimed, microseconds; None where that is no moment."""
    with suppress(sqlite3.Error):
        row = read.execute(
            "SELECT max(claimed_at) FROM (SELECT claimed_at FROM runs ORDER BY id DESC LIMIT 100)"
        ).fetchone()
        return row[0] if isinstance(row[0], int) else None
    return None


def engine(info: EngineInfo) -> Iterator[Finding]:
    """What an engine that runs here says of itself."""
    yield ok("engine", f"process {info.pid} runs since {info.started_at:%Y-%m-%d %H:%M:%S} UTC")
    ours = version("schedtui")
    if info.version != ours:
        told = f"it is schedtui {info.version}, and this command is {ours}"
        yield warn("engine", told, "start it again")
    for problem in info.problems:
        yield warn("engine", problem, "see `schedtui runs` and its log")
    if info.paused:
        told = f"it is paused by {info.paused_by}: {info.pause_reason or 'no reason given'}"
        yield warn("engine", told, "schedtui resume --engine")


def port(settings: Settings, address: str, tokens: int) -> Iterator[Finding]:
    """Whether `schedtui serve` may listen where it would, while no engine runs here."""
    from schedtui.api.listen import Listen, bind_tcp

    host, _, number = address.rpartition(":")
    listen = Listen(host=host.strip("[]"), port=int(number))
    try:
        for bound in bind_tcp(listen):
            bound.close()
    except SchedtuiError as error:
        yield fail("port", str(error), "schedtui serve --listen 127.0.0.1:0 takes any free one")
        return
    try:
        listen.check(tokens=tokens)
    except SchedtuiError as error:
        where = settings.file.name if settings.file else "--listen"
        yield warn("port", f"{where}: {error}", "see `schedtui serve --help`")
    else:
        yield ok("port", f"{address} is free")
    if not tokens:
        told = "there is no access token: only this user, over the socket, can reach an engine"
        yield ok("tokens", told)
