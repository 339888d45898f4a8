"""Problems of a long input, gathered to be told at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from schedtui.errors import FieldError, InvalidError, SchedtuiError, shorten

TOLD = 3
"""Problems that the message names."""
MOST = 1_000
"""Problems that the fields of the error hold."""


@contextmanager
def gathered(wrong: list[FieldError], place: str) -> Iterator[None]:
    """Add what is refused in the block to ``wrong``, each field below ``place``."""
    try:
        yield
    except InvalidError as error:
        lone = (FieldError(field="", got=None, expected=str(error)),)
        wrong += InvalidError(str(error), error.errors or lone).below(place).errors


def refuse(wrong: Sequence[FieldError]) -> None:
    """Raise all of it in one.

    Raises:
        InvalidError: something is wrong.
    """
    if not wrong:
        return
    told = [f"{one.field}: {_got(one)}expected {one.expected}" for one in wrong[:TOLD]]
    if len(wrong) > TOLD:
        told.append(f"and {len(wrong) - TOLD} more")
    raise InvalidError("; ".join(told), tuple(wrong[:MOST]))


def _got(one: FieldError) -> str:
    return "" if one.got is None else f"got {shorten(one.got)}; "


def said_by(error: SchedtuiError, field: str) -> FieldError:
    """An error without fields as what is wrong with one."""
    return FieldError(field=field, got=None, expected=f"another one: {error}")
