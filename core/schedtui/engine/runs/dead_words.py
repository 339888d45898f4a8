"""What a run that failed says of what was done about it."""

from __future__ import annotations


def replayed_words(actor: str, run_id: int) -> str:
    """Run ``run_id`` runs it once more."""
    return f"replayed by {actor}: run {run_id}"


def dismissed_words(actor: str, note: str) -> str:
    """Nothing more is to be done."""
    return f"dismissed by {actor}{f': {note}' if note else ''}"
