"""Policies: their defaults, how a job's, its group's and its engine's add up, and their checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from schedtui.errors import FieldError, InvalidError, shorten_value
from schedtui.models import CatchUp, Overlap, Policies

DEFAULTS = Policies(overlap=Overlap.SKIP, grace_s=60.0, catch_up=CatchUp.SKIP)
"""What holds where neither job, group nor engine says anything."""

MAX_GRACE_S = 366 * 86_400.0

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, kw_only=True, slots=True)
class Effective:
    """The policies that rule one job, nothing left open; in the units of the tick."""

    overlap: Overlap
    grace_us: int
    """Microseconds a due time may be found late and still run as if on time."""
    catch_up: CatchUp


def resolve(*levels: Policies) -> Effective:
    """What rules a job, given its own policies, its group's and its engine's, nearest first."""
    chain = (*levels, DEFAULTS)
    overlap = next(one.overlap for one in chain if one.overlap is not None)
    grace_s = next(one.grace_s for one in chain if one.grace_s is not None)
    catch_up = next(one.catch_up for one in chain if one.catch_up is not None)
    return Effective(overlap=overlap, grace_us=round(grace_s * 1e6), catch_up=catch_up)


def check(policies: Policies) -> None:
    """Refuse values that no engine could follow.

    Raises:
        InvalidError: ``grace_s`` is negative, not finite, or over a year.
    """
    grace_s = policies.grace_s
    if grace_s is not None and not 0 <= grace_s <= MAX_GRACE_S:
        raise InvalidError.one("grace_s", grace_s, f"seconds from 0 to {MAX_GRACE_S:.0f}")


def make(
    *,
    overlap: Overlap | str | None = None,
    grace_s: float | timedelta | None = None,
    catch_up: CatchUp | str | None = None,
) -> Policies:
    """Policies from what people write in code.

    Raises:
        InvalidError: a word that is no policy, or a grace out of range.
    """
    seconds = grace_s.total_seconds() if isinstance(grace_s, timedelta) else grace_s
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
        raise InvalidError.one("grace_s", seconds, "seconds, as a number or a timedelta")
    check(Policies(grace_s=seconds))  # before it is made a float, which has a limit of its own
    return Policies(
        overlap=_choice("overlap", Overlap, overlap),
        grace_s=None if seconds is None else float(seconds),
        catch_up=_choice("catch_up", CatchUp, catch_up),
    )


def _choice(field: str, kind: type[E], value: E | str | None) -> E | None:
    if value is None:
        return None
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(repr(one.value) for one in kind)
        error = FieldError(field=field, got=shorten_value(value), expected=f"one of {allowed}")
        message = f"{field}: got {value!r}; expected {error.expected}"
        raise InvalidError(message, (error,)) from None
