"""From the word after `schedtui` to the files or the module to load."""

from __future__ import annotations

import difflib
import keyword
from dataclasses import dataclass
from pathlib import Path

from schedtui.errors import TargetError, shorten
from schedtui.target.settings import FILE_NAME, Settings, read_settings, settings_in

DEFAULT_FILE = "jobs.py"
EXAMPLE = """\
    from schedtui import Group

    jobs = Group("Jobs")
    @jobs.job(every="10s")
    def hello():
        print("hello")"""
_SHOWN = 200  # characters of a target
_NO_PATH = (OSError, ValueError, RuntimeError)
"""What a path raises that is too long, holds a null character, or is a loop of links."""
_NO_JOBS = ("conftest.py", "setup.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One thing to load: a file or a module."""

    path: Path | None = None
    module: str | None = None
    attribute: str | None = None
    """The name after the colon."""
    shown: str
    """What to call it in an error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a target means."""

    name: str
    """For the title bar."""
    folder: Path
    """Goes on ``sys.path``; the state folder lies in it."""
    sources: tuple[Source, ...]
    settings: Settings
    configured: bool = False
    """Whether the settings file named the sources."""
    by_default: bool = False
    """Whether nobody named them: a folder's ``jobs.py``, and no other file of it."""


def find(target: str | None, cwd: Path) -> Plan:
    """What ``target`` means, seen from ``cwd``.

    - a file: that file;
    - a folder: its ``schedtui.toml``, else its ``jobs.py``, else all its Python files except those
      that start with ``_`` or ``test_`` or end with ``_test.py``, ``conftest.py`` and ``setup.py``;
    - a ``.toml`` file: what it names;
    - ``module``, ``module:attribute``, ``file.py:attribute``;
    - None: ``schedtui.toml`` in ``cwd``, else ``jobs.py``.

    A ``jobs.py`` that is there stands for its folder alone: the files beside it may be anything,
    and what it imports belongs to it.

    A ``schedtui.toml`` in the target's folder gives the settings of every form.

    Raises:
        TargetError: there is no such thing, or it is none of these.
    """
    try:
        cwd = cwd.resolve()
        return _here(cwd) if target is None else _named(target, cwd)
    except _NO_PATH as error:
        named = None if target is None else _cut(target)
        raise TargetError(f"it cannot be read: {_reason(error)}", file=named) from error


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _cut(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"


def show(path: Path, cwd: Path) -> str:
    """A path as short as it can be said from ``cwd``."""
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)


def _here(cwd: Path) -> Plan:
    settings = settings_in(cwd, FILE_NAME)
    if settings is not None:
        return _configured(settings, cwd)
    if (cwd / DEFAULT_FILE).is_file():
        return _files([cwd / DEFAULT_FILE], cwd, name=DEFAULT_FILE, by_default=True)
    raise TargetError(
        f"nothing to run: {cwd} holds neither {FILE_NAME} nor {DEFAULT_FILE}. "
        f"Name a target, or write this to {DEFAULT_FILE}:\n\n{EXAMPLE}\n"
    )


def _named(target: str, cwd: Path) -> Plan:
    text, attribute = _split(target, cwd)
    path = (cwd / text).resolve()
    if path.is_dir():
        if attribute:
            raise TargetError(
                f"{target!r} names something in a folder", hint="Name its file: folder/jobs.py:name"
            )
        return _folder(path, cwd)
    if path.suffix == ".toml" and path.is_file():
        if attribute:
            raise TargetError(f"{target!r}: a .toml file has nothing to name after ':'")
        return _configured(path, cwd)
    source = _source(text, attribute, base=cwd, cwd=cwd)
    folder = source.path.parent if source.path else cwd
    name = target if source.module else f"{path.name}:{attribute}" if attribute else path.name
    return Plan(name=name, folder=folder, sources=(source,), settings=_beside(folder, cwd))


def _split(target: str, cwd: Path) -> tuple[str, str | None]:
    """The target, and the name after its last colon."""
    text, colon, attribute = target.rpartition(":")
    if not colon or (cwd / target).exists():
        return target, None
    if not text or not _is_dotted(attribute):
        raise TargetError(
            f"{target!r} is no target",
            hint="After ':' comes the name of an Engine or a Group: jobs.py:engine",
        )
    return text, attribute


def _source(text: str, attribute: str | None, *, base: Path, cwd: Path) -> Source:
    """A file or a module, as named from the folder ``base``."""
    path = (base / text).resolve()
    lone = path.with_name(f"{path.name}.py")
    if attribute and text.isidentifier() and not path.is_dir() and lone.is_file():
        path = lone  # jobs:engine means the jobs.py that is here, whatever is installed
    if path.is_file() or path.suffix == ".py" or "/" in text or "\\" in text:
        _check_file(path, show(path, cwd))
        return Source(path=path, attribute=attribute, shown=show(path, cwd))
    if _is_dotted(text) and ("." in text or attribute):
        return Source(module=text, attribute=attribute, shown=text)
    if "." in text:
        raise TargetError(f"there is no file, folder or module {text!r}")
    raise TargetError(
        f"{text!r} is no target",
        hint="A target is a folder, or contains '.', '/' or ':', as in jobs.py and my.jobs:engine",
    )


def _check_file(path: Path, shown: str) -> None:
    if not path.exists():
        near = difflib.get_close_matches(path.name, python_files(path.parent), n=1)
        raise TargetError(
            "there is no such file or folder",
            file=shown,
            hint=f"Did you mean {near[0]}?" if near else "",
        )
    if path.suffix != ".py" or not path.is_file():
        raise TargetError("it is not a Python file (.py), a folder or a .toml file", file=shown)


def _folder(folder: Path, cwd: Path) -> Plan:
    settings = settings_in(folder, show(folder / FILE_NAME, cwd))
    if settings is not None:
        return _configured(settings, cwd)
    if (folder / DEFAULT_FILE).is_file():
        return _files([folder / DEFAULT_FILE], cwd, name=folder.name, by_default=True)
    return _files(_job_files(folder, cwd), cwd, name=folder.name)


def _files(paths: list[Path], cwd: Path, *, name: str, by_default: bool = False) -> Plan:
    folder = paths[0].parent
    sources = tuple(Source(path=path, shown=show(path, cwd)) for path in paths)
    return Plan(
        name=name,
        folder=folder,
        sources=sources,
        settings=_beside(folder, cwd),
        by_default=by_default,
    )


def _configured(file: Path, cwd: Path) -> Plan:
    """What a settings file names; a folder in it means all its Python files."""
    settings = read_settings(file, show(file, cwd))
    folder = file.parent
    if not settings.targets and not (folder / DEFAULT_FILE).is_file():
        raise TargetError(
            f"it names no target, and there is no {DEFAULT_FILE} beside it",
            file=show(file, cwd),
            hint='Say what to load: target = "my_jobs.py"',
        )
    sources: list[Source] = []
    for target in settings.targets or (DEFAULT_FILE,):
        try:
            sources += _configured_sources(target, folder, cwd)
        except TargetError as error:
            raise TargetError(f"target: {error}", file=show(file, cwd)) from error
        except _NO_PATH as error:
            what = f"target: {shorten(target)}: it cannot be read: {_reason(error)}"
            raise TargetError(what, file=show(file, cwd)) from error
    return Plan(
        name=folder.name,
        folder=folder,
        sources=tuple(sources),
        settings=settings,
        configured=True,
        by_default=not settings.targets,
    )


def _configured_sources(target: str, folder: Path, cwd: Path) -> list[Source]:
    text, attribute = _split(target, folder)
    path = (folder / text).resolve()
    if path.is_dir() and not attribute:
        return [Source(path=one, shown=show(one, cwd)) for one in _job_files(path, cwd)]
    return [_source(text, attribute, base=folder, cwd=cwd)]


def _beside(folder: Path, cwd: Path) -> Settings:
    shown = show(folder / FILE_NAME, cwd)
    file = settings_in(folder, shown)
    return Settings() if file is None else read_settings(file, shown)


def _job_files(folder: Path, cwd: Path) -> list[Path]:
    files = [folder / name for name in python_files(folder)]
    if not files:
        raise TargetError(
            "the folder holds no Python file with jobs",
            file=show(folder, cwd) if folder != cwd else str(folder),
            hint=f"Write one, such as {DEFAULT_FILE}:\n\n{EXAMPLE}\n",
        )
    return files


def python_files(folder: Path) -> list[str]:
    """The files of a folder that may hold jobs, by name."""
    if not folder.is_dir():
        return []
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.suffix == ".py"
        and path.is_file()
        and not path.name.startswith(("_", "test_", "."))
        and not path.name.endswith("_test.py")
        and path.name not in _NO_JOBS
    )


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))
