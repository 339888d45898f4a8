"""A web shop: a FastAPI service with routes and a lifespan of its own.

``uvicorn shop:app --workers 2`` beside this file. Each execution leaves a line in ``ledger``.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypedDict

from fastapi import FastAPI, Header, HTTPException, Request

from schedtui import Engine, Group, Once, current_run, log

shop = Group("Shop")


class State(TypedDict):
    """What the shop's own lifespan opens."""

    orders: list[str]


def note(what: str) -> None:
    """Leave a line in the ledger, in one write: what, when, and where."""
    run = current_run()
    due = "-" if run.scheduled_for is None else int(run.scheduled_for.timestamp())
    line = f"{what} {run.id} {run.attempt} {due} {os.getpid()} {time.time()}\n"
    fd = os.open("ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, line.encode())
    os.close(fd)


@shop.job(every=1, catch_up="all")
async def sweep() -> None:
    """Throw away abandoned carts."""
    note("sweep")


@shop.function()
async def remind(order: str) -> str:
    """Remind a customer."""
    note(f"remind-{order}")
    return order


@shop.function()
async def invoice(seconds: float) -> str:
    """Write an invoice; it takes so many seconds, or until the file ``paid`` is there."""
    note("invoice")
    log("writing")
    until = time.monotonic() + seconds
    while time.monotonic() < until and not os.access("paid", os.F_OK):  # noqa: ASYNC110 - a file
        await asyncio.sleep(0.05)
    log("written")
    return "written"


async def count() -> None:
    """Count what is on a shelf."""
    note(current_run().job.partition("/")[2])


def tidy() -> None:
    """Tidy a shelf, in a thread."""
    note(current_run().job.partition("/")[2])
    time.sleep(0.02)


for shelf in range(10):
    shop.job(every=1, name=f"count-{shelf}")(count)
    shop.job(every=1, name=f"tidy-{shelf}")(tidy)

engine = Engine(groups=[shop], store="sqlite:///shop.db", stop_grace_s=20)


@asynccontextmanager
async def own(_app: FastAPI) -> AsyncIterator[State]:
    """What the shop needs with or without a scheduler."""
    orders = ["o-1"]
    yield {"orders": orders}
    orders.clear()


async def staff(x_user: Annotated[str, Header()] = "") -> tuple[str, str]:
    """Who asks, as the shop knows its staff."""
    roles = {"ann": "admin", "bob": "viewer"}
    if x_user not in roles:
        raise HTTPException(401, "log in first")
    return x_user, roles[x_user]


app = FastAPI(lifespan=engine.lifespan_around(own))
app.mount("/jobs", engine.router(auth=staff))


@app.get("/orders")
async def orders(request: Request) -> dict[str, object]:
    """The shop's own page."""
    return {
        "orders": request.state.orders,
        "pid": os.getpid(),
        "stands_by": engine.stands_by,
    }


@app.post("/orders/{order}/remind")
async def remind_later(order: str) -> dict[str, object]:
    """Steer the engine from a route, whichever process this is."""
    job = await engine.create_job(
        function="Shop/remind",
        trigger=Once(datetime.now(UTC) + timedelta(seconds=1)),
        kwargs={"order": order},
        name=f"remind-{order}",
        replace=True,
    )
    return {"job": job.name, "pid": os.getpid()}


@app.post("/orders/{order}/invoice")
def write_invoice(order: str, seconds: float = 0.0) -> dict[str, object]:
    """The same from a route that is not async, in a thread."""
    run = engine.sync.run_function("Shop/invoice", {"seconds": seconds}, actor=f"shop:{order}")
    return {"run": run.id, "pid": os.getpid()}
