"""Loading a target."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from schedtui.errors import InvalidError, TargetError
from schedtui.registry import Group, Registry
from schedtui.target import collect
from schedtui.target.failure import explain
from schedtui.target.find import Plan, Source, find, show
from schedtui.target.imports import importing, load_file, load_module
from schedtui.target.settings import Settings


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
        _set_timezones(plan, groups, cwd)
        _check_arguments(groups, cwd)
    return Target(
        name=plan.name,
        folder=plan.folder,
        groups=tuple(groups),
        engine=engine,
        settings=plan.settings,
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


def _set_timezones(plan: Plan, groups: list[Group], cwd: Path) -> None:
    """Give groups the zones that the settings file sets for them."""
    by_name = {group.name: group for group in groups}
    for name, zone in plan.settings.group_timezones.items():
        if name in by_name:
            by_name[name].timezone = zone
        elif plan.configured and plan.settings.file:
            raise TargetError(
                f"it sets up a group {name!r}, and there is none",
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
            registry.resolve(declared.function).validate(declared.kwargs)
        except InvalidError as error:
            raise TargetError(
                f"job {declared.full_name}: {error}",
                file=show(Path(declared.file), cwd),
                line=declared.line,
            ) from error
