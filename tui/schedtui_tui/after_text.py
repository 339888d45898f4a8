"""What a job runs after, as a person types it: ``Reports/export``, ``Reports/export:failure``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from schedtui.models import After
from schedtui.models.after import On

EXAMPLE = "GROUP/NAME, or GROUP/NAME:failure, GROUP/NAME:end"


def read_after(texts: Iterable[str]) -> tuple[After, ...]:
    """Jobs and which of their ends count; the engine says what is wrong with them."""
    return tuple(_read(text.strip()) for text in texts if text.strip())


def _read(text: str) -> After:
    job, _, word = text.rpartition(":")
    for on in get_args(On):
        if job and word == on:
            return After(job=job, on=on)
    return After(job=text)
