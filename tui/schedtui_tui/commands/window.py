"""A window of time, as it is typed behind ``--since`` and ``--until``."""

from __future__ import annotations

import argparse
import re
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient

_SPAN = re.compile(r"([0-9]+(\.[0-9]+)? *[a-z]+ *)+", re.IGNORECASE)


def add_window_options(parser: argparse.ArgumentParser, since: str, until: str) -> None:
    """``--since`` and ``--until``, with what each means."""
    forms = "6h, 7d, yesterday, mon 9:00, 2026-12-24 18:00, or ISO 8601, in the engine's zone"
    parser.add_argument("--since", metavar="WHEN", help=f"{since}: {forms}")
    parser.add_argument("--until", metavar="WHEN", help=f"{until}; likewise")


async def read_window(
    client: EngineClient, args: argparse.Namespace
) -> tuple[datetime | None, datetime | None]:
    """The moments that were typed; the engine's clock and zone count.

    Raises:
        InvalidError: one is no moment.
    """
    if args.since is None and args.until is None:
        return None, None
    info = await client.info()
    moments = []
    for option, typed in (("--since", args.since), ("--until", args.until)):
        moments.append(None if typed is None else _moment(typed, info.timezone, info.now, option))
    return moments[0], moments[1]


def _moment(typed: str, zone: str, now: datetime, option: str) -> datetime:
    from schedtui.clock import to_us
    from schedtui.triggers import parse_duration, parse_past_moment

    if _SPAN.fullmatch(typed.strip()):
        return now - parse_duration(typed, option)
    text = typed.strip()
    day = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|today|yesterday", text, re.IGNORECASE)
    return parse_past_moment(f"{text} 0:00" if day else text, zone, to_us(now), option)[0]
