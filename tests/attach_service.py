"""A service with an APScheduler, as one may look that knew nothing of schedtui until today."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from pathlib import Path

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.blocking import BlockingScheduler

from schedtui.integrations.apscheduler import attach

logger = logging.getLogger("service")


def ship(order: int = 0) -> str:
    logger.warning("shipping %d", order)
    with Path("shipped.txt").open("a", encoding="utf-8") as file:
        file.write(f"{order}\n")
    return f"shipped {order}"


def count_stock() -> int:
    print("counting")
    return 42


def hangs() -> None:
    time.sleep(600)


def main() -> None:
    scheduler = BlockingScheduler(
        timezone="Europe/Berlin",
        jobstores={"orders": SQLAlchemyJobStore(url="sqlite:///orders.db")},
        job_defaults={"misfire_grace_time": 300},
    )
    if not Path("orders.db").exists():
        scheduler.add_job(ship, "interval", hours=1, id="ship", jobstore="orders")
    scheduler.add_job(count_stock, "cron", day_of_week="mon-fri", hour=7, id="stock")
    if Path("hang").exists():
        scheduler.add_job(hangs, "interval", hours=1, id="hangs", next_run_time=datetime.now())  # noqa: DTZ005 - as people write it
    attach(scheduler)  # the one line
    scheduler.start()


if __name__ == "__main__":
    import attach_service

    attach_service.main()  # so that job stores know its functions by a name that can be imported
