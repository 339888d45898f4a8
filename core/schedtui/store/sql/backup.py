"""Copies of a store's file: out of one that may be in use, and back to where an engine finds it.

Both are SQLite's online backup (https://sqlite.org/backup.html) in a single step: a consistent
view of one moment, which neither waits for the engine that writes meanwhile nor holds it up.
"""

from __future__ import annotations

import dataclasses
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from socket import gethostname

from schedtui.errors import ConflictError, RefusedError, StoreError, StoreSchemaError, shorten
from schedtui.protocols import Boot
from schedtui.store.sql import schema
from schedtui.store.sql.connection import make_file
from schedtui.store.sql.errors import DamagedError, translated
from schedtui.store.sql.lock import Lock

_BUSY_S = 10.0  # an engine that checkpoints holds its file for less
_ABANDONED_S = 3_600.0  # without a write; no copy takes as long to be looked at


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """A copy of a store that was made and looked at."""

    file: Path
    """Where it is now."""
    size: int
    """In bytes."""
    revision: str
    """Of its schema."""
    jobs: int
    """Living ones."""
    runs: int
    kept: Path | None = None
    """What lay at its place before; None where nothing did."""


def back_up(database: Path, file: Path, *, replace: bool = False) -> Copied:
    """Copy a store into ``file`` (mode 0600), whole or not at all; an engine may be at work on it.

    Args:
        database: The store's file.
        file: Where to.
        replace: Write over a file that is there.

    Raises:
        ConflictError: there is a file, or it is the store itself.
        RefusedError: it cannot be written there.
        StoreError: there is no store of schedtui, or it is damaged.
    """
    database, file = database.resolve(), file.resolve()
    if file == database or (file.exists() and database.exists() and file.samefile(database)):
        raise ConflictError(f"{file} is the store itself; name another file")
    if os.path.lexists(file) and not (replace and file.is_file()):
        raise ConflictError(
            f"{file} is there already, and nothing was written; --replace writes over a file"
        )
    with _fresh(file) as fresh:
        # Who may only read leaves SQLite's two files beside a store that nobody has open.
        _copy(database, fresh, file, mode="rw" if os.access(database, os.W_OK) else "ro")
        found = _look(fresh, file)
        fresh.replace(file)
    return found


def restore(file: Path, database: Path, *, replace: bool = False) -> Copied:
    """Put a copy where a store is looked for, whole or not at all; no engine may be at work there.

    Args:
        file: As `back_up` makes it; it stays as it is.
        database: The store's file.
        replace: Put one that lies there aside, under a name beside it.

    Raises:
        ConflictError: a store lies there.
        StoreLockedError: an engine is at work on it.
        StoreSchemaError: a newer schedtui wrote the copy.
        StoreError: it is no store of schedtui, or is damaged.
    """
    file, database = file.resolve(), database.resolve()
    if file.exists() and database.exists() and file.samefile(database):
        raise ConflictError(f"{file} is the store itself; name a copy of it")
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = Lock(database)
    # Until it is done no engine may start here, and none that runs may lose its file.
    lock.acquire(Boot(boot="restore", pid=os.getpid(), address="", started_at_us=_now_us()))
    try:
        if database.exists() and not replace:
            raise ConflictError(
                f"{database} is there already, and nothing was done; --replace puts it aside"
            )
        with _fresh(database) as fresh:
            found = _taken(file, fresh, database)
            kept = _exchange(fresh, database)
    finally:
        lock.release()
    return dataclasses.replace(found, file=database, kept=kept)


def _taken(file: Path, fresh: Path, database: Path) -> Copied:
    """What is in a copy, which is in ``fresh`` then, on its way to ``database``."""
    try:
        _copy(file, fresh, database)
        return _look(fresh, file)
    except DamagedError as error:
        raise StoreError(
            f"{file} is damaged or no copy of a store ({error.why}), and nothing was restored: take"
            " another copy"
        ) from error


@contextmanager
def _fresh(file: Path) -> Iterator[Path]:
    """An empty file of this user alone beside ``file``, which is gone after the block."""
    fresh = file.with_name(f".{file.name}.{_home()}-{os.getpid()}.new")
    try:
        _tidy(file)
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise RefusedError(f"{file}: {error.strerror}; nothing was written") from error
    try:
        yield fresh
    except OSError as error:
        raise RefusedError(f"{file}: {error.strerror}; nothing was written") from error
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)


def _tidy(file: Path) -> None:
    """Remove what processes that were killed have left: as large as a store, and as secret."""
    left = re.compile(
        rf"\.{re.escape(file.name)}\.(?:([0-9a-f]{{8}})-)?(\d{{1,10}})\.new(-journal|-wal|-shm)?"
    )
    for one in list(file.parent.iterdir()) if file.parent.is_dir() else []:
        found = left.fullmatch(one.name)
        if found is not None and _abandoned(one, found[1] or "", int(found[2])):
            one.unlink(missing_ok=True)


