"""Folders with jobs in them."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import shop_jobs
from terminal_driver import environment
from terminal_place import Place

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each of these tests twice the time: it starts several programs, beside other tests."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(120))


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base
        pass


@pytest.fixture
def site() -> Iterator[str]:
    """A web site that is well."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@contextlib.contextmanager
def _empty() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="s-") as name:
        folder = Path(name).resolve()
        work = folder / "work"
        work.mkdir()
        (folder / "tmp").mkdir()
        place = Place(folder=work, env=environment(folder, TMPDIR=str(folder / "tmp")))
        try:
            yield place
        finally:
            place.close()


@pytest.fixture
def empty() -> Iterator[Place]:
    """An empty folder; its path is short, as that of a Unix socket has to be."""
    with _empty() as place:
        yield place


@pytest.fixture
def place(empty: Place, site: str) -> Place:
    """A folder with a shop's ``jobs.py`` and the data it reads."""
    _fill(empty)
    empty.env["SITE"] = site
    return empty


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    """A shop that is served, for tests that change nothing."""
    with _empty() as place:
        _fill(place)
        place.serve("--no-listen")
        yield place


def _fill(place: Place) -> None:
    shutil.copy(shop_jobs.__file__, place.folder / "jobs.py")
    (place.folder / "orders.csv").write_text(
        "order,country,amount\n1,DE,10.50\n2,FR,5\n3,DE,1.25\n", encoding="utf-8"
    )
