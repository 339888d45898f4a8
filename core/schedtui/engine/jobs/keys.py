"""Calls that were made before: known by their key, they get the run they made and start nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from schedtui.engine.core import Core
from schedtui.errors import ConflictError, FieldError
from schedtui.models.names import check_idempotency_key
from schedtui.protocols import CallKey, StoreTx
from schedtui.registry import json_arguments

LIVES_S: Final = 86_400
"""For so long a call is known by its key."""


class Made(NamedTuple):
    """What a call has come to."""

    run_id: int
    """Of the run; of the job, for a call that creates one."""
    replayed: bool = False
    """Whether an earlier call with the same key made the run."""


class Asked(NamedTuple):
    """A call with a key."""

    scope: str
    key: str
    arguments: str

    def keep(self, tx: StoreTx, run_id: int, now_us: int) -> int | None:
        """Keep the key with its run, or say which run an earlier call made.

        Raises:
            ConflictError: that one had other arguments.
        """
        key = CallKey(self.scope, self.key, self.arguments, run_id, now_us)
        kept = tx.keep_key(key, since_us=now_us - LIVES_S * 1_000_000)
        return None if kept is None else self.same(kept)

    def same(self, kept: CallKey) -> int:
        """The run (or job) of the call that has the key.

        Raises:
            ConflictError: that one had other arguments.
        """
        if kept.arguments != self.arguments:
            thing = "job" if self.scope == "job.create" else "run"
            if self.scope.startswith("backfill "):
                thing = "the backfill with run"
            expected = "a key that was not used for a call with other arguments"
            raise ConflictError(
                f"the idempotency key {self.key!r} was used for {thing} {kept.run_id} with other "
                "arguments; nothing was started: send the same ones, or another key",
                (FieldError(field="idempotency_key", got=self.key, expected=expected),),
            )
        return kept.run_id


def asked(scope: str, key: str | None, kwargs: Mapping[str, Any] | None = None) -> Asked | None:
    """A call by its key; None where it has none.

    Args:
        scope: What is to run.
        key: As the caller gave it.
        kwargs: What the caller gave, before anything is added to it.

    Raises:
        InvalidError: the key cannot be one.
        InvalidArgumentsError: the arguments have no JSON form.
    """
    if key is None:
        return None
    check_idempotency_key(key)
    given = json.dumps(json_arguments(kwargs or {}), separators=(",", ":"), sort_keys=True)
    return Asked(scope, key, hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest())


class Keys:
    """Lets calls with one key in one after the other; on the engine's loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._turns: dict[tuple[str, str], asyncio.Event] = {}

    @asynccontextmanager
    async def turn(self, call: Asked | None) -> AsyncIterator[Made | None]:
        """A block for one call at a time; gives what an earlier one has come to.

        Raises:
            ConflictError: that one had other arguments.
            StoreUnavailableError: the store cannot be asked now.
        """
        if call is None:
            yield None
            return
        place = (call.scope, call.key)
        while (other := self._turns.get(place)) is not None:
            await other.wait()
        over = self._turns[place] = asyncio.Event()
        try:
            yield await self._made(call)
        finally:
            del self._turns[place]
            over.set()

    async def _made(self, call: Asked) -> Made | None:
        core = self._core
        since_us = core.clock.now_us() - LIVES_S * 1_000_000

        def read() -> CallKey | None:
            return core.store.call_key(call.scope, call.key, since_us=since_us)

        kept = await core.off_loop(read)
        return None if kept is None else Made(call.same(kept), replayed=True)
