"""Webhooks, signed as https://www.standardwebhooks.com says."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
from binascii import Error
from contextvars import ContextVar

import httpx

from schedtui.models.alert import Webhook

TIMEOUT_S = 10.0
"""For connecting, and for each pause of the other side."""
TOTAL_S = 30.0
"""For all of it, however the other side answers."""
_PREFIX = "whsec_"
_posting: ContextVar[bool] = ContextVar("schedtui webhook", default=False)


class _Untold(logging.Filter):
    """Drops what httpx logs of a delivery: its URL is a secret with many receivers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to let the record pass."""
        del record
        return not _posting.get()


logging.getLogger("httpx").addFilter(_Untold())


class WebhookError(Exception):
    """The other side did not take a message."""


def post(alert: Webhook, message_id: str, body: str, now_s: int) -> None:
    """Send a message.

    Raises:
        WebhookError: it was not taken; what follows the host of the URL is not told.
    """
    content = body.encode()
    headers = {
        "content-type": "application/json",
        "user-agent": "schedtui",
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
    }
    if alert.secret:
        headers["webhook-signature"] = signature(alert.secret, message_id, now_s, content)
    told = _posting.set(True)
    try:
        # On a loop of its own, which can end what goes on; httpx's blocking client cannot.
        status = asyncio.run(_status(alert.url, content, headers))
    except TimeoutError:
        raise WebhookError(f"it did not answer within {TOTAL_S:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise WebhookError(f"it could not be reached ({type(error).__name__})") from error
    finally:
        _posting.reset(told)
    if not 200 <= status < 300:
        raise WebhookError(f"it answered {status}; 200 to 299 was expected")


async def _status(url: str, content: bytes, headers: dict[str, str]) -> int:
    # Streamed, so that nobody has to read an answer without end.
    async with (
        asyncio.timeout(TOTAL_S),
        httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=True) as client,
        client.stream("POST", url, content=content, headers=headers) as answer,
    ):
        return answer.status_code


def signature(secret: str, message_id: str, now_s: int, content: bytes) -> str:
    """``v1,`` and the HMAC-SHA256 of id, timestamp and content, in base64.

    A secret that begins with ``whsec_`` is base64, as others hand it out; any other is its UTF-8.
    """
    key = secret.encode()
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except Error:
            key = secret.encode()
    signed = b".".join((message_id.encode(), str(now_s).encode(), content))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
