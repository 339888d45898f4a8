"""Running the user's files as modules, so that pickling, dataclasses and type hints work in them.

One target at a time: loading another makes way first, so that a ``helpers.py`` of the one is never
taken for the ``helpers.py`` of the other, and loading the same one again runs all of its modules
anew, as one generation. Where that fails, the modules that were there are put back.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import keyword
import re
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from schedtui.registry.fingerprint import SOURCE, digest_of_source

_paths: list[str] = []
"""What was put on ``sys.path`` for the target."""
_folders: list[Path] = []
"""Where its modules are; they may have been on ``sys.path`` already."""
_modules: list[str] = []
_others: set[str] = set()
"""Modules that were there before the target's first one."""
_OURS = {__name__.partition(".")[0], "schedtui_tui"}
_NEVER_AHEAD = {"antigravity", "this"}  # they open a browser, or print a poem


@contextlib.contextmanager
def importing(folder: Path) -> Iterator[None]:
    """While it lasts, what is imported from ``folder`` is kept as the target's.

    On failure it is lost again, and the modules of the target before it are put back.
    """
    _remember()
    modules = {name: sys.modules[name] for name in _modules if name in sys.modules}
    paths, folders = [entry for entry in sys.path if entry in _paths], list(_folders)
    _make_way()
    importlib.invalidate_caches()
    _put_first(folder)
    _others.clear()
    _others.update(sys.modules)
    try:
        yield
    except BaseException:
        _remember()
        _make_way()
        sys.modules.update(modules)
        sys.path[:0] = paths
        _modules.extend(modules)
        _paths.extend(paths)
        _folders.extend(folders)
        raise
    _remember()


@contextlib.contextmanager
def compiling_anew() -> Iterator[set[Path]]:
    """While it lasts, modules of a target are compiled from their files as they are now.

    A cached ``.pyc`` may be stale: it is told by a time in whole seconds and a size.

    Returns:
        The files that were compiled, those too that failed.
    """
    finder = _FreshFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield finder.files
    finally:
        sys.meta_path.remove(finder)


def modules_of_target() -> dict[str, ModuleType]:
    """The modules of the target that is loaded, by name; also those imported since then."""
    _remember()
    return {name: sys.modules[name] for name in _modules if name in sys.modules}


def load_module(name: str) -> ModuleType:
    """Import a module by its dotted name."""
    return importlib.import_module(name)


def load_file(path: Path) -> ModuleType:
    """Run a file as a module.

    It is called by its stem where ``import`` of that name would give this very file, or as a part
    of its package where it lies in one; otherwise by a name of its own, so that it neither hides
    nor is hidden by a module of the standard library or an installed one.
    """
    root, dotted = _package_of(path)
    if dotted and _is_at(dotted.partition(".")[0], root):
        _put_first(root)
        return importlib.import_module(dotted)
    for known in list(sys.modules.values()):
        if getattr(known, "__file__", None) == str(path):
            return known  # another file of the target has imported it
    return run_file(path.stem if _is_free(path) else _own_name(path), str(path))


