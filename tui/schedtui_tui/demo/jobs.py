"""Jobs of every kind, written as a user would write them.

Each reads or writes real files, or asks a real server; those that fail fail for a reason.
"""

# ruff: noqa: T201 - jobs print; it becomes their log

from __future__ import annotations

import asyncio
import csv
import json
import logging
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Literal

import httpx

from schedtui import Every, Group, current_run, log, progress, track
from schedtui_tui.demo.world import World

logger = logging.getLogger("shop")

START = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
"""About when the engine is up: what is rare is counted from here, so that nobody has to wait."""

reports = Group("reports", tags=["mail"], timezone="Europe/Berlin")
shop = Group("shop", tags=["files"])
site = Group("site", tags=["web"])
system = Group("system", tags=["housekeeping"])


@reports.job(every="8s", name="sales-to-anna", kwargs={"recipient": "anna@shop.example"})
@reports.job(
    cron="0 9 * * mon-fri",
    name="weekly-to-board",
    kwargs={"recipient": "board@shop.example", "report_type": "weekly"},
)
def send_report(
    recipient: str, report_type: Literal["daily", "weekly", "monthly"] = "daily"
) -> str:
    """Send the sales figures to somebody.

    Args:
        recipient: An address.
        report_type: How much of the past it covers.
    """
    days = {"daily": 1, "weekly": 7, "monthly": 31}[report_type]
    totals = _totals(days)
    mail = EmailMessage()
    mail["To"] = recipient
    mail["Subject"] = f"Sales, {report_type}"
    mail.set_content("\n".join(f"{country} {total:10.2f}" for country, total in totals.items()))
    path = World.folder / "outbox" / f"{current_run().id}.eml"
    path.write_bytes(bytes(mail))
    log("sent", recipient=recipient, report=report_type, file=path.name)
    return path.name


@shop.job(every="5s")
def export_orders() -> dict[str, float]:
    """Read all orders and write one total per country."""
    print("reading", World.folder / "orders.csv")
    totals = _totals(31)
    path = World.folder / "exports" / "totals.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["country", "total"])
        rows.writerows((country, f"{total:.2f}") for country, total in sorted(totals.items()))
    logger.info("wrote %s, %d countries", path.name, len(totals))
    return totals


@shop.job(trigger=Every(25, anchor=START + timedelta(seconds=2)))
async def rebuild_search_index() -> int:
    """Takes its time, and says how far it is."""
    with (World.folder / "orders.csv").open(newline="", encoding="utf-8") as file:
        orders = list(csv.DictReader(file))
    batches = [orders[at : at + 20] for at in range(0, len(orders), 20)]
    words: Counter[str] = Counter()
    for number, batch in enumerate(track(batches), 1):
        words.update(order["country"] for order in batch)
        if number % 10 == 0:
            log("indexed", orders=number * 20, most=words.most_common(1)[0][0])
        await asyncio.sleep(0.5)
    return sum(words.values())


@shop.job(
    trigger=Every(11, anchor=START + timedelta(seconds=1)),
    description="Fails: the supplier's price list is broken.",
)
def import_prices() -> None:
    """Read the price list of a supplier who sends anything."""
    document = '{"ean": "4006381333931", "price": "12,50"}'
    print("price list received,", len(document), "bytes")
    price = json.loads(document)
    try:
        amount = float(price["price"])
    except ValueError as error:
        logger.error("cannot read the price of %s", price["ean"])
        raise ValueError(f"price list line 1: {price['price']!r} is not a price") from error
    print("price", amount)


@site.job(every="3s")
async def check_front_page() -> int:
    """Ask the shop's front page whether it is well."""
    async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
        answer = await http.get(World.site)
    log("answered", status=answer.status_code, ms=round(answer.elapsed.total_seconds() * 1000, 1))
    answer.raise_for_status()
    return answer.status_code


@site.job(every="1s")
async def count_visitors() -> int:
    """Every second; done before the next one."""
    await asyncio.sleep(0.1)
    visitors = 40 + int(time.time()) % 17
    log("visitors", now=visitors)
    return visitors


@site.job(every="6s")
async def crawl() -> None:
    """Chatty: a line for each page."""
    pages = 120
    for page in range(1, pages + 1):
        print(f"GET /page/{page} 200 {page * 37 % 900 + 100} bytes")
        progress(page, pages, f"page {page}")
        if page % 10 == 0:
            await asyncio.sleep(0.25)


@system.job(cron="* * * * *", run_once_key="%Y-%m-%d")
def cleanup() -> str:
    """Empty the cache, once a day however often it is due."""
    files = list((World.folder / "cache").iterdir())
    for file in files:
        file.unlink()
    return f"removed {len(files)} files"


@system.job(every="4s")
def fill_cache() -> None:
    """Leaves files behind for the cleanup."""
    path = World.folder / "cache" / f"{current_run().id}.bin"
    path.write_bytes(b"\0" * 4096)
    print("wrote", path.name)


@system.job(at=START + timedelta(seconds=30))
def announce_opening() -> str:
    """Once, half a minute from the start, and never again."""
    log("the shop is open")
    return "open"


@system.job(every="10s", paused=True)
def move_to_new_host() -> None:
    """Paused until somebody resumes it."""
    print("moving")


@system.function()
def greet(name: str, times: int = 1, *, shout: bool = False) -> str:
    """Say hello; create a job of it with `n`.

    Args:
        name: Whom to greet.
        times: How often.
        shout: In capitals.
    """
    text = f"Hello, {name}!"
    for _ in range(times):
        print(text.upper() if shout else text)
    return text


def _totals(days: int) -> dict[str, float]:
    totals: defaultdict[str, float] = defaultdict(float)
    with (World.folder / "orders.csv").open(newline="", encoding="utf-8") as file:
        for order in csv.DictReader(file):
            if int(order["day"][-2:]) > 31 - days:
                totals[order["country"]] += float(order["amount"])
    return {country: round(total, 2) for country, total in totals.items()}


GROUPS = (reports, shop, site, system)
