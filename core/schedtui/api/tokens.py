"""Making access tokens."""

from __future__ import annotations

import secrets
import time

from schedtui.api.access import digest
from schedtui.errors import InvalidError
from schedtui.models import Role
from schedtui.models.names import check_name
from schedtui.protocols import Store, Token

PREFIX = "sched_"
"""So that a secret scanner, and a person, knows one on sight."""


def create_token(store: Store, name: str, role: str, *, actor: str = "local") -> str:
    """Make a token and keep its hash.

    Args:
        store: An open store; its transactions must be ours to use, as in a command.
        name: How the audit trail names whoever uses it.
        role: ``viewer``, ``operator`` or ``admin``.
        actor: Who makes it, for the audit trail.

    Returns:
        The token itself, which nothing can show again.

    Raises:
        InvalidError: a name or a role that cannot be.
        ConflictError: a token of this name exists.
    """
    check_name("name", name)
    if role not in set(Role):
        raise InvalidError.one("role", role, f"one of {', '.join(Role)}")
    secret = PREFIX + secrets.token_urlsafe(32)
    now_us = time.time_ns() // 1000
    token = Token(
        id=0,
        name=name,
        role=role,
        sha256=digest(secret),
        created_at_us=now_us,
        expires_at_us=None,
    )
    with store.transaction() as tx:
        tx.insert_token(token)
        tx.audit(now_us, actor, "token.create", name, f'{{"role":"{role}"}}')
    return secret
