"""Idempotency keys on the wire: the one place for both of its ends.

The header follows draft-ietf-httpapi-idempotency-key-header: a string of structured fields, which
is in double quotes. Many programs send it bare, so that is read as well.
"""

from __future__ import annotations

import re
import secrets

from schedtui.errors import InvalidError
from schedtui.models.names import check_idempotency_key

KEY_HEADER = "Idempotency-Key"
REPLAY_HEADER = "Idempotent-Replay"
"""``true`` in the answer to a call that an earlier one with its key has made."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


def new_key() -> str:
    """A key that no other call has."""
    return secrets.token_hex(16)


def header_of(key: str) -> str:
    """A key as it is sent.

    Raises:
        InvalidError: it cannot be one.
    """
    escaped = re.sub(r'(["\\])', r"\\\1", check_idempotency_key(key))
    return f'"{escaped}"'


def key_of(header: str) -> str:
    """The key that was sent.

    Raises:
        InvalidError: it cannot be one.
    """
    text = header.strip()
    if text.startswith('"'):
        found = _QUOTED.fullmatch(text)
        if found is None:
            raise InvalidError.one(KEY_HEADER, header, 'a key in double quotes: "order-17"')
        text = re.sub(r'\\(["\\])', r"\1", found[1])
    return check_idempotency_key(text, KEY_HEADER)
