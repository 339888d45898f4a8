"""The jobs of the acceptance tests, copied beside each test as its ``jobs.py``.

What a real case has: a report sender, a CSV export, an HTTP check, a cleanup that runs once a year.
"""

from __future__ import annotations

import csv
import os
import time
from collections import defaultdict
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import httpx

from schedtui import Group, current_run, log, track

FOLDER = Path(__file__).parent

reports = Group("reports", tags=["mail"])
shop = Group("shop")


@reports.function()
def send_report(recipient: str, report_type: Literal["daily", "weekly"] = "daily") -> str:
    """Write a mail into the outbox."""
    mail = EmailMessage()
    mail["To"] = recipient
    mail["Subject"] = f"The {report_type} report"
    mail.set_content("All is well.")
    path = FOLDER / "outbox" / f"{current_run().id}.eml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(mail))
    log("sent", recipient=recipient, kind=report_type)
    return recipient


@shop.job(cron="0 3 * * *")
def export_orders() -> dict[str, float]:
    """Sum the orders by country into another file."""
    totals: defaultdict[str, float] = defaultdict(float)
    with (FOLDER / "orders.csv").open(newline="", encoding="utf-8") as file:
        for order in csv.DictReader(file):
            totals[order["country"]] += float(order["amount"])
    with (FOLDER / "totals.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["country", "total"])
        rows.writerows(sorted(totals.items()))
    print("exported", len(totals), "countries")
    return totals


@shop.job(every="1h")
async def check_site() -> int:
    """Ask the site whether it is well."""
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        answer = await http.get(os.environ["SITE"])
    log("answered", status=answer.status_code)
    answer.raise_for_status()
    return answer.status_code


@shop.job(every="1h", run_once_key="%Y")
def cleanup() -> str:
    """Remove temporary files, once in a period however often it is called."""
    gone = list(FOLDER.glob("*.tmp"))
    for file in gone:
        file.unlink()
    return f"removed {len(gone)}"


@shop.job(every="1s")
def tick() -> None:
    """Every second."""
    print("tick", current_run().id)


@shop.job(every="1h")
def wait_for_file() -> str:
    """Runs until a file is there."""
    print("waiting")
    for _ in track(range(2000)):
        if (FOLDER / "go").exists():
            log("the file is there")
            return "went"
        time.sleep(0.02)
    return "gave up"