def _abandoned(one: Path, home: str, pid: int) -> bool:
    """Whether nobody is at work on a file; of a process that cannot be seen its age tells."""
    if home == _home():
        return not _lives(pid)
    try:
        return time.time() - one.stat().st_mtime >= _ABANDONED_S
    except FileNotFoundError:
        return False


def _home() -> str:
    """Where a process's number means that process: this start of this machine or container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        said = f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # no Linux
        said = gethostname()
    return sha256(said.encode()).hexdigest()[:8]


def _lives(pid: int) -> bool:
    """Whether another process has this number."""
    if pid in (0, os.getpid()):
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _copy(source: Path, target: Path, place: Path, *, mode: str = "ro") -> None:
    """Copy a store into ``target``, which is to be at ``place``; ``mode`` as SQLite calls it."""
    if not source.is_file():
        raise StoreError(f"{source} is no file, so there is nothing to copy; check the path")
    make_file(source)  # refuses what does not begin like a database
    # A full disk is that of the copy.
    with translated(source, place):
        address = f"{source.as_uri()}?mode={mode}"
        with (
            closing(sqlite3.connect(address, uri=True, timeout=_BUSY_S)) as old,
            closing(sqlite3.connect(target, isolation_level=None)) as new,
        ):
            old.backup(new)
            # One file with nothing beside it, that any program can read and carry away.
            new.execute("PRAGMA journal_mode = DELETE")
    fd = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _look(copy: Path, place: Path) -> Copied:
    """What is in a copy, which is to be at ``place``.

    Raises:
        StoreError, StoreSchemaError: no engine could use it.
    """
    with translated(place), closing(sqlite3.connect(copy, isolation_level=None)) as read:
        (application,) = read.execute("PRAGMA application_id").fetchone()
        if application != schema.APPLICATION_ID:
            raise StoreError(f"{place}: this is no store of schedtui, but another program's data")
        _refuse_strange(read, place)
        # After that: it evaluates what tables say of themselves.
        (said,) = read.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise DamagedError(place, said)
        (revision,) = _first(read, f"SELECT version_num FROM {schema.VERSION_TABLE}")  # noqa: S608 - a constant
        if revision is None:
            raise DamagedError(place, "it does not say which schema it has")
        if revision not in schema.REVISIONS:
            raise StoreSchemaError(
                f"{place}: it has schema {revision!r}, which this schedtui does not know (its own "
                f"is {schema.HEAD!r}): a newer one wrote it. Install that one"
            )
        (jobs,) = read.execute("SELECT count(*) FROM jobs WHERE deleted_at IS NULL").fetchone()
        (runs,) = read.execute("SELECT count(*) FROM runs").fetchone()
    size = copy.stat().st_size
    return Copied(file=place, size=size, revision=str(revision), jobs=jobs, runs=runs)


def _refuse_strange(read: sqlite3.Connection, place: Path) -> None:
    """Refuse what no store of schedtui holds, and what would act by itself once it is in use."""
    found = dict(read.execute("SELECT name, type FROM sqlite_master WHERE type <> 'index'"))
    strange = [name for name, kind in found.items() if kind != "table"]
    if strange:
        raise DamagedError(place, f"it holds the {found[strange[0]]} {shorten(strange[0])}")
    for name in (schema.VERSION_TABLE, "jobs", "runs"):
        if name not in found:
            raise DamagedError(place, f"it has no table {name}")


def _first(read: sqlite3.Connection, query: str) -> tuple[object, ...]:
    row: tuple[object, ...] | None = read.execute(query).fetchone()
    return (None,) if row is None else row


def _exchange(fresh: Path, database: Path) -> Path | None:
    """Put a file in a store's place, whose name is never without one.

    Returns:
        Where the store is now, with what belongs to it; None where there was none.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    kept = database.with_name(f"{database.name}.replaced-{stamp}.bak")
    there = database.exists()
    if there:
        # Takes in what a killed engine left beside it; a damaged one is put aside as it is.
        with suppress(sqlite3.Error), closing(sqlite3.connect(database, timeout=_BUSY_S)) as old:
            old.execute("PRAGMA journal_mode = DELETE")
    # The log goes first: the file that comes must never be found beside the log of another one.
    wal, kept_wal = (file.with_name(f"{file.name}-wal") for file in (database, kept))
    if wal.exists():
        wal.rename(kept_wal)
    try:
        if there:
            _second_name(database, kept)
        database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
        fresh.replace(database)
    except OSError:
        if database.exists():
            kept.unlink(missing_ok=True)
        elif there:
            kept.rename(database)
        if kept_wal.exists():
            kept_wal.replace(wal)
        raise
    return kept if there else None


def _second_name(file: Path, kept: Path) -> None:
    try:
        kept.hardlink_to(file)
    except OSError:  # a disk that knows no second names
        file.rename(kept)


def _now_us() -> int:
    return time.time_ns() // 1000
