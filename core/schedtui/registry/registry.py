"""The registry: the only place where a name becomes a callable."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from schedtui.errors import ConflictError, FunctionNotFoundError, GroupNotFoundError
from schedtui.models import FunctionInfo
from schedtui.registry.declaration import Declaration
from schedtui.registry.function import Function
from schedtui.registry.group import Group


class Registry:
    """All groups an engine knows.

    Names are looked up at every call, so what a group gains later is found.

    Args:
        groups: See `add`.
    """

    def __init__(self, groups: Iterable[Group] = ()) -> None:
        self._groups: dict[str, Group] = {}
        for group in groups:
            self.add(group)

    @property
    def groups(self) -> Mapping[str, Group]:
        """The groups by name, in the order they were added; follows what is added."""
        return MappingProxyType(self._groups)

    def add(self, group: Group) -> None:
        """Add a group; adding the same one again changes nothing.

        Raises:
            TypeError: it is no `Group`.
            ConflictError: another group has its name.
        """
        if not isinstance(group, Group):
            raise TypeError(f"got {type(group).__name__}; expected a Group")
        known = self._groups.setdefault(group.name, group)
        if known is not group:
            raise ConflictError(
                f"two groups are called {group.name!r}: {known.place} and {group.place}; "
                "rename one of them, or make the group once and import it"
            )

    def swap(self, groups: Iterable[Group]) -> None:
        """Know these groups from now on and no others; all at once, or none of them.

        Raises:
            TypeError, ConflictError: see `add`; nothing was changed.
        """
        fresh = Registry(groups)
        self._groups = dict(fresh.groups)

    def resolve(self, full_name: str) -> Function:
        """The function that a name stands for now.

        Raises:
            FunctionNotFoundError: there is none; the message names what comes near.
        """
        group_name, _, name = full_name.partition("/")
        group = self._groups.get(group_name)
        function = None if group is None else group.find(name)
        if function is None:
            raise FunctionNotFoundError(full_name, self._hint(full_name))
        return function

    def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        """The listed functions, sorted by name.

        Args:
            group: Only of this group.

        Raises:
            GroupNotFoundError: there is no such group; the message names what comes near.
        """
        if group is not None and group not in self._groups:
            raise GroupNotFoundError(group, _near(group, list(self._groups)))
        chosen = self._groups.values() if group is None else (self._groups[group],)
        listed = [one for each in chosen for one in each.functions.values() if one.listed]
        return tuple(one.info() for one in sorted(listed, key=lambda one: (one.group, one.name)))

    def limit_of(self, group: str) -> int | None:
        """How many runs of a group's jobs may be active at once; None for any number."""
        found = self.groups.get(group)
        return None if found is None else found.limit

    def declarations(self) -> tuple[Declaration, ...]:
        """The static jobs of all groups, in the order of the code."""
        return tuple(one for group in self._groups.values() for one in group.declarations)

    def _hint(self, full_name: str) -> str:
        listed = [
            one.full_name
            for group in self._groups.values()
            for one in group.functions.values()
            if one.listed
        ]
        bare = full_name.rpartition("/")[2]
        same = [one for one in listed if one.rpartition("/")[2] == bare]
        return _near(full_name, listed, first=same)


def _near(name: str, known: list[str], first: Iterable[str] = ()) -> str:
    """What to say about a name that is not known."""
    if not known:
        return "none is registered"
    near = [*first, *difflib.get_close_matches(name, known, n=3, cutoff=0.6)]
    shown = list(dict.fromkeys(near))[:3]
    if shown:
        return f"did you mean {' or '.join(map(repr, shown))}?"
    more = ", …" if len(known) > 5 else ""
    return f"known: {', '.join(sorted(known)[:5])}{more}"
