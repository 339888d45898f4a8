"""A market stall: a Flask service without an event loop.

``gunicorn -c stall_conf.py --preload -w 2 stall:app`` beside this file, or ``python stall.py``.
"""

from __future__ import annotations

import os
import time
from typing import Any

from flask import Flask

from schedtui import Engine, Every, Group, current_run

stall = Group("Stall")


@stall.job(every=1, catch_up="all")
def sweep() -> None:
    """Leave a line in the ledger, in one write: what, when, and where."""
    run = current_run()
    due = "-" if run.scheduled_for is None else int(run.scheduled_for.timestamp())
    line = f"sweep {run.id} {run.attempt} {due} {os.getpid()} {time.time()}\n"
    fd = os.open("ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, line.encode())
    os.close(fd)


@stall.function()
def weigh(grams: int) -> int:
    """Weigh a melon."""
    return grams


engine = Engine(groups=[stall], store="sqlite:///shop.db")
app = Flask("stall")


@app.get("/")
def page() -> dict[str, Any]:
    """The stall's own page."""
    return {"pid": os.getpid(), "stands_by": engine.stands_by}


@app.post("/melons/<int:number>")
def melon(number: int) -> dict[str, Any]:
    """Steer the engine from a route."""
    job = engine.sync.create_job(
        function="Stall/weigh",
        trigger=Every(3600),
        kwargs={"grams": number},
        name=f"melon-{number}",
        replace=True,
        actor="stall",
    )
    return {"pid": os.getpid(), "job": job.name}


if __name__ == "__main__":
    engine.run_in_thread()
    app.run(port=0)
