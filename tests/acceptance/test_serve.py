"""`schedtui serve`: how it begins, how it ends, and what its jobs can reach."""

from __future__ import annotations

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
