"""Services and scripts without an event loop: Flask, below gunicorn, and nothing at all."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_place import SERVICES, check_once_each, get, service_in
from terminal_driver import DEADLINE_S

GUNICORN = ("-m", "gunicorn", "-c", "stall_conf.py", "-b", "127.0.0.1:0", "stall:app")


@pytest.mark.timeout(90)
def test_forked_workers_of_a_flask_service(tmp_path: Path) -> None:
    shutil.copy(SERVICES / "stall_conf.py", tmp_path)
    with service_in(tmp_path, "stall") as place:
        served = place.start(*GUNICORN, "--preload", "--workers", "2")
        url = place.url(r"Listening at: (http://[\d.:]+)")
        pages: dict[bool, int] = {}

        def both() -> bool:
            page = get(url)
            if page is not None:
                pages[page["stands_by"]] = page["pid"]
            return len(pages) == 2

        place.wait(both)
        asked: dict[int, Any] = {}

        def at_each() -> bool:
            answer = httpx.post(f"{url}/melons/{len(asked)}", timeout=30, trust_env=False)
            if answer.is_success:
                asked[answer.json()["pid"]] = answer.json()
            return set(asked) == set(pages.values())

        place.wait(at_each)
        jobs = {name for (name,) in place.rows("SELECT name FROM jobs")}
        assert {"sweep", "melon-0", "melon-1"} <= jobs

        os.kill(pages[False], signal.SIGKILL)
        place.wait(lambda: any(line.pid != pages[False] for line in place.ledger()))
        served.send_signal(signal.SIGTERM)
        assert served.wait(DEADLINE_S) == 0
        check_once_each(place)
        # Stopped in order, as the interpreter ended.
        assert place.rows("SELECT stopped_at IS NOT NULL FROM boots ORDER BY id DESC LIMIT 1") == [
            (1,)
        ]
        assert "schedtui" not in place.log().partition("Traceback")[2]


@pytest.mark.timeout(60)
def test_flasks_own_server(tmp_path: Path) -> None:
    with service_in(tmp_path, "stall") as place:
        place.start("stall.py")
        url = place.url(r"Running on (http://127[\d.:]+)")
        assert get(url)["stands_by"] is False
        assert httpx.post(f"{url}/melons/3", timeout=30, trust_env=False).json()["job"] == "melon-3"
        place.wait(place.ledger)


@pytest.mark.timeout(60)
def test_a_script_that_just_ends_gives_its_run_the_grace(tmp_path: Path) -> None:
    with service_in(tmp_path, "chores") as place:
        script = place.start("chores.py")
        assert script.wait(DEADLINE_S) == 0
        assert "started 1" in place.log()
        assert place.rows("SELECT state, result FROM runs") == [("succeeded", '"watered"')]
        assert place.rows("SELECT stopped_at IS NOT NULL FROM boots") == [(1,)]


@pytest.mark.timeout(90)
def test_a_django_project_that_reloads_itself(tmp_path: Path) -> None:
    shutil.copy(SERVICES / "kiosk_wsgi.py", tmp_path)
    with service_in(tmp_path, "kiosk") as place:
        place.start("kiosk.py", "check")
        place.wait(lambda: "no issues" in place.log())
        assert place.ledger() == []  # a command of Django's runs no jobs

        served = place.start("-u", "kiosk.py", "runserver", "127.0.0.1:0")
        url = place.url(r"server at (http://[\d.:]+)")
        place.wait(place.ledger)
        first = get(url)
        assert (first["stands_by"], place.ledger()[-1].pid) == (False, first["pid"])
        assert get(f"{url}/papers/3") == {"pid": first["pid"], "job": "papers-3"}

        source = tmp_path / "kiosk.py"
        source.write_text(source.read_text() + "\n# an edit\n", encoding="utf-8")
        place.wait(lambda: place.ledger()[-1].pid != first["pid"])
        os.killpg(served.pid, signal.SIGINT)  # as Ctrl+C does
        assert served.wait(DEADLINE_S) == 0
        check_once_each(place)
        # Both engines stopped in order, the first one for the second.
        assert place.rows("SELECT stopped_at IS NOT NULL FROM boots") == [(1,), (1,)]
