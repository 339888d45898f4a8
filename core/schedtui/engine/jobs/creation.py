"""How a job comes to be: once for each call, also for one that is sent again with its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schedtui.engine.core import Core
from schedtui.engine.jobs.draft import Drafts
from schedtui.engine.jobs.keys import Asked, Keys, asked
from schedtui.engine.jobs.writes import JobWrites
from schedtui.errors import ConflictError
from schedtui.models import Job, JobSpec
from schedtui.models.wire import to_wire
from schedtui.protocols import StoreTx

SCOPE = "job.create"
"""The scope of the keys of these calls."""


class Creation:
    """Creates dynamic jobs of one started engine; on its loop."""

    def __init__(self, core: Core, writes: JobWrites, drafts: Drafts, keys: Keys) -> None:
        self._core = core
        self._writes = writes
        self._drafts = drafts
        self._keys = keys

    async def create(self, spec: JobSpec, actor: str, key: str | None) -> Job:
        """Create a job, or find the one that an earlier call with this key has created.

        Raises:
            ConflictError: the name is taken; the key was used with other arguments, or its job was
                deleted.
        """
        call = asked(SCOPE, key, to_wire(spec) if key is not None else None)
        async with self._keys.turn(call) as made:
            if made is None:
                return await self._insert(spec, actor, call)
            live = self._core.jobs.by_id(made.run_id)
            if live is None or live.removed:
                raise ConflictError(
                    f"the idempotency key {key!r} was used for job {made.run_id}, which was "
                    "deleted since; nothing was created: use another key"
                )
            return replace(live.current(), replayed=True)

    async def _insert(self, spec: JobSpec, actor: str, call: Asked | None) -> Job:
        now_us = self._core.clock.now_us()

        def keep(tx: StoreTx, created: Sequence[Job]) -> None:
            if call is not None and call.keep(tx, created[0].id, now_us) is not None:
                raise ConflictError(
                    f"the idempotency key {call.key!r} was used just then by the same call; "
                    "nothing was created by this one: send it again to see what that came to"
                )

        while True:
            job = self._drafts.new(spec)
            try:
                (created,) = await self._writes.insert([job], actor, also=keep)
                return created
            except ConflictError:
                # Another command took the name that was chosen here; by now it can be seen.
                taken = self._core.jobs.find(job.group, job.name) is not None
                if spec.name is not None or not taken:
                    raise
