"""``schedtui init``: the first ``jobs.py`` and ``schedtui.toml`` of a folder."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from schedtui.errors import ConflictError, RefusedError
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line

JOBS = '''\
"""Jobs of this folder: `schedtui` shows them, `schedtui serve` runs them without a screen."""

import shutil

from schedtui import Group, log, track

house = Group("house")


@house.job(every="10s", timeout_s=30)
def free_space() -> float:
    free = shutil.disk_usage("/").free / 1e9
    log("free", gigabytes=round(free, 1))
    return free


@house.job(cron="0 9 * * mon-fri", timeout_s=30)
async def good_morning() -> str:
    return "up and running"


@house.function()
def send_report(recipient: str, pages: int = 3) -> str:
    """Send a report; `n` in the console makes jobs of it.

    Args:
        recipient: Who gets it.
        pages: How long it is.
    """
    for page in track(range(pages)):
        print("page", page + 1)
    return f"sent to {recipient}"
'''

SETTINGS = """\
target = "jobs.py"              # or a list of files, folders and modules
timezone = "{zone}"
# store = "sqlite:///state.db"  # default: .schedtui/state.db
# listen = "127.0.0.1:8787"     # for schedtui serve

# [pools]                       # runs of jobs with pool="smtp" that may be active at once
# smtp = 2

# [policies]                    # of jobs that say nothing
# timeout_s = 600
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui init``."""
    parser.add_argument("folder", nargs="?", default=".", help="default: this one")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Write both files, or neither."""
    folder = Path(args.folder)
    texts = {
        folder / "jobs.py": JOBS,
        folder / "schedtui.toml": SETTINGS.format(zone=local_zone()),
    }
    for file in texts:
        if os.path.lexists(file):
            raise ConflictError(f"{file} is there already, so nothing was written")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            with file.open("x", encoding="utf-8") as made:
                made.write(text)
    except OSError as error:
        raise RefusedError(f"{error.filename}: {error.strerror}; nothing else was done") from error
    if args.json:
        print_json({"files": [str(file) for file in texts]})
        return Exit.DONE
    for file in texts:
        print_line(f"wrote {file}")
    here = "" if args.folder == "." else f"cd {args.folder} && "
    print_line(f"Now: {here}schedtui")
    return Exit.DONE


def local_zone() -> str:
    """The IANA zone of this machine; UTC where it does not say."""
    from schedtui.errors import InvalidTriggerError
    from schedtui.triggers import check_timezone

    named = os.environ.get("TZ", "").removeprefix(":")
    linked = os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    for zone in (named, linked):
        try:
            return check_timezone(zone)
        except InvalidTriggerError:
            continue
    return "UTC"
