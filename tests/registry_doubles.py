"""A function, and jobs of it."""

from __future__ import annotations

from typing import Any

from schedtui.registry import Declaration, Group


def work(n: int = 0) -> None: ...


def declare(group: Group, **options: Any) -> Declaration:
    """A job of `work` with these options."""
    group.job(**{"every": 60, **options})(work)
    return group.declarations[-1]
