"""Taking groups and the engine out of loaded modules."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from schedtui.errors import TargetError, shorten
from schedtui.registry import Group, Registry
from schedtui.target.find import EXAMPLE, Source, show

_EXPECTED = (
    "an Engine, a Group, a list of Groups, or a function without parameters that returns one"
)


@dataclass(kw_only=True, slots=True)
class Found:
    """What was found so far, each thing once."""

    groups: list[Group] = field(default_factory=list)
    engines: dict[str, object] = field(default_factory=dict)
    """By what to type to name one."""

    def add_group(self, group: Group) -> None:
        """Note a group, unless it is known."""
        if not any(group is one for one in self.groups):
            self.groups.append(group)

    def add_engine(self, shown: str, engine: object) -> None:
        """Note an engine, unless it is known."""
        if not any(engine is one for one in self.engines.values()):
            self.engines[shown] = engine

    def take(self, shown: str, value: object) -> bool:
        """Note what ``value`` is or holds. False where it is nothing of interest."""
        # by type(): isinstance asks the object, and a proxy of a web framework raises then
        kind = type(value)
        if issubclass(kind, Group):
            self.add_group(value)  # type: ignore[arg-type]  # narrowed by its type
            return True
        if issubclass(kind, list | tuple):
            groups = [one for one in value if issubclass(type(one), Group)]  # type: ignore[attr-defined]  # as above
            for one in groups:
                self.add_group(one)
            return bool(groups)
        if is_engine(value):
            self.add_engine(shown, value)
            return True
        return False


def is_engine(value: object) -> bool:
    """Whether ``value`` is an engine: it has a registry, and can be started.

    Told by its attributes, because engines are above this layer; without running code of objects
    that have nothing to do with us.
    """
    if issubclass(type(value), type | ModuleType):
        return False
    nothing = object()
    if any(
        inspect.getattr_static(value, name, nothing) is nothing for name in ("registry", "start")
    ):
        return False
    return isinstance(registry_of(value), Registry)


def registry_of(engine: object) -> Any:
    """An engine's registry."""
    return getattr(engine, "registry", None)


def from_globals(module: ModuleType, source: Source, found: Found) -> None:
    """Note the groups and engines among a module's global names, in the order of the file."""
    for name, value in list(vars(module).items()):
        if not name.startswith("__"):
            found.take(f"{source.shown}:{name}", value)


def from_attribute(module: ModuleType, source: Source, found: Found) -> None:
    """Note what the name after the colon stands for.

    Raises:
        TargetError: there is no such name, or it stands for something else.
    """
    value = _lookup(module, source)
    label = f"{source.shown}:{source.attribute}"
    if not found.take(label, value) and not found.take(label, _made(value, label)):
        raise TargetError(f"{label} gives {shorten(value)}; expected {_EXPECTED}")


def check_groups(groups: Iterable[Group], sources: Iterable[Source], cwd: Path) -> None:
    """Refuse to go on with no group, or with two of one name.

    Raises:
        TargetError: says how to make a group, or where the two are.
    """
    by_name: dict[str, Group] = {}
    for group in groups:
        known = by_name.setdefault(group.name, group)
        if known is not group:
            places = " and ".join(
                f"{show(Path(one.file), cwd)}:{one.line}" for one in (known, group)
            )
            raise TargetError(
                f"two groups are called {group.name!r}: {places}",
                hint="Rename one of them, or make the group in one file and import it in the other",
            )
    if not by_name:
        shown = ", ".join(source.shown for source in sources)
        raise TargetError(f"no group was found in {shown}", hint=f"Make one:\n\n{EXAMPLE}\n")


def the_engine(found: Found) -> object | None:
    """The engine to run; None where the code makes none.

    Raises:
        TargetError: there are several; says how to name one.
    """
    if len(found.engines) > 1:
        raise TargetError(
            "there is more than one Engine", hint=f"Name one: {' or '.join(found.engines)}"
        )
    return next(iter(found.engines.values()), None)


def _lookup(module: ModuleType, source: Source) -> Any:
    value: Any = module
    for part in (source.attribute or "").split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            names = [name for name in dir(value) if not name.startswith("_")]
            near = difflib.get_close_matches(part, names, n=3)
            hint = f"Did you mean {' or '.join(near)}?" if near else ""
            raise TargetError(f"it has no {part!r}", file=source.shown, hint=hint) from None
    return value


def _made(value: Any, label: str) -> Any:
    """What a function without parameters returns."""
    if isinstance(value, type) or not callable(value):
        return None
    try:
        inspect.signature(value).bind()
    except (TypeError, ValueError):
        raise TargetError(f"{label} needs arguments; expected {_EXPECTED}") from None
    made = value()
    if inspect.iscoroutine(made):
        made.close()
        raise TargetError(f"{label} is async; expected {_EXPECTED}")
    return made
