"""`schedtui serve`: how it begins, how it ends, and what its jobs can reach."""

from __future__ import annotations

import socket

import pytest
from terminal_place import Place

HANGING = """
import asyncio, time
from schedtui import Group

g = Group("g")

@g.job(every=3600)
async def blocked(): await asyncio.to_thread(time.sleep, 300)

@g.job(every=3600)
async def stubborn():
    while True:
        try:
            await asyncio.sleep(300)
        except asyncio.CancelledError:
            pass
"""


@pytest.mark.parametrize("job", ["blocked", "stubborn"])
def test_it_stops_although_a_job_does_not(empty: Place, job: str) -> None:
    (empty.folder / "jobs.py").write_text(HANGING)
    served = empty.serve("--no-listen", "--grace", "0.1")
    empty.json("trigger", f"g/{job}")
    assert served.stop() == 0
    assert "stopped" in (empty.folder / "serve.log").read_text().splitlines()[-1]


AT_ONCE = """
from pathlib import Path
from schedtui import Group

g = Group("g")

@g.job(every=3600, run_on_startup=True)
def at_once(): Path("ran").touch()
"""


NO_PLACE = [
    ("--listen 127.0.0.1:{taken}", 4, "is taken by another program"),
    ("--listen 0.0.0.0:0", 4, "no access token exists"),
    ("--listen 127.0.0.1", 2, "expected HOST:PORT"),
    ("--listen 127.0.0.1:99999", 2, "expected a port"),
    ("--listen 127.0.0.1:0 --certfile none --keyfile none", 2, "certfile"),
]


def test_where_it_may_not_listen_it_runs_nothing(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(AT_ONCE)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        for words, code, why in NO_PLACE:
            done = empty.run("serve", *words.format(taken=taken).split(), code=code)
            assert why in done.stderr
            assert not empty.state.socket.exists()
    assert not (empty.folder / "ran").exists()
    empty.serve("--listen", "127.0.0.1:0")
    empty.wait((empty.folder / "ran").exists)
