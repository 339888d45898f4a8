"""When a job is due: cron expressions, intervals, calendars, moments, and combinations of them.

Every trigger answers ``next_after``, ``describe`` and ``to_json``; `parse_trigger` reads the JSON
form and what people type.
"""

from __future__ import annotations

from schedtui.triggers.all_of import AllOf
from schedtui.triggers.any_of import AnyOf
from schedtui.triggers.base import Trigger
from schedtui.triggers.between import Between
from schedtui.triggers.calendar import Calendar
from schedtui.triggers.cron import Cron
from schedtui.triggers.daysoff import register_calendar
from schedtui.triggers.every import Every
from schedtui.triggers.excepting import Except
from schedtui.triggers.foreign import Foreign, as_trigger
from schedtui.triggers.jitter import jitter_us
from schedtui.triggers.leftout import LeftOut, left_out
from schedtui.triggers.never import Never
from schedtui.triggers.once import Once
from schedtui.triggers.parse import parse_trigger
from schedtui.triggers.timezones import check_timezone
from schedtui.triggers.typed import parse_duration, parse_moment, parse_past_moment
from schedtui.triggers.words import duration_words, moment_words

__all__ = [
    "AllOf",
    "AnyOf",
    "Between",
    "Calendar",
    "Cron",
    "Every",
    "Except",
    "Foreign",
    "LeftOut",
    "Never",
    "Once",
    "Trigger",
    "as_trigger",
    "check_timezone",
    "duration_words",
    "jitter_us",
    "left_out",
    "moment_words",
    "parse_duration",
    "parse_moment",
    "parse_past_moment",
    "parse_trigger",
    "register_calendar",
]
