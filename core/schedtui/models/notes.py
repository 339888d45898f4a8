"""What people have to know about a job when it goes wrong."""

from __future__ import annotations

from typing import Any, Final

from schedtui.errors import InvalidError

NOTES: Final = {"owner": 200, "expected": 1_000, "runbook": 1_000, "rollback": 1_000}
"""The fields of a job that only people read, and how many characters each may have."""


def notes_of(holder: Any) -> dict[str, Any]:
    """The notes of a job, a specification or a declaration, by field; of a patch None too."""
    return {field: getattr(holder, field) for field in NOTES}


def check_note(field: str, text: object) -> str:
    """``text`` itself, where it may be that note: for a whole document there are links.

    Raises:
        InvalidError: it is no text, or too long.
    """
    if not isinstance(text, str) or len(text) > NOTES[field]:
        raise InvalidError.one(field, text, f"a text of at most {NOTES[field]:,} characters")
    return text
