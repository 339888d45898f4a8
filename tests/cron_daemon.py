"""A simulation of Debian's cron(8), to compare `schedtui.triggers.Cron` with.

Written from the published rules: crontab(5) for what a line matches, cron(8) and the comments of
cron.c's main loop for when. It shares no code with what it is compared with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


class Line:
    """The five time fields of a line of a crontab."""

    def __init__(self, text: str) -> None:
        minute, hour, dom, month, dow = text.lower().split()
        self.minutes = values(minute, 0, 59)
        self.hours = values(hour, 0, 23)
        self.dom = values(dom, 1, 31)
        self.months = values(month, 1, 12, MONTHS)
        self.dow = {day % 7 for day in values(dow, 0, 7, DAYS)}
        self.both = dom.startswith("*") or dow.startswith("*")
        self.wild = minute.startswith("*") or hour.startswith("*")

    def on(self, day: date) -> bool:
        """Whether the line matches some time of this day."""
        in_dom, in_dow = day.day in self.dom, day.isoweekday() % 7 in self.dow
        fits = (in_dom and in_dow) if self.both else (in_dom or in_dow)
        return fits and day.month in self.months


def values(field: str, low: int, high: int, names: list[str] | None = None) -> set[int]:
    """The values of one field: a list of ``*``, numbers, names and ranges, with steps."""
    found: set[int] = set()
    for term in field.split(","):
        span, _, step = term.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            start, stop = low, high
        else:
            start = number(first, low, names)
            stop = number(last, low, names) if last else high if step else start
        found.update(range(start, stop + 1, int(step or 1)))
    return found


def number(text: str, low: int, names: list[str] | None) -> int:
    return names.index(text) + low if names and text in names else int(text)


class Check(NamedTuple):
    """One time that cron looked for jobs."""

    at: datetime
    """When, UTC."""
    wild: bool
    """It looked for jobs with a wildcard in minute or hour."""
    fixed: bool
    """It looked for the others."""


class Daemon:
    """What cron did between two moments: for each minute of its clock, when it looked for jobs.

    Args:
        zone: The machine's time zone.
        start: When cron is started, UTC, a whole minute.
        minutes: How long it runs.
    """

    def __init__(self, zone: str, start: datetime, minutes: int) -> None:
        self.start = start
        self.end = start + minutes * MINUTE
        self.checks: dict[int, list[Check]] = defaultdict(list)
        self._zone = ZoneInfo(zone)
        self._run()

    def times(self, line: Line, since: datetime) -> Iterator[datetime]:
        """When a job of this line was started after ``since``, in order, each instant once."""
        day = since.astimezone(self._zone).date() - timedelta(days=2)
        last = self.end.astimezone(self._zone).date() + timedelta(days=2)
        waiting: set[datetime] = set()
        while day <= last:
            if line.on(day):
                waiting.update(at for at in self._on(line, day) if at > since)
            day += timedelta(days=1)
            # Nothing of a later day can come before the end of the day before yesterday.
            settled = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
            ready = sorted(at for at in waiting if at < settled)
            yield from ready
            waiting.difference_update(ready)
        yield from sorted(waiting)

    def _on(self, line: Line, day: date) -> Iterator[datetime]:
        midnight = (day - EPOCH.date()).days * 1440
        for hour in line.hours:
            for minute in line.minutes:
                for check in self.checks.get(midnight + hour * 60 + minute, ()):
                    if check.wild if line.wild else check.fixed:
                        yield check.at

    def _clock(self, at: datetime) -> int:
        """Minutes since 1970 on the clock of the machine's zone."""
        offset = at.astimezone(self._zone).utcoffset() or timedelta(0)
        return (at - EPOCH + offset) // MINUTE

    def _find_jobs(self, at: datetime, minute: int, *, wild: bool, fixed: bool) -> None:
        self.checks[minute].append(Check(at, wild, fixed))

    def _run(self) -> None:
        at = self.start
        # `virtual` is what the clock would show had nobody changed it; it never goes back a little.
        virtual = running = self._clock(at)
        while at < self.end:
            at += MINUTE
            now = self._clock(at)
            if now == running:
                continue
            running = now
            behind = running - virtual
            if 0 < behind <= 5:  # on time, or woken up late: catch up with everything
                while virtual < running:
                    virtual += 1
                    self._find_jobs(at, virtual, wild=True, fixed=True)
            elif 5 < behind <= 180:  # set forward: wildcards now, fixed times of what was skipped
                self._find_jobs(at, running, wild=True, fixed=False)
                while virtual < running:
                    virtual += 1
                    self._find_jobs(at, virtual, wild=False, fixed=True)
            elif -180 < behind <= 0:  # set back: wildcards only, until the clock has caught up
                self._find_jobs(at, running, wild=True, fixed=False)
            else:  # a correction of the clock: the new time counts
                virtual = running
                self._find_jobs(at, running, wild=True, fixed=True)
