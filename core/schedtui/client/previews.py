"""What a trigger means: its words, and its next due times."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from schedtui.clock import from_us
from schedtui.models import DueTime, Preview
from schedtui.triggers import Trigger


def preview_of(trigger: Trigger, timezone: str, after_us: int, count: int) -> Preview:
    """``count`` due times after a moment; may take long, so call it off the loop."""
    zone = ZoneInfo(timezone)
    due: list[DueTime] = []
    moment_us = trigger.next_after_us(after_us)
    while moment_us is not None and len(due) < count:
        at: datetime = from_us(moment_us)
        moment_us = trigger.next_after_us(moment_us)
        due.append(DueTime(at=at, local=at.astimezone(zone).isoformat()))
    return Preview(description=trigger.describe(), timezone=timezone, next=tuple(due))
