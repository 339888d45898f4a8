"""``schedtui backfill``, and a backfill of an engine that is killed."""

from __future__ import annotations

import signal
from pathlib import Path

from terminal_place import Place

JOBS = """
import asyncio
from pathlib import Path
from schedtui import Group, current_run

g = Group("g", timezone="Asia/Tokyo")

@g.job(cron="0 9 * * *")
async def daily(name: str = "x") -> str:
    run = current_run()
    with Path("done.txt").open("a") as file:
        file.write(f"{run.source} {run.scheduled_for:%F %R} {name}\\n")
    await asyncio.sleep(0.02)
    return name

@g.job(cron="0 9 * * *")
async def held() -> None:
    await asyncio.Event().wait()
"""


def done(place: Place) -> list[str]:
    return (place.folder / "done.txt").read_text().splitlines()


def test_a_range_is_counted_queued_and_cancelled(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(JOBS)
    empty.serve("--no-listen")
    words = ("backfill", "g/daily", "--from", "2026-01-05", "--to")

    dry = empty.run(*words, "2026-01-25", "--dry-run").stdout.splitlines()
    assert dry[0] == "g/daily: 20 runs would be queued"
    assert dry[1] == "  2026-01-05T09:00:00+09:00"
    assert dry[6] == "  … 10 more"
    assert dry[-1] == "  2026-01-24T09:00:00+09:00"
    assert len(dry) == 12
    assert not (empty.folder / "done.txt").exists()
    queued = empty.json(*words, "2026-01-08", "--arg", "name=ann")
    assert (queued["queued"], len(queued["runs"])) == (3, 3)
    empty.wait(lambda: len(empty.json("runs", "g/daily", "--state", "succeeded")) == 3)
    assert done(empty) == [f"backfill 2026-01-{day} 00:00 ann" for day in ("05", "06", "07")]
    more = empty.run(*words, "2026-01-09").stdout.splitlines()
    assert more[0] == "g/daily: 1 run is queued; left out: 3 backfilled already"

    empty.run("backfill", "g/held", *words[2:], "2026-01-25")
    empty.wait(lambda: len(empty.json("runs", "g/held", "--state", "running")) == 1)
    said = empty.run("backfill", "g/held", "--cancel", "--reason", "wrong").stdout
    assert said == "g/held: 19 queued backfill runs were cancelled\n"


def test_what_is_wrong_is_told_by_the_options(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(JOBS)
    empty.serve("--no-listen")
    words = ("backfill", "g/daily", "--from", "2025-01-01")

    refused = empty.run(*words, "--to", "2025-02-01", "--limit", "5", code=2).stderr
    assert "--limit: got 5; expected a shorter range: this one has 31 due times" in refused
    assert "--to" in empty.run(*words, "--to", "whenever", code=2).stderr
    assert "--from" in empty.run("backfill", "g/daily", code=2).stderr
    assert "--cancel" in empty.run(*words, "--cancel", code=2).stderr
    none = empty.run("backfill", "g/daily", "--from", "1m ago", "--to", "30s ago").stdout
    assert none == "g/daily: no due time lies in that range; nothing was queued\n"


def test_after_a_kill_all_that_was_queued_runs_once(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(JOBS)
    server = empty.serve("--no-listen")
    empty.run("backfill", "g/daily", "--from", "2025-01-01", "--to", "2025-04-11")
    ledger = Path(empty.folder / "done.txt")
    empty.wait(lambda: ledger.exists() and len(done(empty)) >= 10)

    server.stop(signal.SIGKILL)
    before = len(done(empty))
    assert before < 100
    empty.serve("--no-listen")
    empty.wait(lambda: not empty.json("runs", "g/daily", "--state", "queued", "--limit", "1"))
    empty.wait(lambda: not empty.json("runs", "g/daily", "--state", "running", "--limit", "1"))

    lines = done(empty)
    assert len(lines) == len(set(lines)), "none ran twice"
    lost = empty.json("runs", "g/daily", "--state", "lost")
    assert len(lost) <= 1
    assert 100 - len(lost) <= len(lines) <= 100
