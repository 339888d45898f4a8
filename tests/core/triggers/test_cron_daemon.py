"""Cron against two oracles: a simulation of cron(8), and cronsim."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cron_daemon import Daemon, Line
from cronsim import CronSim

from schedtui.triggers import Cron

# Around each of these (UTC) the offset changes, but for the last of each line: an ordinary day.
CHANGES: dict[str, tuple[str, ...]] = {
    "UTC": ("2026-03-29 01:00", "2028-02-29 00:00"),
    "America/New_York": ("2026-03-08 07:00", "2026-11-01 06:00", "2026-07-01 00:00"),
    "Europe/Berlin": ("2026-03-29 01:00", "2026-10-25 01:00", "2026-12-31 12:00"),
    "Australia/Sydney": ("2026-04-04 16:00", "2026-10-03 16:00", "2026-07-01 00:00"),
    "Africa/Casablanca": ("2026-02-15 02:00", "2026-03-22 02:00", "2026-07-01 00:00"),
    "America/Santiago": ("2026-04-05 03:00", "2026-09-06 04:00", "2026-07-01 00:00"),
    # half an hour
    "Australia/Lord_Howe": ("2026-04-04 15:00", "2026-10-03 15:30", "2026-07-01 00:00"),
    "Asia/Pyongyang": ("2015-08-14 15:00", "2018-05-04 15:00"),
    # a quarter of an hour
    "Asia/Kathmandu": ("1985-12-31 18:30", "2026-07-01 00:00"),
    # two hours
    "Antarctica/Troll": ("2026-03-29 01:00", "2026-10-25 01:00"),
    # three hours forward are a correction, three hours back are not yet one; seven are
    "Antarctica/Casey": ("2020-10-03 16:01", "2023-03-08 16:00"),
    "Antarctica/Vostok": ("1994-01-31 17:00", "1994-11-01 00:00"),
    # a day that never was
    "Pacific/Apia": ("2011-12-30 10:00", "2026-07-01 00:00"),
    "Pacific/Kwajalein": ("1993-08-21 12:00",),
}
WHOLE_HOURS = (
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Sydney",
    "Africa/Casablanca",
    "America/Santiago",
)
PER_ZONE = 500
# cronsim reads "3-3/2" as "3/2", which goes on to the end; for crontab(5) it is one value.
ONE_VALUE_STEP = re.compile(r"\b(\d+)-\1/")
DAY = timedelta(days=1)


def expressions(seed: str, count: int) -> list[str]:
    """Random crontab lines; the hours lean to the night, when clocks are changed."""
    chance = random.Random(seed)

    def term(low: int, high: int, names: str = "") -> str:
        first = chance.randint(low, high)
        last = chance.randint(first, high)
        step = chance.randint(1, high - low + 3)
        named = dict(enumerate(names.split(), low)).get(first, first)
        span = f"{first}-{last}"
        return chance.choice(
            (
                f"{first}",
                f"{first}",
                f"{named}",
                span,
                f"{span}/{step}",
                f"*/{step}",
                f"{first}/{step}",
            )
        )

    def field(stars: float, low: int, high: int, names: str = "") -> str:
        if chance.random() < stars:
            return "*"
        many = chance.choice((1, 1, 1, 2, 3))
        return ",".join(term(low, high, names) for _ in range(many))

    def line() -> str:
        minute, hour = field(0.2, 0, 59), field(0.25, 0, chance.choice((3, 23)))
        month = field(0.8, 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec")
        # A 31st in every month, lest the line is one that never comes.
        day = field(0.6, 1, 31 if month == "*" else 28)
        return f"{minute} {hour} {day} {month} {field(0.6, 0, 7, 'sun mon tue wed thu fri sat')}"

    return [line() for _ in range(count)]


@cache
def daemon(zone: str, change: str) -> Daemon:
    """cron from two days before the change until two days after it."""
    start = datetime.fromisoformat(change).replace(second=0, tzinfo=UTC) - 2 * DAY
    return Daemon(zone, start, 4 * 1440)


def start_near(change: str, chance: random.Random) -> datetime:
    """Some moment within four hours of the change, or else a day before it; not always whole."""
    moment = datetime.fromisoformat(change).replace(tzinfo=UTC)
    minutes = chance.choice((0, chance.randint(-240, 240), chance.randint(-1440, -600)))
    return moment + timedelta(minutes=minutes, seconds=chance.choice((0, 0, 1, 59.5)))


def due_times(cron: Cron, since: datetime, until: datetime, most: int) -> list[datetime]:
    times: list[datetime] = []
    at = cron.next_after(since)
    while at is not None and at <= until and len(times) < most:
        times.append(at)
        at = cron.next_after(at)
    return times


@pytest.mark.parametrize("zone", CHANGES)
def test_it_is_due_when_cron_would_start_the_job(zone: str) -> None:
    chance = random.Random(zone)
    wrong: list[str] = []
    for expression in expressions(zone, PER_ZONE):
        change = chance.choice(CHANGES[zone])
        since = start_near(change, chance)
        oracle = daemon(zone, change)
        expected = list(islice(oracle.times(Line(expression), since), 100))
        if due_times(Cron(expression, zone), since, oracle.end, 100) != expected:
            wrong.append(f"{expression} after {since}")
    assert not wrong


def test_it_is_due_when_cron_would_start_the_job_over_the_months() -> None:
    zone = "Australia/Lord_Howe"
    start = datetime(2028, 2, 15, tzinfo=UTC)
    oracle = Daemon(zone, start, 260 * 1440)
    chance = random.Random("the months")
    wrong: list[str] = []
    for expression in expressions("the months", 300):
        since = start + chance.randint(1, 259 * 1440) * timedelta(minutes=1)
        expected = list(islice(oracle.times(Line(expression), since), 30))
        if due_times(Cron(expression, zone), since, oracle.end, 30) != expected:
            wrong.append(f"{expression} after {since}")
    assert not wrong


@pytest.mark.parametrize("zone", WHOLE_HOURS)
def test_cronsim_agrees_where_daylight_saving_is_a_whole_hour(zone: str) -> None:
    chance = random.Random(zone)
    wrong: list[str] = []
    for expression in expressions(f"cronsim {zone}", 300):
        if ONE_VALUE_STEP.search(expression):
            continue
        since = start_near(chance.choice(CHANGES[zone]), chance).replace(microsecond=0)
        times = (
            at.astimezone(UTC)
            for at in CronSim(expression, since.astimezone(ZoneInfo(zone)))
            # Where midnight is skipped, cronsim gives it all the same.
            if at.replace(tzinfo=None)
            == at.astimezone(UTC).astimezone(at.tzinfo).replace(tzinfo=None)
        )
        # Started in the second pass of the repeated hour, cronsim begins with times in the past.
        expected = list(islice((at for at in times if at > since), 20))
        cron = Cron(expression, zone)
        if due_times(cron, since, datetime.max.replace(tzinfo=UTC), 20) != expected:
            wrong.append(f"{expression} after {since}")
    assert not wrong


def test_the_oracle_follows_the_manual() -> None:
    """What cron(8) says in words, of the simulation itself."""
    oracle = daemon("America/New_York", "2026-03-08 07:00")
    since = datetime(2026, 3, 8, 5, tzinfo=UTC)
    gap_end = datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert next(oracle.times(Line("30 2 * * *"), since)) == gap_end
    assert gap_end not in list(islice(oracle.times(Line("30 * * * *"), since), 9))
    oracle = daemon("America/New_York", "2026-11-01 06:00")
    since = datetime(2026, 11, 1, 4, tzinfo=UTC)
    first, second = islice(oracle.times(Line("30 1 * * *"), since), 2)
    assert (first.hour, second - first) == (5, timedelta(hours=25))
    passes = list(islice(oracle.times(Line("30 * * * *"), since), 3))
    assert [at.hour for at in passes] == [4, 5, 6]
