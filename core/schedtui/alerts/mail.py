"""Mail by SMTP."""

from __future__ import annotations

import contextlib
import json
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Collection
from email.message import EmailMessage

from schedtui.alerts.message import subject_of, text_of
from schedtui.models.alert import Email

TIMEOUT_S = 10.0
"""For connecting, and for each pause of the server."""
TOTAL_S = 30.0
"""For all of it from when the addresses of the server are known, however it answers."""
AGAIN_S = 0.5
"""Between two looks whether a connection that took too long can be cut."""
_PORTS = {"tls": 465, "starttls": 587, "": 25}


class MailError(Exception):
    """The server did not take a message."""


def mail(alert: Email, message_id: str, body: str) -> None:
    """Send a message.

    Raises:
        MailError: it was not taken, by some of the addresses at least.
    """
    said = json.loads(body)
    message = EmailMessage()
    message["From"] = alert.sender
    message["To"] = ", ".join(alert.to)
    message["Subject"] = f"[schedtui] {subject_of(said)}"
    message["Message-ID"] = f"<{message_id}@{alert.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers it
    message.set_content(text_of(said))
    with _Cut(TOTAL_S) as cut:
        try:
            refused = _sent(alert, message, cut)
        except (smtplib.SMTPException, OSError) as error:
            if cut.was:
                why = f"within {cut.total_s:g} s"
            else:
                code = getattr(error, "smtp_code", "")
                why = f"({type(error).__name__}{f' {code}' if code else ''})"
            raise MailError(f"{alert.host} did not take it {why}") from error
    if refused:
        raise MailError(f"{alert.host} did not take it for {', '.join(sorted(refused))}")


def _sent(alert: Email, message: EmailMessage, cut: _Cut) -> Collection[str]:
    """Send a message. Returns the addresses that were refused."""
    server = (_Tls if alert.tls == "tls" else _Plain)(alert, cut)
    try:
        if alert.tls == "starttls":
            server.starttls(context=ssl.create_default_context())
        if alert.user:
            server.login(alert.user, alert.password)
        refused = server.send_message(message)
        # It has been taken: however the server says goodbye, it is not to be sent again.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()
    return refused


class _Cut:
    """Ends a connection that takes too long in all; smtplib bounds each pause of the server alone.

    Args:
        total_s: How long it may take.
    """

    def __init__(self, total_s: float) -> None:
        self.total_s = total_s
        self._until = time.monotonic() + total_s
        self.server: smtplib.SMTP | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="schedtui-mail", daemon=True)

    def __enter__(self) -> _Cut:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def left_s(self) -> float:
        """How much longer it may take."""
        return self._until - time.monotonic()

    @property
    def was(self) -> bool:
        """Whether it took too long."""
        return self.left_s <= 0

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to the first address of a host that answers in time.

        Raises:
            OSError: none did.
        """
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self._until = time.monotonic() + self.total_s
        failed = OSError(f"{host} has no address")
        for family, kind, protocol, _, address in addresses:
            if self.was:
                break
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(self._pause_s)
                connection.connect(address)
                # For a handshake of TLS, which cannot be cut.
                connection.settimeout(self._pause_s)
            except OSError as error:
                connection.close()
                failed = error
            else:
                return connection
        raise failed

    @property
    def _pause_s(self) -> float:
        """How long the next pause may be; a socket takes no 0 for it."""
        return max(min(TIMEOUT_S, self.left_s), 0.001)

    def _watch(self) -> None:
        while not self._over.wait(AGAIN_S if self.was else self.left_s):
            if not self.was:  # it began when the addresses were known
                continue
            # During a handshake of TLS, which has an end of its own, there is nothing to cut.
            connection = None if self.server is None else self.server.sock
            if connection is not None:
                with contextlib.suppress(OSError):
                    # Not that of TLS, which would take its state from who is reading.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Plain(smtplib.SMTP):
    """A connection that can be cut from its first byte on."""

    def __init__(self, alert: Email, cut: _Cut) -> None:
        self._cut = cut
        cut.server = self
        super().__init__(alert.host, alert.port or _PORTS[alert.tls], timeout=TIMEOUT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del timeout
        return self._cut.connect(host, port)


class _Tls(smtplib.SMTP_SSL, _Plain):
    """The same in TLS."""

    def __init__(self, alert: Email, cut: _Cut) -> None:
        self._cut = cut
        cut.server = self
        port = alert.port or _PORTS[alert.tls]
        context = ssl.create_default_context()
        super().__init__(alert.host, port, timeout=TIMEOUT_S, context=context)
