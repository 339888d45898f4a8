"""A new user before an engine behind nginx: TLS, a path prefix, and a token in each of its ways."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from nginx_place import HOST, Proxied, find_nginx, nginx_before
from terminal_driver import DEADLINE_S
from terminal_place import Place

pytestmark = pytest.mark.skipif(
    find_nginx() is None, reason="no nginx here: apt-get install nginx; .ci/run does it"
)

JOBS = """
import time
from pathlib import Path
from schedtui import Group, log

g = Group("g")

@g.job(every=3600)
def patient():
    log("the first line")
    while not Path("go on").exists():
        time.sleep(0.01)
    log("the last line")
"""
JOB = {"function": "g/patient", "trigger": {"type": "cron", "expression": "0 0 1 1 *"}}


@pytest.fixture
def proxied(empty: Place, tmp_path: Path) -> Iterator[Proxied]:
    (empty.folder / "jobs.py").write_text(JOBS)
    served = empty.serve("--listen", "127.0.0.1:0", "--behind-proxy", HOST, "--grace", "0.5")
    with nginx_before(served.url, tmp_path / "nginx") as proxied:
        empty.env["SSL_CERT_FILE"] = str(proxied.ca)
        yield proxied
        (empty.folder / "go on").touch()


def test_a_token_from_the_environment_or_a_file(empty: Place, proxied: Proxied) -> None:
    token = empty.token("viewer")
    file = empty.home / "token"
    file.write_text(f"{token}\n")

    there = ("--connect", proxied.url)
    assert "g/patient" in empty.run("jobs", *there, SCHEDTUI_TOKEN=token).stdout
    assert "g/patient" in empty.run("jobs", *there, "--token-file", str(file)).stdout

    refused = empty.run("pause", "g/patient", *there, code=4, SCHEDTUI_TOKEN=token)
    assert "needs operator" in refused.stderr
    unknown = empty.run("jobs", *there, code=4, SCHEDTUI_TOKEN="sched_wrong")
    assert "not known here" in unknown.stderr


def test_a_token_is_asked_for_and_kept(empty: Place, proxied: Proxied) -> None:
    token = empty.token("operator")

    nobody = empty.run("jobs", "--connect", proxied.url, code=4)
    assert "asks for an access token" in nobody.stderr
    terminal = empty.console("jobs", "--connect", proxied.url)
    terminal.wait("Access token for https://localhost")
    terminal.send(*token, "enter")
    terminal.wait("g/patient")
    assert terminal.leave() == 0
    assert token not in terminal.text()

    (kept,) = empty.home.rglob("tokens.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "g/patient" in empty.run("jobs", "--connect", proxied.url).stdout


def test_a_certificate_of_nobody_known_is_refused(empty: Place, proxied: Proxied) -> None:
    token = empty.token("viewer")
    del empty.env["SSL_CERT_FILE"]
    done = empty.run("jobs", "--connect", proxied.url, code=5, SCHEDTUI_TOKEN=token)
    assert "its certificate is not trusted here" in done.stderr
    assert "SSL_CERT_FILE" in done.stderr


def test_a_log_comes_while_it_is_written(empty: Place, proxied: Proxied) -> None:
    empty.env["SCHEDTUI_TOKEN"] = empty.token("operator")
    run = empty.json("trigger", "g/patient", "--connect", proxied.url)
    following = empty.start("logs", str(run["id"]), "--follow", "--connect", proxied.url)
    assert following.stdout is not None
    assert "the first line" in following.stdout.readline()

    (empty.folder / "go on").touch()

    assert "the last line" in following.stdout.readline()
    assert following.wait(DEADLINE_S) == 0


def test_the_console_sees_what_happens(empty: Place, proxied: Proxied) -> None:
    token = empty.token("operator")
    terminal = empty.console("--connect", proxied.url, SCHEDTUI_TOKEN=token)
    terminal.wait("patient")
    empty.run("pause", "g/patient", "--reason", "a break")
    terminal.wait("paused")
    terminal.send("q")
    assert terminal.leave() == 0


def test_the_audit_trail_names_the_address_and_not_what_a_client_says(
    empty: Place, proxied: Proxied
) -> None:
    headers = {"Authorization": f"Bearer {empty.token('admin')}", "X-Forwarded-For": "6.6.6.6"}
    # Another address of this machine than that from which nginx asks.
    context = ssl.create_default_context(cafile=proxied.ca)
    transport = httpx.HTTPTransport(verify=context, local_address="127.0.0.2")
    with httpx.Client(transport=transport, headers=headers) as client:
        made = client.post(f"{proxied.url}/api/v1/jobs", json={**JOB, "name": "new"})
        trail = client.get(f"{proxied.url}/api/v1/audit", params={"limit": 1}).json()["items"]

    assert (made.status_code, made.headers["Location"]) == (201, f"{proxied.url}/api/v1/jobs/g/new")
    assert [trail[0][field] for field in ("actor", "action", "address")] == [
        "token:admin",
        "job.create",
        "127.0.0.2",
    ]


def test_without_the_option_the_public_name_is_refused(empty: Place, tmp_path: Path) -> None:
    (empty.folder / "jobs.py").write_text(JOBS)
    served = empty.serve("--listen", "127.0.0.1:0")
    token = empty.token("viewer")
    with nginx_before(served.url, tmp_path / "nginx") as proxied:
        empty.env["SSL_CERT_FILE"] = str(proxied.ca)
        done = empty.run("jobs", "--connect", proxied.url, code=4, SCHEDTUI_TOKEN=token)
    assert "--behind-proxy" in done.stderr
