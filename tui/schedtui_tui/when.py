"""Which kind of trigger a person means, by what was typed."""

from __future__ import annotations

import re
from collections.abc import Callable

from schedtui.errors import InvalidError
from schedtui.triggers import parse_duration, parse_moment

_CRON = re.compile(r"\S+(\s+\S+){4,}|.*\*.*|@.*")
_ONCE = re.compile(
    r"(today|tomorrow|in)\s.*|today|tomorrow|[0-9]{4}-[0-9]{2}-[0-9]{2}", re.IGNORECASE
)
_CALENDAR = re.compile(r"(every\s)?.*\sat\s.*[0-9]:[0-9]{2}.*", re.IGNORECASE)
_LETTER = re.compile(r"[a-z]", re.IGNORECASE)


def kind_of(text: str) -> str | None:
    """``cron``, ``every``, ``once``, ``calendar`` or ``json``, if the text can only mean that.

    Else None. A plain number says nothing: it may be seconds, or the first field of a cron
    expression.
    """
    if text.startswith("{"):
        return "json"
    if _CALENDAR.fullmatch(text):
        return "calendar"
    if _CRON.fullmatch(text):
        return "cron"
    if _ONCE.fullmatch(text) or _reads(lambda: parse_moment(text, "UTC", 0)):
        return "once"
    if _LETTER.search(text) and _reads(lambda: parse_duration(text)):
        return "every"
    return None


def _reads(parse: Callable[[], object]) -> bool:
    try:
        parse()
    except InvalidError:
        return False
    return True
