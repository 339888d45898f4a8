"""What backfills add to the reasons of the rows that they make good."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from schedtui.protocols import NewRun

_NOTED = "backfilled by run"
_NOTE = re.compile(rf"(^|; ){_NOTED}.*$", re.DOTALL)


def notes(rows: Sequence[NewRun]) -> Iterable[tuple[int, str]]:
    """What the rows that are made good say from now on; one of a stretch has many runs."""
    made: dict[int, list[int]] = {}
    for row in rows:
        if row.parent_id is not None:
            made.setdefault(row.parent_id, []).append(row.id)
    for parent_id, ids in made.items():
        several = f"s {ids[0]} to {ids[-1]}" if len(ids) > 1 else f" {ids[0]}"
        yield parent_id, f"{_NOTED}{several}"


def own_reason(reason: str) -> str:
    """The reason of a row without what backfills have added."""
    return _NOTE.sub("", reason)
