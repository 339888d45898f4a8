"""A FastAPI service with two uvicorn workers: one fires, and another one takes over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_place import ServicePlace, check_once_each, get, service_in
from terminal_driver import DEADLINE_S

TAKES_OVER_S = 2.0
"""What is promised; printed, and asserted with the patience that a busy machine needs."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ServicePlace]:
    with service_in(tmp_path, "shop") as place:
        yield place


def workers(place: ServicePlace, url: str, *, both: bool = True) -> dict[bool, dict[str, Any]]:
    """What the worker that stands by says of itself, and what the one that fires says."""
    found: dict[bool, dict[str, Any]] = {}

    def look() -> bool:
        page = get(f"{url}/orders")
        if page is not None:
            found[page["stands_by"]] = page
        return len(found) == 2 if both else False in found

    place.wait(look)
    return found


def at_each(place: ServicePlace, ask: Any) -> dict[int, Any]:
    """What ``ask`` gets from each of the two workers, by its process."""
    answers: dict[int, Any] = {}

    def look() -> bool:
        answer = ask(len(answers))
        answers[answer["pid"]] = answer
        return len(answers) == 2

    place.wait(look)
    return answers


@pytest.mark.timeout(120)
def test_one_of_two_workers_fires_and_the_other_takes_over_when_it_is_killed(
    place: ServicePlace,
) -> None:
    served = place.start("-m", "uvicorn", "shop:app", "--workers", "2", "--port", "0")
    url = place.url()
    first = workers(place, url)
    fires, waits = first[False]["pid"], first[True]["pid"]
    assert first[True]["orders"] == ["o-1"]  # the service's own state

    # A write at any worker reaches the one that fires, in the name of who asked.
    def remind(number: int) -> Any:
        return httpx.post(f"{url}/orders/{number}/remind", timeout=30, trust_env=False).json()

    def invoice(number: int) -> Any:
        return httpx.post(f"{url}/orders/{number}/invoice", timeout=30, trust_env=False).json()

    assert set(at_each(place, remind)) == {fires, waits}
    runs = {answer["run"] for answer in at_each(place, invoice).values()}
    assert len(runs) == 2
    place.wait(lambda: {"remind-0", "remind-1"} <= {line.what for line in place.ledger()})
    audit = get(f"{url}/jobs/api/v1/audit", **{"x-user": "bob"})
    assert {"shop:0", "shop:1"} <= {event["actor"] for event in audit["items"]}
    assert {line.pid for line in place.ledger()} == {fires}

    killed_at = time.time()
    os.kill(fires, signal.SIGKILL)
    place.wait(lambda: any(line.pid != fires for line in place.ledger()))
    after = next(line for line in place.ledger() if line.pid != fires)
    print(f"fired again {after.at - killed_at:.2f} s after the kill (promised {TAKES_OVER_S:g})")
    assert after.at - killed_at < 5 * TAKES_OVER_S
    assert get(f"{url}/jobs/health") is not None

    again = workers(place, url)  # uvicorn has made another one, which stands by
    assert again[False]["pid"] == after.pid
    assert again[True]["pid"] not in {fires, after.pid}
    served.send_signal(signal.SIGTERM)
    assert served.wait(DEADLINE_S) == 0
    check_once_each(place)
    assert "Traceback" not in place.log()


@pytest.mark.timeout(60)
def test_streams_end_in_order_at_sigterm_and_a_running_job_has_its_grace(
    place: ServicePlace,
) -> None:
    served = place.start("-m", "uvicorn", "shop:app", "--workers", "2", "--port", "0")
    url = place.url()
    workers(place, url)
    ask = {"seconds": 60}
    run = httpx.post(f"{url}/orders/9/invoice", params=ask, timeout=30, trust_env=False).json()[
        "run"
    ]
    with ExitStack() as stack:
        headers = {"x-user": "bob"}
        paths = ["events", f"runs/{run}/logs?follow=true"] * 4  # so that both workers have some
        streams: list[Iterator[str]] = []
        for path in paths:
            client = httpx.Client(headers=headers, timeout=30, trust_env=False)
            stack.enter_context(client)
            stream = stack.enter_context(client.stream("GET", f"{url}/jobs/api/v1/{path}"))
            streams.append(stream.iter_text())
        for one in streams:
            next(one)
        place.wait(lambda: "sweep" in {line.what for line in place.ledger()})
        asked_at = time.monotonic()
        served.send_signal(signal.SIGTERM)
        # None raises: the last chunk of each says that it is the last one.
        said = ["".join(one) for one in streams]
        print(f"streams ended {time.monotonic() - asked_at:.2f} s after the signal (promised 1)")
        assert served.poll() is None, "the job that runs was not given its grace"
        assert not [text for text in said if "written" in text or "event: error" in text]
    (place.folder / "paid").touch()
    assert served.wait(DEADLINE_S) == 0
    assert place.rows(f"SELECT state, result FROM runs WHERE id = {run}") == [
        ("succeeded", '"written"')
    ]
    assert not place.rows("SELECT id FROM runs WHERE state IN ('queued', 'running', 'lost')")
    check_once_each(place)
    assert "Traceback" not in place.log()


@pytest.mark.timeout(60)
def test_a_reload_neither_fires_twice_nor_loses_a_due_time(place: ServicePlace) -> None:
    served = place.start("-m", "uvicorn", "shop:app", "--reload", "--port", "0")
    url = place.url()
    before = workers(place, url, both=False)[False]["pid"]
    place.wait(place.ledger)
    code = place.folder / "shop.py"

    def reloaded() -> bool:
        page = get(f"{url}/orders")
        return page is not None and page["orders"] == ["o-2"]

    events, headers = f"{url}/jobs/api/v1/events", {"x-user": "bob"}
    # An open stream does not hold the old process up.
    with httpx.stream("GET", events, headers=headers, timeout=30, trust_env=False) as stream:
        code.write_text(code.read_text().replace('["o-1"]', '["o-2"]'))
        for _ in stream.iter_text():
            pass
    place.wait(reloaded)
    place.wait(lambda: place.ledger()[-1].pid != before)
    assert not get(f"{url}/orders")["stands_by"]
    served.send_signal(signal.SIGTERM)
    assert served.wait(DEADLINE_S) == 0
    check_once_each(place)
