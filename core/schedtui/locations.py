"""Where schedtui keeps what it keeps: one folder beside the target, and what lies in it."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from schedtui.errors import RefusedError

MAX_SOCKET_PATH = 100  # bytes; Linux allows 107 and the terminating zero, macOS 103


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

    @property
    def log(self) -> Path:
        """Where an engine without a screen of its own, or behind the console, writes its log."""
        return self.path / "schedtui.log"

    @property
    def socket(self) -> Path:
        """The Unix socket of the engine; in the runtime folder where the path would be too long."""
        path = self.path / "engine.sock"
        if len(bytes(path)) <= MAX_SOCKET_PATH:
            return path
        import hashlib  # 2 to 4 ms (OpenSSL), and like the next one hardly ever needed

        from platformdirs import user_runtime_path  # 20 ms

        name = hashlib.sha256(bytes(self.path)).hexdigest()[:16]
        return user_runtime_path("schedtui", ensure_exists=True) / f"{name}.sock"
