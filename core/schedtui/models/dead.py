"""What became of dead letters that were to be replayed or dismissed."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LETTERS = 1_000
"""The most of them that one call takes."""
MAX_NOTE = 1_000
"""Characters of the note with which they are dismissed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """What became of one of them."""

    run: int
    """The run that failed."""
    job: str = ""
    """``group/name`` of its job; without one, of its function. Empty where there is no such run."""
    done: bool
    """Whether it was replayed or dismissed, or would be after a dry run."""
    new_run: int | None = None
    """The run that replays it."""
    problem: str = ""
    """Why it was not done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Letters:
    """What became of all that were meant."""

    found: int
    """How many were named, or fit the filter."""
    done: int
    """How many of them were replayed or dismissed, or would be after a dry run."""
    dry_run: bool = False
    left: int = 0
    """How many nobody looked at, for as many as the limit allows were done before: the same call
    again takes those."""
    letters: tuple[Letter, ...] = ()
    """Of a filter the oldest ones first. Of those that were not done, the first 1,000 alone."""
    replayed: bool = False
    """In the answer to a call with an idempotency key: an earlier one has done it all."""
