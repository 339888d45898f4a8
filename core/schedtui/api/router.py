"""Routers that know at once which paths are none of theirs."""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.routing import Match, Route
from starlette.types import Scope

from schedtui.api.problems import path_of

_NAMED = re.compile(r"\?P<\w+>")


class Router(APIRouter):
    """A router that is asked for paths of others as well, and tries each of its own on them."""

    _paths: re.Pattern[str] | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Which of its routes fits a request, if any."""
        if scope["type"] != "http" or not self._known().match(path_of(scope)):
            return Match.NONE, {}
        return super().matches(scope)

    def _known(self) -> re.Pattern[str]:
        """All its paths in one; made with the first request, when all of them are there."""
        if self._paths is None:
            own = (route for route in self.routes if isinstance(route, Route))
            patterns = [_NAMED.sub("?:", route.path_regex.pattern) for route in own]
            self._paths = re.compile("|".join(patterns))
        return self._paths
