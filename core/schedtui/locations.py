"""Where schedtui keeps what it keeps: one folder beside the target, and what lies in it."""

from __future__ import annotations

import errno
import logging
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from schedtui.errors import RefusedError

_MAX_NOTE = 8_192  # characters of a URL
MAX_SOCKET_PATH = 100  # bytes; Linux allows 107 and the terminating zero, macOS 103

logger = logging.getLogger("schedtui.locations")


@dataclass(frozen=True, kw_only=True, slots=True)
class StateDir:
    """A ``.schedtui`` folder: mode 0700, ignored by git, created on first use."""

    path: Path

    @classmethod
    def beside(cls, folder: Path) -> StateDir:
        """The state folder of the target (or working directory) ``folder``."""
        return cls(path=folder.resolve() / ".schedtui")

    def create(self) -> StateDir:
        """Make the folder if it is not there yet, and return self.

        Raises:
            RefusedError: a symlink or another user's folder lies there.
            OSError: it cannot be created or is not ours to restrict.
        """
        with suppress(FileExistsError):
            self.path.mkdir(mode=0o700, parents=True)
        self._check_own()
        self.path.chmod(0o700)
        ignore = self.path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        return self

    def _check_own(self) -> None:
        found = self.path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise RefusedError(
                f"{self.path} is a symbolic link, and whoever made it would choose where the state "
                "is kept: remove it, or give a store elsewhere with --store"
            )
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self.path))
        if found.st_uid != os.getuid():
            raise RefusedError(
                f"{self.path} belongs to another user (uid {found.st_uid}), who could change what "
                "is kept there: remove it, or run in a folder of your own"
            )

    @property
    def database(self) -> Path:
        """The SQLite file of the default store."""
        return self.path / "state.db"

    @property
    def store_url(self) -> str:
        """The default store, as a URL."""
        return f"sqlite:///{self.database}"

    def leave_store(self, url: str) -> None:
        """Note which store the engine has that opens the socket of this folder.

        Best effort: the folder may be on a full disk, and the engine can do without. Nothing is
        left for the default store, which is known anyway, and of a store that is neither a file
        nor in memory only its kind: its URL may hold a password.
        """
        scheme, _, place = url.partition(":///")
        if scheme == "sqlite":
            with suppress(ValueError):  # the two may move together, or be mounted elsewhere
                place = str(Path(place).relative_to(self.path.parent))
            text = f"sqlite:///{place}"
        else:
            text = f"{url.partition(':')[0]}://"
        note = self._store_note
        fresh = note.with_name(f"{note.name}.{os.getpid()}.new")
        try:
            if url == self.store_url:
                note.unlink(missing_ok=True)
                return
            fresh.write_text(f"{text}\n", encoding="utf-8", errors="surrogateescape")
            fresh.replace(note)
        except OSError as error:
            logger.debug("%s cannot be written: %s", note, error)
            with suppress(OSError):
                fresh.unlink(missing_ok=True)

    def left_store(self) -> str | None:
        """The URL that `leave_store` left; None where the engine had the default store, or none.

        Raises:
            RefusedError: a symlink or another user's folder lies there.
        """
        try:
            self._check_own()
            if not stat.S_ISREG(self._store_note.stat().st_mode):
                return None  # to read what is no file may take for ever
            with self._store_note.open(encoding="utf-8", errors="surrogateescape") as note:
                text = note.read(_MAX_NOTE)
        except OSError:
            return None
        scheme, separator, place = text.removesuffix("\n").partition("://")
        if scheme == "sqlite" and place.startswith("/"):
            return f"sqlite:///{self.path.parent / place[1:]}"
        return f"{scheme}://" if separator else None

    @property
    def _store_note(self) -> Path:
        return self.path / "store.url"

    @property
    def log(self) -> Path:
        """Where an engine without a screen of its own, or behind the console, writes its log."""
        return self.path / "schedtui.log"

    @property
    def socket(self) -> Path:
        """The Unix socket of the engine; in the runtime folder where the path would be too long.

        Raises:
            RefusedError: somebody else has taken that folder's place.
        """
        path = self.path / "engine.sock"
        if len(bytes(path)) <= MAX_SOCKET_PATH:
            return path
        import hashlib  # 2 to 4 ms (OpenSSL), and hardly ever needed

        name = hashlib.sha256(bytes(self.path)).hexdigest()[:16]
        return _runtime_folder() / f"{name}.sock"


def _runtime_folder() -> Path:
    """The folder for sockets of this user, closed to others where it is ours to close.

    Raises:
        RefusedError: what lies where it would be is not this user's.
    """
    import warnings

    from platformdirs import user_runtime_path  # 20 ms

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the system names no such folder, it says so
        try:
            folder = user_runtime_path("schedtui")
        except PermissionError as error:
            raise RefusedError(
                f"there is no folder for the engine's socket: {error}. Set XDG_RUNTIME_DIR to a "
                "folder of your own with mode 0700, or use a shorter path"
            ) from error
    with suppress(OSError):  # told where the socket is made or looked for
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
            folder.chmod(0o700)
    return folder


def check_own_socket(path: Path) -> None:
    """Refuse a socket behind which may be somebody else's engine.

    Whoever owns it is told what is sent there, and answers what they like. Nothing is wrong with a
    socket that is not there.

    Raises:
        RefusedError: the socket or its folder is another user's, a symbolic link, or open to
            others.
    """
    for place, is_kind in ((path.parent, stat.S_ISDIR), (path, stat.S_ISSOCK)):
        try:
            found = place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise RefusedError(f"{place} cannot be looked at: {error.strerror}") from error
        if not is_kind(found.st_mode):
            what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "something else"
            raise RefusedError(
                f"{place} is {what} where an engine's socket or its folder was expected: remove it,"
                " or name the engine with --connect URL"
            )
        if found.st_uid != os.getuid():
            raise RefusedError(
                f"{place} belongs to another user (uid {found.st_uid}), and so does the engine "
                "there: do this as that user, or name the engine with --connect URL"
            )
        if place != path and stat.S_IMODE(found.st_mode) & 0o022:
            raise RefusedError(
                f"other users may write in {place}, so that an engine there may be anybody's: "
                f"close it with 'chmod 700 {place}'"
            )
