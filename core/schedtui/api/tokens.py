"""Making access tokens, and taking them back."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from datetime import timedelta

from schedtui.api.access import digest
from schedtui.errors import InvalidError, TokenNotFoundError
from schedtui.models import Role
from schedtui.models.names import check_name
from schedtui.protocols import Store, Token

PREFIX = "sched_"
"""So that a secret scanner, and a person, knows one on sight."""
MAX_LIFE = timedelta(days=3_660)


def create_token(
    store: Store,
    name: str,
    role: str,
    *,
    expires_in: timedelta | None = None,
    groups: Iterable[str] = (),
    actor: str = "local",
) -> str:
    """Make a token and keep its hash.

    Args:
        store: An open store; its transactions must be ours to use, as in a command.
        name: How the audit trail names whoever uses it.
        role: ``viewer``, ``operator`` or ``admin``.
        expires_in: How long it is good for; None: until it is taken back.
        groups: The groups it is for; none: all of them. One that does not exist yet may be named.
        actor: Who makes it, for the audit trail.

    Returns:
        The token itself, which nothing can show again.

    Raises:
        InvalidError: a name, a role or a life that cannot be.
        ConflictError: a token of this name exists.
    """
    check_name("name", name)
    if role not in set(Role):
        raise InvalidError.one("role", role, f"one of {', '.join(Role)}")
    if expires_in is not None and not timedelta(0) < expires_in <= MAX_LIFE:
        raise InvalidError.one("expires_in", str(expires_in), "more than 0 and at most ten years")
    scope = tuple(sorted({check_name("group", group) for group in groups}))
    secret = PREFIX + secrets.token_urlsafe(32)
    now_us = time.time_ns() // 1000
    expires_at_us = None if expires_in is None else now_us + expires_in // timedelta(microseconds=1)
    token = Token(
        id=0,
        name=name,
        role=role,
        sha256=digest(secret),
        created_at_us=now_us,
        expires_at_us=expires_at_us,
        groups=scope or None,
    )
    detail: dict[str, object] = {"role": role}
    detail |= {} if expires_in is None else {"expires_at_us": expires_at_us}
    detail |= {"groups": scope} if scope else {}
    with store.transaction() as tx:
        tx.insert_token(token)
        tx.audit(now_us, actor, "token.create", name, json.dumps(detail))
    return secret


def revoke_token(store: Store, name: str, *, actor: str = "local") -> None:
    """Take a token back: within five seconds no running engine lets its holder in any more.

    What it reads as a stream, of events or of a log, ends within that time too.

    Raises:
        TokenNotFoundError: there is none of this name.
    """
    others = ", ".join(token.name for token in store.tokens())
    with store.transaction() as tx:
        if not tx.delete_token(name):
            raise TokenNotFoundError(name, f"there are {others}" if others else "there is none")
        tx.audit(time.time_ns() // 1000, actor, "token.revoke", name, "{}")
