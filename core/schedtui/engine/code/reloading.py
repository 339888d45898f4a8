"""New generations of the code while the engine runs.

The files are loaded in a thread; what they give replaces the registry's groups in one step, and the
static jobs follow. Runs that are active go on with the code they began with. A broken edit changes
nothing: it is a problem of the engine until it is mended.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from schedtui.engine.code.reconcile import reconcile
from schedtui.engine.core import Core
from schedtui.engine.jobs.commands import Commands
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob
from schedtui.engine.upkeep.once_past import learn_before
from schedtui.errors import NotFoundError, RefusedError, SchedtuiError, TargetError
from schedtui.execution.late import in_thread
from schedtui.models import ModuleReload, ModuleState, Reload

if TYPE_CHECKING:
    from schedtui.target.code import Code, Generation

logger = logging.getLogger("schedtui.reload")

RETRY_S = 1.0
"""Between two attempts to bring the jobs in line where the store does not take it."""
_BROKEN = "code"
_LATE = "code jobs"
"""Keys of problems."""


class Reloading:
    """Swaps the code of one started engine; on its loop."""

    def __init__(self, core: Core, writes: JobWrites, commands: Commands) -> None:
        self._core = core
        self._writes = writes
        self._commands = commands
        self._lock = asyncio.Lock()
        self._code: Code | None = None
        self.generation = 0
        """How often the code was swapped."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def follow(self, code: Code, *, watch: bool) -> None:
        """Let ``code`` be what is loaded again; ``watch``: whenever its files change."""
        self._code = code
        if watch:
            self._spawn(self._watch(code))

    async def close(self) -> None:
        """Follow the files no longer."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    async def reload(self, actor: str, *, always: bool = True) -> Reload:
        """Load the code as it is now, and run it from now on.

        Args:
            actor: Who is named in the audit trail.
            always: Run modules anew also where no file has changed.

        Raises:
            RefusedError: this engine does not know where its code came from.
        """
        code = self._code
        if code is None:
            raise RefusedError(
                "this engine cannot load its code again: it is part of a program that was started "
                "otherwise; restart that, or see Engine.follow_code"
            )
        # A caller that goes away must not leave modules loaded that the registry does not know.
        return await asyncio.shield(asyncio.ensure_future(self._reload(code, actor, always)))

    async def _reload(self, code: Code, actor: str, always: bool) -> Reload:
        async with self._lock:
            try:
                staged = await in_thread(partial(code.stage, always=always))
            except TargetError as error:
                return self._broke(code.broken(error))
            if staged is not None and not self._closed:
                await self._swap(code, staged, actor)
            self._core.problem(_BROKEN, None)
            modules = staged.modules if staged is not None else ()
            return Reload(ok=True, generation=self.generation, modules=modules)

    def _broke(self, modules: tuple[ModuleReload, ...]) -> Reload:
        text = f"the last good version of the code runs on, a newer one is broken: {_why(modules)}"
        if self._core.problems.get(_BROKEN) != text:
            logger.warning(text)
        self._core.problem(_BROKEN, text)
        return Reload(ok=False, generation=self.generation, modules=modules)

    async def _swap(self, code: Code, staged: Generation, actor: str) -> None:
        core = self._core
        core.registry.swap(staged.groups)
        for pool in core.pools.values():
            pool.executor.renew()
        self.generation += 1
        changed = [one.module for one in staged.modules if one.state is not ModuleState.UNCHANGED]
        logger.info("code of %s: generation %d, %s", code.name, self.generation, changed)
        detail = json.dumps({"modules": changed, "generation": self.generation})
        at_us = core.clock.now_us()
        try:
            await self._writes.write(
                lambda tx: tx.audit(at_us, actor, "code.reload", code.name, detail)
            )
        except SchedtuiError as error:
            logger.warning("the reload is missing in the audit trail: %s", error)
        await self._follow_up()

    async def _follow_up(self) -> None:
        """Bring the jobs in line with the registry; again and again until the store takes it."""
        core = self._core
        try:
            core.direct.renew()
            for live in core.jobs:
                if not live.removed and self._ruled_otherwise(live):
                    async with self._commands.hold(live):
                        await learn_before(core, self._writes.write, live, live.job)
                        core.adopt(live, live.current())
            await reconcile(core, self._writes, self._commands.hold)
        except NotFoundError:  # a job that was deleted meanwhile
            self._later()
        except SchedtuiError as error:
            text = f"the code is a new one, and its jobs are not brought in line yet: {error}"
            logger.warning(text)
            core.problem(_LATE, text)
            self._later()
        else:
            core.problem(_LATE, None)
            core.hub.engine()

    def _ruled_otherwise(self, live: LiveJob) -> bool:
        """Whether its group says something else about a job than before."""
        core = self._core
        moved = core.effective(live.job) != live.policies
        return moved or core.slots.limits_of(live) != live.limits

    def _later(self) -> None:
        self._core.clock.call_later(RETRY_S, lambda: self._spawn(self._again()))

    async def _again(self) -> None:
        async with self._lock:
            await self._follow_up()

    async def _watch(self, code: Code) -> None:
        """Reload whenever a file changes, for as long as the engine runs."""
        try:
            # In a thread: importing its library takes a while, and only who watches needs it.
            watch = await self._core.off_loop(import_module, "schedtui.engine.code.watch")
            async for _ in watch.changes(lambda: code.folders):
                try:
                    await self.reload("files", always=False)
                except SchedtuiError as error:
                    logger.warning("not reloaded: %s", error)
        except Exception as error:  # the engine goes on without
            text = f"changes of the code are no longer noticed: {error}; `schedtui reload` loads it"
            logger.exception("watching the files has failed")
            self._core.problem("watch", text)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        if self._closed:
            work.close()
            return
        task = self._core.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _why(modules: tuple[ModuleReload, ...]) -> str:
    return next((one.reason for one in modules if one.state is ModuleState.BROKEN), "")
