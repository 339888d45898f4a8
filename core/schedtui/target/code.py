"""The target's code over time: generation after generation, each whole or not at all."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from schedtui.errors import TargetError
from schedtui.models import ModuleReload, ModuleState
from schedtui.registry import Group
from schedtui.registry.fingerprint import SOURCE, digest_of_source
from schedtui.target.find import find, show
from schedtui.target.imports import compiling_anew, modules_of_target
from schedtui.target.load import Target, load_target
from schedtui.target.settings import FILE_NAME


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """The code as it was loaded at one moment."""

    groups: tuple[Group, ...]
    modules: tuple[ModuleReload, ...]
    """What became of each module."""


class Code:
    """What a target was loaded from, to load it again when its files change.

    All modules of the target run anew together, so that what one imports from another is of the
    same generation. Blocks, and runs code of the user: call it in a thread. Not for two threads.

    Args:
        target: Just loaded; the target that is loaded in this process.
    """

    def __init__(self, target: Target) -> None:
        self._word, self._cwd = target.word, target.cwd
        self._engine = target.engine
        self._root = target.folder
        self._tried: set[Path] = set()
        self._note()

    @property
    def name(self) -> str:
        """What to call the target."""
        return self._word or self._root.name

    @property
    def folders(self) -> frozenset[Path]:
        """The folders whose files it is made of, those of the last try too."""
        return frozenset({self._root, *(file.parent for file in self._files | self._tried)})

    def stage(self, *, always: bool = False) -> Generation | None:
        """Load the files as they are now; None where nothing about them has changed.

        Args:
            always: Load them in that case too.

        Raises:
            TargetError: the code cannot be loaded; says file, line and reason. The modules that
                were loaded before are in their place.
        """
        before = self._digests
        with compiling_anew() as tried:
            self._tried = tried
            if not always and not self._changed():
                return None
            linecache.checkcache()
            target = load_target(self._word, cwd=self._cwd)
        self._root = target.folder
        self._keep_engine(target.engine)
        self._note()
        modules = tuple(
            ModuleReload(
                module=name,
                file=show(self._places[name], self._cwd),
                state=_state(before.get(name), digest),
            )
            for name, digest in sorted(self._digests.items())
        )
        return Generation(groups=target.groups, modules=modules)

    def broken(self, error: TargetError) -> tuple[ModuleReload, ...]:
        """What became of each module where loading failed: the one that broke, the others kept."""
        kept = {show(file, self._cwd): name for name, file in self._places.items()}
        told = error.file or self.name
        found = ModuleReload(
            module=kept.get(told, Path(told).stem),
            file=told,
            state=ModuleState.BROKEN,
            line=error.line,
            reason=str(error),
        )
        others = [
            ModuleReload(module=name, file=shown, state=ModuleState.UNCHANGED)
            for shown, name in sorted(kept.items())
            if name != found.module
        ]
        return (found, *others)

    def _keep_engine(self, made: object | None) -> None:
        """Let functions that name their module's engine find the one that runs, not a new one."""
        if made is None or self._engine is None:
            return
        for module in modules_of_target().values():
            for name, value in list(vars(module).items()):
                if value is made:
                    setattr(module, name, self._engine)

    def _note(self) -> None:
        """Remember what is loaded now."""
        modules = modules_of_target()
        files = {name: _file_of(module) for name, module in modules.items()}
        self._places = {name: file for name, file in files.items() if file is not None}
        self._files = set(self._places.values())
        self._digests = {name: _digest_of(modules[name], at) for name, at in self._places.items()}
        self._settings = _read(self._root / FILE_NAME)
        self._sources = find(self._word, self._cwd).sources

    def _changed(self) -> bool:
        if find(self._word, self._cwd).sources != self._sources:
            return True
        if _read(self._root / FILE_NAME) != self._settings:
            return True
        loaded = modules_of_target().keys() - self._digests.keys()
        if loaded:  # imported since then, by a function that ran
            self._note_late(loaded)
        return any(_digest(self._places[name]) != old for name, old in self._digests.items())

    def _note_late(self, names: set[str]) -> None:
        modules = modules_of_target()
        for name in names:
            file = _file_of(modules[name])
            if file is not None:
                self._places[name] = file
                self._files.add(file)
                self._digests[name] = _digest_of(modules[name], file)


def _state(before: str | None, now: str) -> ModuleState:
    return ModuleState.UNCHANGED if before == now else ModuleState.RELOADED


def _file_of(module: ModuleType) -> Path | None:
    """The source of a module; None for a package without one."""
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if isinstance(file, str) and file.endswith(".py") else None


def _digest_of(module: ModuleType, file: Path) -> str:
    """The digest of what a module was compiled from."""
    known = getattr(module, SOURCE, None)
    return known if isinstance(known, str) else _digest(file)


def _digest(file: Path) -> str:
    return digest_of_source(_read(file))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
