"""The world the demo's jobs act on: a folder with orders in it, and a web site on loopback."""

from __future__ import annotations

import csv
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

ORDERS = 600
COUNTRIES = ("DE", "FR", "NL", "NO", "PL", "ES")
EVERY_NTH_FAILS = 6


class World:
    """Where things are, once `open_world` has made them."""

    folder: Path = Path()
    """Holds ``orders.csv``, the exports, the outbox."""
    site: str = ""
    """The web site's address."""


@contextmanager
def open_world(folder: Path) -> Iterator[None]:
    """Fill ``folder`` and run the web site, for as long as the block lasts."""
    write_orders(folder / "orders.csv")
    for name in ("outbox", "exports", "cache"):
        (folder / name).mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="demo-site", daemon=True)
    thread.start()
    World.folder = folder
    World.site = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def write_orders(path: Path) -> None:
    """Orders of a month; the same ones at every start."""
    chance = random.Random(20)  # noqa: S311 - figures for show
    first = date(2026, 1, 1)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["order", "day", "country", "amount"])
        for number in range(1, ORDERS + 1):
            day = first + timedelta(days=chance.randrange(31))
            amount = round(chance.lognormvariate(3.5, 0.8), 2)
            rows.writerow([number, day.isoformat(), chance.choice(COUNTRIES), f"{amount:.2f}"])


class _Site(BaseHTTPRequestHandler):
    """A shop's front page that is unwell now and then."""

    asked = count(1)

    def do_GET(self) -> None:
        fine = next(self.asked) % EVERY_NTH_FAILS != 0
        status = HTTPStatus.OK if fine else HTTPStatus.SERVICE_UNAVAILABLE
        body = b"Welcome" if fine else b"Back in a minute"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base
        """Say nothing: there is a screen."""