def run_file(name: str, file: str) -> ModuleType:
    """A file run as the module ``name``, which stays known only where that succeeds.

    Raises:
        ImportError: it is no Python file; else what the file raises.
    """
    loader = FreshLoader(name, file)
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    if spec is None:
        raise ImportError(f"{file} cannot be loaded as a module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def target_folders() -> tuple[str, ...]:
    """The entries of ``sys.path`` that are there for the target."""
    return tuple(_paths)


def import_hidden(folder: Path) -> None:
    """Import the parts of the standard library that modules in ``folder`` would hide.

    Libraries import parts of it late: a user's ``calendar.py`` would be found in its stead. So
    ``import calendar`` gives the standard library's, in the user's files too.
    """
    for name in _names_in(folder) & sys.stdlib_module_names - _NEVER_AHEAD:
        with contextlib.suppress(Exception):  # what does not import here is hidden from nobody
            importlib.import_module(name)


def is_library(file: str) -> bool:
    """Whether a file belongs to Python itself or to an installed package."""
    path = Path(file)
    if {"site-packages", "dist-packages"}.intersection(path.parts):
        return True
    return any(path.is_relative_to(folder) for folder in _library_folders())


class FreshLoader(SourceFileLoader):
    """Compiles the file as it is now: a cached ``.pyc`` may be stale within the same second."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file."""
        path = self.get_filename(fullname)
        data = self.get_data(path)
        if fullname in sys.modules:
            setattr(sys.modules[fullname], SOURCE, digest_of_source(data))
        return self.source_to_code(data, path)


class _FreshFinder(MetaPathFinder):
    """Finds what the ordinary finder does, and has it compiled by a `FreshLoader`."""

    def __init__(self) -> None:
        self.files: set[Path] = set()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or not isinstance(spec.loader, SourceFileLoader):
            return None
        file = Path(spec.origin).resolve()
        if is_library(str(file)) or not any(map(file.is_relative_to, _folders)):
            return None
        self.files.add(file)
        spec.loader = FreshLoader(fullname, spec.origin)
        return spec


@cache
def _library_folders() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = [Path(sysconfig.get_path(name)) for name in names]
    return (*folders, *(folder.resolve() for folder in folders))


def _make_way() -> None:
    """Forget the modules and the folders of the target before this one."""
    for name in _modules:
        # What a run imports later is compiled by the ordinary loader, to which a file that was
        # changed within the second, and is as long, looks the same.
        if isinstance(compiled := getattr(sys.modules.pop(name, None), "__cached__", None), str):
            with contextlib.suppress(OSError):
                Path(compiled).unlink(missing_ok=True)
    for entry in _paths:
        if entry in sys.path:
            sys.path.remove(entry)
    _modules.clear()
    _paths.clear()
    _folders.clear()


def _remember() -> None:
    """Note which modules came from the target's folders."""
    for name, module in list(sys.modules.items()):
        if name in _others or name.partition(".")[0] in _OURS or name in _modules:
            continue
        file = _file_of(module)
        if file and not is_library(str(file)) and any(map(file.is_relative_to, _folders)):
            _modules.append(name)


def _file_of(module: ModuleType) -> Path | None:
    """Where a module comes from; a folder for a package without ``__init__.py``."""
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    return Path(file).resolve() if isinstance(file, str) else None


def _put_first(folder: Path) -> None:
    """Put a folder first on ``sys.path``, without hiding the standard library."""
    import_hidden(folder)
    _folders.append(folder)
    if sys.path[:1] != [str(folder)]:
        sys.path.insert(0, str(folder))
        _paths.append(str(folder))


def _names_in(folder: Path) -> set[str]:
    """The modules and packages that a folder would give on ``sys.path``."""
    try:
        entries = list(folder.iterdir())
    except OSError:  # a folder may be entered without being listed
        return set()
    packages = {entry.name for entry in entries if (entry / "__init__.py").is_file()}
    return packages | {entry.stem for entry in entries if entry.suffix == ".py"}


def _package_of(path: Path) -> tuple[Path, str | None]:
    """The folder above a file's outermost package, and the file's dotted name; None outside one."""
    parts = [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    dotted = len(parts) > 1 and parts[-1].isidentifier()
    return folder, ".".join(parts) if dotted else None


def _is_at(package: str, root: Path) -> bool:
    """Whether ``package`` will be the one in ``root``: no other of that name is there already."""
    known = sys.modules.get(package)
    if known is not None:
        file = _file_of(known)
        return file is not None and file.is_relative_to(root / package)
    return package not in sys.stdlib_module_names


def _is_free(path: Path) -> bool:
    """Whether ``import stem`` gives this file."""
    name = path.stem
    if not name.isidentifier() or keyword.iskeyword(name) or name in sys.stdlib_module_names:
        return False
    if name in sys.modules:
        return _file_of(sys.modules[name]) == path
    spec = PathFinder.find_spec(name)
    return spec is None or (spec.origin is not None and Path(spec.origin).resolve() == path)


def _own_name(path: Path) -> str:
    """A module name for a file whose stem is taken; the same in every process."""
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    return f"schedtui_target_{re.sub(r'[^0-9A-Za-z]', '_', path.stem)}_{digest}"
