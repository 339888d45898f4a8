"""Who may: bearer tokens with a role, compared in constant time."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from schedtui.errors import ForbiddenError, StoreUnavailableError, UnauthorizedError
from schedtui.models import Role
from schedtui.protocols import OffLoop, Token

CALLER: Final = "schedtui.caller"
"""The key of the request's `Caller` in its scope; there already where a service knows its own."""
KNOWN: Final = "schedtui.known"
"""Set in the scope of a request that comes from somebody who is known, for its connection."""
REFUSED: Final = "schedtui.refused"
"""The same for a request whose token is none, or wrong; its answer may be held up."""
HOW_TO = "create one with 'schedtui token create --name NAME --role ROLE'"
_FRESH_S: Final = 5.0  # how long a token that was taken back may still be good
_STILL_FRESH_S: Final = 4.0  # the same for what is open; it is asked after once a second
_RELOAD_S: Final = 0.5  # how soon an unknown token makes the list be read again
_ROLES: Final = frozenset(Role)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who makes a request."""

    actor: str
    """The name in the audit trail."""
    role: Role
    address: str = ""
    """Where the request came from; empty for this machine's own user."""
    groups: tuple[str, ...] | None = None
    """The groups it may see and act on; None: all."""
    still: Callable[[], Awaitable[bool]] | None = field(default=None, compare=False)
    """Whether it would be let in again, for what stays open; None: it would."""

    def check(self, needed: Role) -> None:
        """Refuse a call that needs a higher role.

        Raises:
            ForbiddenError: with the role that would do.
        """
        if not self.role.covers(needed):
            raise ForbiddenError(
                f"{self.actor} has the role {self.role}; this needs {needed}: "
                "use a token with that role"
            )


def digest(secret: str) -> str:
    """What is kept of a token; it is random enough to need no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class Access:
    """Knows the tokens of a store, and tells who a request is from.

    Args:
        load: Reads all tokens; blocks, and is called on a thread.
        off_loop: Calls it there.
        now_us: Microseconds since 1970, for the expiry of tokens.
        monotonic: Seconds, for the age of what was read.
    """

    def __init__(
        self,
        load: Callable[[], Sequence[Token]],
        *,
        off_loop: OffLoop = asyncio.to_thread,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._off_loop = off_loop
        self._now_us = now_us
        self._monotonic = monotonic
        self._tokens: Sequence[Token] | None = None
        self._loaded_at = 0.0
        self._loading = asyncio.Lock()

    async def caller(self, authorization: str | None) -> Caller:
        """Who sent this ``Authorization`` header.

        Raises:
            UnauthorizedError: nobody that is known here.
            StoreUnavailableError: the tokens cannot be read now.
        """
        secret = _secret_of(authorization)
        given = digest(secret) if secret else ""
        tokens = await self._known(_FRESH_S)
        token = self._match(tokens, given)
        if token is None and secret:
            # It may have been created a moment ago, by another process.
            tokens = await self._known(_RELOAD_S)
            token = self._match(tokens, given)
        if token is not None:
            return Caller(
                actor=f"token:{token.name}",
                role=Role(token.role),
                groups=token.groups,
                still=partial(self._still, given),
            )
        if not tokens:
            raise UnauthorizedError(f"no access token exists yet: {HOW_TO}")
        if not secret:
            raise UnauthorizedError(
                "this engine needs a token: send 'Authorization: Bearer sched_…'; "
                f"if you have none, {HOW_TO}"
            )
        raise UnauthorizedError(
            f"this token is not known here, or has expired; {HOW_TO} if it is lost"
        )

    async def _still(self, given: str) -> bool:
        return self._match(await self._known(_STILL_FRESH_S), given) is not None

    async def _known(self, max_age_s: float) -> Sequence[Token]:
        async with self._loading:
            age = self._monotonic() - self._loaded_at
            if self._tokens is not None and age <= max_age_s:
                return self._tokens
            try:
                self._tokens = await self._off_loop(self._load)
            except StoreUnavailableError:
                # While the store is down, those who were let in are not shut out.
                if self._tokens is None:
                    raise
            self._loaded_at = self._monotonic()
            return self._tokens

    def _match(self, tokens: Sequence[Token], given: str) -> Token | None:
        if not given:
            return None
        found: Token | None = None
        for token in tokens:
            # Every token is compared, whichever it is, so that time tells nothing.
            if hmac.compare_digest(token.sha256, given):
                found = token
        if found is None or found.role not in _ROLES:
            return None
        expired = found.expires_at_us is not None and found.expires_at_us <= self._now_us()
        return None if expired else found


def _secret_of(authorization: str | None) -> str:
    scheme, _, secret = (authorization or "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""
