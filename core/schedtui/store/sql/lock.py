"""One SQLite store has one engine: a lock file beside the database.

The lock is the kernel's (``flock``), so it ends with its process however that dies; the file only
says who holds it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path

from schedtui.errors import StoreLockedError, StoreUnavailableError
from schedtui.protocols import Boot

_ATTEMPTS = 5
_PAUSE_S = 0.02
"""`read_owner` holds the lock for an instant to see whether it is free; outwait that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The engine that holds a store."""

    pid: int | None
    """None where the owner has not written it yet."""
    boot: str = ""
    address: str = ""
    """Where it can be reached; empty when it cannot."""
    started_at_us: int | None = None


class Lock:
    """The lock of one database file; held from `acquire` to `release` or the process's end."""

    def __init__(self, database: Path) -> None:
        self.path = lock_path(database)
        self._database = database
        self._fd: int | None = None

    def acquire(self, boot: Boot) -> None:
        """Take the lock, or say at once who has it.

        Raises:
            StoreLockedError: another engine has it, in this process or another one.
            StoreUnavailableError: the lock file cannot be written.
        """
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            if not _flock(fd):
                owner = _read(fd)
                raise StoreLockedError(
                    str(self._database), pid=owner.pid, address=owner.address or None
                )
            owner = Owner(
                pid=boot.pid,
                boot=boot.boot,
                address=boot.address,
                started_at_us=boot.started_at_us,
            )
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps(asdict(owner)).encode(), 0)
        except OSError as error:
            os.close(fd)
            raise _unusable(self.path, error) from error
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        _held.add(self)

    def release(self) -> None:
        """Let go. The file stays: removing it would let two engines lock two files.

        Unlocked and not only closed: a child that is just being forked has a copy of the lock
        until `drop` has run in it.
        """
        if self._fd is not None:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            self.drop()

    def drop(self) -> None:
        """Close this process's copy; whoever else has one keeps the lock."""
        if self._fd is not None:
            _held.discard(self)
            os.close(self._fd)
            self._fd = None


def lock_path(database: Path) -> Path:
    """Where the lock of a database file is."""
    return database.with_name(f"{database.name}.lock")


def read_owner(database: Path) -> Owner | None:
    """Who holds the store in this database file now; None when nobody does.

    Takes no lock that could be in an engine's way for longer than an instant, and writes nothing.
    """
    try:
        fd = os.open(lock_path(database.resolve()), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(fd)
    except OSError:
        return None
    finally:
        os.close(fd)
    return None


def _flock(fd: int) -> bool:
    for attempt in range(_ATTEMPTS):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt < _ATTEMPTS - 1:
                time.sleep(_PAUSE_S)
        else:
            return True
    return False


def _read(fd: int) -> Owner:
    try:
        found = json.loads(os.pread(fd, 65536, 0))
        return Owner(
            pid=int(found["pid"]),
            boot=str(found["boot"]),
            address=str(found["address"]),
            started_at_us=int(found["started_at_us"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return Owner(pid=None)


def _unusable(path: Path, error: OSError) -> StoreUnavailableError:
    if error.errno == errno.ELOOP:
        return StoreUnavailableError(f"{path} is a symbolic link, which no engine makes: remove it")
    return StoreUnavailableError(
        f"{path}: {error.strerror}; the folder must be writable and its file system must know locks"
    )


_held: weakref.WeakSet[Lock] = weakref.WeakSet()


def _forget_in_child() -> None:
    """A lock lasts as long as any copy of it is open, so a forked child must not have one."""
    for lock in list(_held):
        lock.drop()


os.register_at_fork(after_in_child=_forget_in_child)
