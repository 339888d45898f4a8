"""When a job is due: cron expressions, intervals and single moments.

Every trigger answers ``next_after``, ``describe`` and ``to_json``; `parse_trigger` reads the JSON
form and what people type.
"""

from __future__ import annotations

from schedtui.triggers.base import Trigger
from schedtui.triggers.cron import Cron
from schedtui.triggers.every import Every
from schedtui.triggers.once import Once
from schedtui.triggers.parse import parse_trigger
from schedtui.triggers.timezones import check_timezone
from schedtui.triggers.typed import parse_duration, parse_moment
from schedtui.triggers.words import duration_words, moment_words

__all__ = [
    "Cron",
    "Every",
    "Once",
    "Trigger",
    "check_timezone",
    "duration_words",
    "moment_words",
    "parse_duration",
    "parse_moment",
    "parse_trigger",
]
