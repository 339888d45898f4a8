"""Loading a target."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from schedtui.errors import InvalidError, TargetError, shorten
from schedtui.models.hidden import looking
from schedtui.policies import merge
from schedtui.registry import Group, Registry
from schedtui.target import collect
from schedtui.target.failure import explain
from schedtui.target.find import DEFAULT_FILE, Plan, Source, find, python_files, show
from schedtui.target.imports import importing, load_file, load_module
from schedtui.target.settings import FILE_NAME, Settings

_IMPORT = re.compile(rb"^\s*(?:from|import)\s+schedtui\b", re.MULTILINE)
_SHOWN = 5  # files that are named


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The user's code, loaded."""

    name: str
    """For the title bar: the file's, folder's or module's name."""
    folder: Path
    """On ``sys.path``; the state folder lies in it."""
    groups: tuple[Group, ...]
    """In the order of the code."""
    engine: object | None = None
    """The `Engine` that the code makes, not started; None where it makes none."""
    settings: Settings = field(default_factory=Settings)
    """Of the ``schedtui.toml`` in the folder."""
    left_out: tuple[str, ...] = ()
    """Files beside a ``jobs.py`` that import schedtui too and were not loaded; none where the files
    to load were named."""

    @property
    def notice(self) -> str:
        """What a person should know about `left_out`; empty where that is nothing."""
        if not self.left_out:
            return ""
        shown = [*self.left_out[:_SHOWN], *(["…"] if len(self.left_out) > _SHOWN else [])]
        return (
            f"not loaded: {', '.join(shown)}; a folder with a {DEFAULT_FILE} means that file alone."
            f" Import them there, or name all in {FILE_NAME}: "
            f"target = {json.dumps([DEFAULT_FILE, *shown], ensure_ascii=False)}"
        )

    word: str | None = None
    """What was typed to name it."""
    cwd: Path = field(default_factory=Path.cwd)
    """Where it was typed."""


def load_target(target: str | None, *, cwd: Path) -> Target:
    """Load the user's code.

    The folder goes first on ``sys.path``. A target that was loaded before in this process makes
    way; its functions stay usable.

    Args:
        target: A file, a folder, a ``.toml`` file, ``module``, ``module:attribute`` or
            ``file.py:attribute``; None looks for ``schedtui.toml`` and ``jobs.py``. See
            `schedtui.target.find.find`.
        cwd: What relative paths and modules are looked for in.

    Raises:
        TargetError: there is no such target, or its code cannot be loaded; says file, line and
            reason. What the code raised is its ``__cause__``.
    """
    cwd = cwd.resolve()
    plan = find(target, cwd)
    found = collect.Found()
    with importing(plan.folder):
        for source in plan.sources:
            _load(source, found, cwd)
        engine = collect.the_engine(found)
        groups = found.groups
        if engine is not None:
            groups = list(collect.registry_of(engine).groups.values())
        collect.check_groups(groups, plan.sources, cwd)
        _set_up_groups(plan, groups, cwd)
        _check_arguments(groups, cwd)
        left_out = _left_out(plan)
    return Target(
        name=plan.name,
        folder=plan.folder,
        groups=tuple(groups),
        engine=engine,
        settings=plan.settings,
        left_out=left_out,
        word=target,
        cwd=cwd,
    )


def _load(source: Source, found: collect.Found, cwd: Path) -> None:
    try:
        module = load_file(source.path) if source.path else load_module(source.module or "")
        if source.attribute:
            collect.from_attribute(module, source, found)
        else:
            collect.from_globals(module, source, found)
    except (KeyboardInterrupt, TargetError):
        raise
    except BaseException as error:
        raise explain(error, source, cwd) from error


def _left_out(plan: Plan) -> tuple[str, ...]:
    """Files that look as if their jobs were expected here; see `Target.left_out`."""
    if not plan.by_default:
        return ()
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    others = [plan.folder / name for name in python_files(plan.folder)]
    return tuple(one.name for one in others if str(one) not in loaded and _imports_schedtui(one))


def _imports_schedtui(file: Path) -> bool:
    try:
        return _IMPORT.search(file.read_bytes()) is not None
    except OSError:
        return False


def _set_up_groups(plan: Plan, groups: list[Group], cwd: Path) -> None:
    """Give groups what the settings file says of them."""
    by_name = {group.name: group for group in groups}
    for name, said in plan.settings.groups.items():
        group = by_name.get(name)
        if group is not None:
            group.timezone = said.timezone or group.timezone
            group.limit = said.limit or group.limit
            group.policies = merge(said.policies, group.policies)
        elif plan.configured and plan.settings.file:
            raise TargetError(
                f"it sets up a group {shorten(name)}, and there is none",
                file=show(plan.settings.file, cwd),
                hint=f"Loaded: {', '.join(by_name)}",
            )


def _check_arguments(groups: list[Group], cwd: Path) -> None:
    """Refuse static jobs whose arguments do not fit the types of their function."""
    registry = Registry(groups)
    for declared in registry.declarations():
        if not declared.kwargs:
            continue
        try:
            with looking():
                registry.resolve(declared.function).validate(declared.kwargs)
        except InvalidError as error:
            raise TargetError(
                f"job {declared.full_name}: {error}",
                file=show(Path(declared.file), cwd),
                line=declared.line,
            ) from error
