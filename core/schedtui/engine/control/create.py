"""How jobs come to be, or become others in place."""

from __future__ import annotations

from schedtui.engine.control.part import ControlPart
from schedtui.engine.elsewhere import passed_on
from schedtui.engine.live.job import LiveJob
from schedtui.engine.sync import PYTHON
from schedtui.errors import ConflictError, InvalidError, JobNotFoundError, VersionConflictError
from schedtui.models import Job, JobPatch, JobSpec
from schedtui.models.notes import notes_of
from schedtui.models.secret import shown
from schedtui.triggers import Never

REPLACES = 5
"""How often a job that is deleted while it is to be replaced is made anew."""


class CreateControl(ControlPart):
    """The part of `Engine` that creates jobs."""

    @passed_on("create_job")
    async def submit_spec(
        self,
        spec: JobSpec,
        *,
        replace: bool = False,
        version: int | None = None,
        idempotency_key: str | None = None,
        actor: str = PYTHON,
    ) -> Job:
        """Create a dynamic job from its specification; see `EngineClient.create_job`."""
        if replace and spec.name is None:
            raise InvalidError.one(
                "name", None, "a name, with replace=True: without one each call makes another job"
            )
        if replace:
            return await self._create_or_edit(spec, version, actor)
        key = idempotency_key
        return shown(await self.on_loop(lambda: self._live().commands.create(spec, actor, key=key)))

    async def _create_or_edit(self, spec: JobSpec, version: int | None, actor: str) -> Job:
        group = spec.group or spec.function.partition("/")[0]
        for _ in range(REPLACES):
            found = self._live().core.jobs.find(group, spec.name or "")
            try:
                if version is None:
                    return await self.submit_spec(spec, actor=actor)
            except ConflictError:
                found = self._live().core.jobs.find(group, spec.name or "")
                if found is not None and found.job.static:
                    raise
            if found is None and version is not None:
                raise VersionConflictError(
                    f"there is no job {group}/{spec.name} to replace at version {version}; nothing "
                    "was done: leave the version out to create it"
                )
            try:
                if found is not None:
                    return await self._become(found, spec, version, actor)
            except (ConflictError, JobNotFoundError):
                if version is not None or found is None or not found.removed:
                    raise  # else somebody deleted it just then, and the name is free
        raise ConflictError(
            f"{group}/{spec.name} was deleted and made again by somebody else, each time that it "
            "was to be replaced; nothing was done, try again"
        )

    async def _become(self, found: LiveJob, spec: JobSpec, version: int | None, actor: str) -> Job:
        if found.job.static:
            raise ConflictError(
                f"{found.full_name} is declared in code and cannot be replaced; edit it instead"
            )
        core = self._live().core
        patch = JobPatch(
            function=spec.function,
            trigger=spec.trigger or Never().to_json(),
            after=spec.after,
            timezone=core.zone_for(spec.timezone, found.job.group),
            kwargs=spec.kwargs,
            policies=spec.policies,
            tags=spec.tags,
            description=spec.description,
            **notes_of(spec),
        )
        name, expect_id = found.full_name, found.id
        edited = await self.on_loop(
            lambda: self._live().commands.edit(
                name, patch, actor, version=version, expect_id=expect_id, instead=True
            )
        )
        if spec.paused and not edited.paused:
            return await self.on_loop(
                lambda: self._live().commands.pause(name, "", actor, expect_id=expect_id)
            )
        return shown(edited)
