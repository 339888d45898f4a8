"""Which role a call needs: what stands beside its route, and without that an admin's to change."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from fastapi.routing import APIRoute

from schedtui.models import Role

SAID: Final = "x-role"
"""The key of a route's description under which its role is, in the API's description too."""
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def needs(role: Role) -> dict[str, Any]:
    """What a route says in its ``openapi_extra`` that needs another role than is usual."""
    return {SAID: role.value}


def usual(method: str) -> Role:
    """The role that a call needs where nobody decided otherwise."""
    return Role.VIEWER if method in _READING else Role.ADMIN


class Roles:
    """The roles of calls, by method and path.

    Args:
        routes: All routes, in the order in which they are tried; others need what is usual.
    """

    def __init__(self, routes: Iterable[object]) -> None:
        found: dict[str, list[tuple[re.Pattern[str], Role]]] = {}
        for route in routes:
            if isinstance(route, APIRoute):
                said = (route.openapi_extra or {}).get(SAID)
                for method in route.methods or ():
                    role = usual(method) if said is None else Role(said)
                    found.setdefault(method, []).append((route.path_regex, role))
        self._found = {
            method: known
            for method, known in found.items()
            if any(role is not usual(method) for _, role in known)
        }

    def of(self, method: str, path: str) -> Role:
        """The role that a request needs, also one that fits no route."""
        for path_regex, role in self._found.get(method, ()):
            if path_regex.match(path):
                return role
        return usual(method)
