"""An engine with jobs made at run time and jobs in code, for the tests of jobs as files."""

from __future__ import annotations

from typing import Any

from schedtui import Cron, Engine, Every, Group
from schedtui.models import Job
from schedtui.testing import FakeClock, MemoryStore

NOTE = {"note": "because"}


def make_group(**declared: Any) -> Group:
    """Functions, and two jobs in code; ``declared`` changes what the code says of ``daily``."""
    group = Group("work", tags=["nightly"])

    @group.function()
    async def greet(name: str = "Ann", limits: dict[str, Any] | None = None) -> str:
        return f"{name}{limits}"

    @group.job(**{"cron": "0 3 * * *", "owner": "Ann", "retries": 2, **declared})
    async def daily(depth: int = 1) -> None: ...

    @group.job(every=3600)
    async def hourly() -> None: ...

    return group


def make_engine(store: MemoryStore | None = None, **declared: Any) -> Engine:
    group = make_group(**declared)
    return Engine(groups=[group], store=store or MemoryStore(), clock=FakeClock(), echo=False)


async def fill(engine: Engine) -> list[Job]:
    """Two jobs at run time."""
    return [
        await engine.create_job(
            function="work/greet",
            trigger=Cron("0 9 * * mon"),
            name="monday",
            kwargs={"name": "Bob", "limits": {"since": None, "most": 3}},
            timezone="Europe/Berlin",
            tags=["mail", "nightly"],
            owner="bob@example.com",
            retries=3,
        ),
        await engine.create_job(function="work/greet", trigger=Every(300), name="often"),
    ]


def edited(text: str, *pairs: tuple[str, str]) -> str:
    """A file after a person changed some words that are in it."""
    for old, new in pairs:
        assert old in text, f"{old!r} is not in\n{text}"
        text = text.replace(old, new, 1)
    return text
