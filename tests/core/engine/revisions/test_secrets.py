"""A file of jobs holds no secret, and applying it loses none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import World, running
from files_kit import edited

from schedtui import Group, Secret
from schedtui.errors import InvalidError
from schedtui.models import JobSpec


class Mail:
    def __init__(self) -> None:
        self.group = Group("g")
        self.seen: list[str] = []
        self.group.function("send")(self.send)

    async def send(self, to: str, password: Secret) -> None:
        self.seen.append(f"{to} {password!s}")


async def test_a_secret_stays_through_export_apply_and_rollback(world: World) -> None:
    mail = Mail()
    async with running(mail.group, world=world) as kit:
        kwargs = {"to": "ann", "password": "hunter2"}
        await kit.client.create_job(
            JobSpec(function="g/send", name="m", trigger={"type": "never"}, kwargs=kwargs)
        )
        text = (await kit.client.export_jobs()).text
        assert "hunter2" not in text
        assert '"***"' in text
        assert not (await kit.client.plan_jobs(text)).changes

        await kit.client.apply_jobs(edited(text, ('"ann"', '"bob"')), note="n")
        await kit.client.trigger_job("g/m")
        await kit.client.rollback_jobs(1)
        await kit.client.trigger_job("g/m")
        await kit.clock.settle()
        assert mail.seen == ["bob hunter2", "ann hunter2"]
        for number in (1, 2):
            assert "hunter2" not in (await kit.client.revision(number)).text


async def test_a_job_made_anew_needs_its_secret(world: World) -> None:
    mail = Mail()
    async with running(mail.group, world=world) as kit:
        job = '[jobs."g/m"]\nfunction = "g/send"\nevery = 10\n[jobs."g/m".kwargs]\nto = "ann"\n'
        text = f"format = 1\n{job}"
        with pytest.raises(InvalidError) as raised:
            await kit.client.apply_jobs(f'{text}password = "***"\n', note="n")
        (error,) = raised.value.errors
        assert error.field == "jobs.g/m.kwargs.password"
        await kit.client.apply_jobs(f'{text}password = "hunter2"\n', note="n")
        await kit.clock.advance(10)
        assert mail.seen == ["ann hunter2"]
        assert "hunter2" not in (await kit.client.revision(2)).text


async def test_a_deleted_job_comes_back_with_its_secret(world: World) -> None:
    mail = Mail()
    other = Group("o")

    @other.function("send")
    async def elsewhere(to: str, password: Secret) -> None:
        mail.seen.append(f"elsewhere: {to} {password!s}")

    async with running(mail.group, other, world=world) as kit:
        kwargs = {"to": "ann", "password": "hunter2"}
        spec = JobSpec(function="g/send", name="m", trigger={"type": "never"}, kwargs=kwargs)
        await kit.client.create_job(spec)
        text = (await kit.client.export_jobs()).text
        await kit.client.apply_jobs(edited(text, ('"ann"', '"bob"')), note="n")
        await kit.client.delete_job("g/m")
        await kit.client.rollback_jobs(2)
        await kit.client.trigger_job("g/m")
        await kit.clock.settle()
        assert mail.seen == ["bob hunter2"]

        await kit.client.delete_job("g/m")
        with pytest.raises(InvalidError):  # a file is not a revision of this engine
            await kit.client.apply_jobs(text, note="n")
        await kit.client.create_job(replace(spec, function="o/send", group="g"))
        await kit.client.delete_job("g/m")
        with pytest.raises(InvalidError) as raised:
            await kit.client.rollback_jobs(2)
        assert "schedtui export --revision 2" in str(raised.value)
