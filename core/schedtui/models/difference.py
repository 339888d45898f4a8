"""What is different between two runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schedtui.models.run import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing that two runs did not have in common."""

    what: str
    """``job``, ``function``, ``job_version``, ``code``, ``kwargs.NAME`` or ``late.NAME``."""
    first: Any
    """In the first run; None where it had none."""
    second: Any
    """In the second one. Code and late values are told by their fingerprints."""


def compare_runs(first: Run, second: Run) -> tuple[Difference, ...]:
    """What two runs ran and with what, where it differs.

    That is what to look at first when one went well and the other did not.
    """
    return tuple(
        Difference(what=name, first=one, second=other)
        for name, one, other in (
            ("job", first.job, second.job),
            ("function", first.function, second.function),
            ("job_version", first.job_version, second.job_version),
            ("code", first.code, second.code),
            *_items("kwargs", first.kwargs, second.kwargs),
            *_items("late", first.late, second.late),
        )
        # to Python 1, 1.0 and True are equal, and to a function they are not
        if (type(one), one) != (type(other), other)
    )


def _items(
    name: str, first: Mapping[str, Any], second: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    keys = sorted(first.keys() | second.keys())
    return [(f"{name}.{key}", first.get(key), second.get(key)) for key in keys]
