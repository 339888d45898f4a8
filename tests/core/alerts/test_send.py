"""One message to a real server: what arrives, how it is signed, and how a failure is told."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import logging
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Literal

import httpx
import pytest
import trustme
from alert_servers import Hook, Mail

from schedtui import Email, Webhook
from schedtui.alerts import body_of, send, subject_of, text_of
from schedtui.alerts.mail import MailError
from schedtui.alerts.webhook import WebhookError
from schedtui.models.alert import AlertOn

BODY = body_of(
    AlertOn.FAILURE,
    "Reports/daily",
    "2026-03-02T12:00:00Z",
    {"id": 17, "state": "failed", "error": "no é\nBcc: evil@example.com", "reason": None},
)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """One that this machine trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


def test_a_webhook_gets_the_document_signed(hook: Hook) -> None:
    send(Webhook(url=hook.url, secret="s3cret"), "abc.7", BODY, 1_772_452_800)

    ((headers, body),) = hook.got
    assert json.loads(body)["run"] == {
        "id": 17,
        "state": "failed",
        "error": "no é\nBcc: evil@example.com",
    }
    assert headers["content-type"] == "application/json"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("abc.7", "1772452800")
    signed = b"abc.7.1772452800." + body
    digest = hmac.new(b"s3cret", signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_a_secret_may_be_handed_out_by_others(hook: Hook) -> None:
    key = b"0123456789abcdef"
    secret = f"whsec_{base64.b64encode(key).decode()}"
    send(Webhook(url=hook.url, secret=secret), "a.1", BODY, 5)
    ((headers, body),) = hook.got
    digest = hmac.new(key, b"a.1.5." + body, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_without_a_secret_nothing_is_signed(hook: Hook) -> None:
    send(Webhook(url=hook.url), "a.1", BODY, 5)
    assert "webhook-signature" not in hook.got[0][0]


@pytest.mark.parametrize("status", [301, 404, 410, 429, 500])
def test_any_other_answer_than_success_is_a_failure(hook: Hook, status: int) -> None:
    hook.status = status
    with pytest.raises(Exception, match=f"it answered {status}") as caught:
        send(Webhook(url=hook.url), "a.1", BODY, 5)
    assert "hidden" not in str(caught.value)
    assert len(hook.got) == 1


def test_a_server_that_is_not_there_is_a_failure_that_tells_no_secret() -> None:
    with pytest.raises(Exception, match="could not be reached") as caught:
        send(Webhook(url="http://127.0.0.1:1/hidden"), "a.1", BODY, 5)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 307, 500])
def test_no_log_tells_the_secrets_of_a_url(
    hook: Hook, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    hook.status = status
    url = f"{hook.url}/services/T00/pa55w0rd?key=pa55w0rd".replace("://", "://user:pa55w0rd@")
    with contextlib.suppress(WebhookError):
        send(Webhook(url=url), "a.1", BODY, 5)
    assert len(hook.got) == 1
    assert "pa55w0rd" not in caplog.text
    assert "services" not in caplog.text
    httpx.get(hook.url)
    assert hook.url in caplog.text, "other users of httpx keep their lines"


def test_an_answer_that_never_ends_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedtui.alerts.webhook.TOTAL_S", 0.2)
    over = threading.Event()

    def trickle(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.02):
                connection.sendall(b"x: y\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=trickle, args=(listening,))
        thread.start()
        try:
            with pytest.raises(WebhookError, match=r"within 0\.2 s"):
                send(Webhook(url=f"http://127.0.0.1:{listening.getsockname()[1]}"), "a", BODY, 5)
        finally:
            over.set()
            thread.join()


def test_a_mail_goes_to_all_its_addresses(mail: Mail) -> None:
    alert = Email(to=("ann@example.com", "ops@example.com"), host="127.0.0.1", port=mail.port)
    send(alert, "abc.7", BODY, 5)

    ((to, message),) = mail.got
    assert to == ["ann@example.com", "ops@example.com"]
    assert message["Subject"] == "[schedtui] Reports/daily failed (run 17)"
    assert message["Message-ID"] == "<abc.7@localhost>"
    assert message["Bcc"] is None
    text = message.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert "error: no é" in text.decode()


def test_an_address_that_is_refused_is_a_failure(mail: Mail) -> None:
    mail.refuse = "gone@example.com"
    alert = Email(to=("ann@example.com", "gone@example.com"), host="127.0.0.1", port=mail.port)
    with pytest.raises(Exception, match=r"for gone@example\.com"):
        send(alert, "a.1", BODY, 5)


def test_a_mail_server_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(Exception, match=r"127\.0\.0\.1 did not take it"):
        send(Email(to=("ann@example.com",), host="127.0.0.1", port=1), "a.1", BODY, 5)


@pytest.mark.parametrize("tls", ["", "tls"])
@pytest.mark.parametrize("at", ["greeting", "EHLO", "RCPT"])
def test_a_mail_server_that_never_comes_to_an_end_is_a_failure(
    mail: Mail,
    at: str,
    tls: Literal["", "tls"],
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("schedtui.alerts.mail.TOTAL_S", 0.2)
    mail.drips_at = at
    if tls:
        mail.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(mail.tls)
    alert = Email(to=("ann@example.com",), host="127.0.0.1", port=mail.port, tls=tls)

    with pytest.raises(MailError, match=r"did not take it within 0\.2 s"):
        send(alert, "a.1", BODY, 5)

    assert mail.got == []


def test_a_mail_server_with_many_addresses_that_do_not_answer_is_a_failure_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("schedtui.alerts.mail.TIMEOUT_S", 0.4)
    monkeypatch.setattr("schedtui.alerts.mail.TOTAL_S", 0.5)
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = silent.getsockname()[1]
        for _ in range(3):  # fill its queue, so that it answers nobody
            waits = stack.enter_context(socket.socket())
            waits.setblocking(False)
            waits.connect_ex(("127.0.0.1", port))
        addresses = socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses * 40)
        began = time.monotonic()
        with pytest.raises(MailError, match=r"did not take it within 0\.5 s"):
            send(Email(to=("ann@example.com",), host="mail.test", port=port), "a.1", BODY, 5)
    assert time.monotonic() - began < 8, "each of the forty had its own time"


def test_a_mail_that_was_taken_is_not_sent_again_for_a_long_goodbye(
    mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedtui.alerts.mail.TOTAL_S", 1.5)
    mail.drips_at = "QUIT"
    send(Email(to=("ann@example.com",), host="127.0.0.1", port=mail.port), "a.1", BODY, 5)
    assert len(mail.got) == 1


def test_a_name_cannot_break_out_of_the_subject() -> None:
    message = {"type": "late", "job": "g/a\r\nBcc: x", "at": "now", "run": {}}
    assert subject_of(message) == "g/a  Bcc: x is late"
    assert text_of(message).splitlines()[0] == "g/a  Bcc: x is late"


def test_what_is_long_is_cut() -> None:
    body = body_of(AlertOn.FAILURE, "g/a", "now", {"error": "x" * 10_000})
    assert len(body) < 5_000
