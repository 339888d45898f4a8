"""Delivering one message. Blocks; raises whatever went wrong."""

from __future__ import annotations

from schedtui.models.alert import Alert, Email, Webhook


def send(alert: Alert, message_id: str, body: str, now_s: int) -> None:
    """Deliver a message.

    Args:
        alert: Where to.
        message_id: The same each time it is tried.
        body: JSON, of `schedtui.alerts.body_of`.
        now_s: Seconds since 1970, for the signature.

    Raises:
        Exception: it may not have arrived; its text says why, without secrets.
    """
    if isinstance(alert, Webhook):
        from schedtui.alerts.webhook import post  # loads httpx, which few need

        post(alert, message_id, body, now_s)
    elif isinstance(alert, Email):
        from schedtui.alerts.mail import mail  # loads smtplib and email

        mail(alert, message_id, body)
