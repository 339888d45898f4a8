"""The grammar of the filter.

Parts are ``text``, ``tag:x``, ``state:failed``, ``group:x`` and ``/re/``, each with ``!`` in front
for its opposite; all of them must hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from schedtui.models import JobSummary

_PART = re.compile(r"!?/(?:[^/\\]|\\.)*/?|\S+")
_Test = Callable[[JobSummary], bool]


class FilterError(ValueError):
    """A filter that cannot be understood; the message is for the person who types it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """A parsed filter."""

    text: str
    """As it was typed."""
    tests: tuple[_Test, ...] = ()
    """All must hold."""

    def accepts(self, row: JobSummary) -> bool:
        """Whether a job is shown."""
        return all(test(row) for test in self.tests)


EVERYTHING = Filter(text="")


def parse(text: str) -> Filter:
    """The filter that ``text`` means.

    Raises:
        FilterError: a regular expression is wrong.
    """
    tests = tuple(_part(part) for part in _PART.findall(text))
    return Filter(text=text.strip(), tests=tests) if tests else EVERYTHING


def _part(part: str) -> _Test:
    if part.startswith("!") and len(part) > 1:
        test = _part(part[1:])
        return lambda row: not test(row)
    if part.startswith("/"):
        return _regex(part[1:].removesuffix("/"))
    field, colon, wanted = part.partition(":")
    make = _FIELDS.get(field.casefold()) if colon else None
    return make(wanted.casefold()) if make is not None else _contains(part.casefold())


def _regex(pattern: str) -> _Test:
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise FilterError(f"/{pattern}/ is not a regular expression: {error}") from None
    return lambda row: compiled.search(f"{row.group}/{row.name}") is not None


def _contains(wanted: str) -> _Test:
    def test(row: JobSummary) -> bool:
        return (
            wanted in f"{row.group}/{row.name}".casefold()
            or wanted in row.function.casefold()
            or wanted in row.description.casefold()
            or wanted in row.schedule.casefold()
        )

    return test


def _tag(wanted: str) -> _Test:
    return lambda row: any(tag.casefold().startswith(wanted) for tag in row.tags)


def _group(wanted: str) -> _Test:
    return lambda row: row.group.casefold().startswith(wanted)


def _state(wanted: str) -> _Test:
    def test(row: JobSummary) -> bool:
        return (
            row.state.startswith(wanted)
            or (row.last_state is not None and row.last_state.startswith(wanted))
            or (row.running_id is not None and "running".startswith(wanted))
            or (row.active > 0 and row.running_id is None and "queued".startswith(wanted))
        )

    return test


_FIELDS: dict[str, Callable[[str], _Test]] = {"tag": _tag, "group": _group, "state": _state}
