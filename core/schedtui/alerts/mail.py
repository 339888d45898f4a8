"""Mail by SMTP."""

from __future__ import annotations

import json
import smtplib
import ssl
from email.message import EmailMessage

from schedtui.alerts.message import subject_of, text_of
from schedtui.models.alert import Email

TIMEOUT_S = 10.0
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
    try:
        with _server(alert) as server:
            if alert.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if alert.user:
                server.login(alert.user, alert.password)
            refused = server.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        code = getattr(error, "smtp_code", "")
        why = f"{type(error).__name__}{f' {code}' if code else ''}"
        raise MailError(f"{alert.host} did not take it ({why})") from error
    if refused:
        raise MailError(f"{alert.host} did not take it for {', '.join(sorted(refused))}")


def _server(alert: Email) -> smtplib.SMTP:
    port = alert.port or _PORTS[alert.tls]
    if alert.tls == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(alert.host, port, timeout=TIMEOUT_S, context=context)
    return smtplib.SMTP(alert.host, port, timeout=TIMEOUT_S)
