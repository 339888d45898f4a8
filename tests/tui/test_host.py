"""The engine of a command: what it is told, and what it tells others before it starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from schedtui import Engine
from schedtui.errors import EngineStoppedError, InvalidError, StoreLockedError
from schedtui.locations import StateDir
from schedtui.models import Run, RunState
from schedtui.target import load_target
from schedtui.target.load import Target
from schedtui.triggers import Every
from schedtui_tui.commands.host import Host


def test_who_is_refused_the_store_is_sent_to_the_socket(tmp_path: Path) -> None:
    state = StateDir.beside(tmp_path)
    host = Host(lambda: Target(name="t", folder=tmp_path, groups=()), state=state)
    host.open()
    try:
        with pytest.raises(StoreLockedError) as refused:
            Engine(store=state.store_url).run_in_thread()
        assert refused.value.address == str(state.socket)
    finally:
        host.close()


def test_an_engine_that_is_given_up_while_its_code_is_loaded_is_not_started(tmp_path: Path) -> None:
    state = StateDir.beside(tmp_path)

    def load() -> Target:
        assert not host.give_up()
        return Target(name="t", folder=tmp_path, groups=())

    host = Host(load, state=state)
    with pytest.raises(EngineStoppedError, match="not wanted any more"):
        host.open()
    assert not state.path.exists()
    host.close()


JOBS = """
import asyncio
from schedtui import Group

mails = Group("Mails")

@mails.function()
async def send():
    await asyncio.Event().wait()
"""
SETTINGS = """
[pools]
smtp = 1
[policies]
pool = "smtp"
timeout_s = 0.01
"""


def test_its_engine_is_set_up_as_schedtui_toml_says(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS, encoding="utf-8")
    (tmp_path / "schedtui.toml").write_text(SETTINGS, encoding="utf-8")
    host = Host(lambda: load_target(None, cwd=tmp_path), state=StateDir.beside(tmp_path))
    host.open()
    try:
        sync = host.engine.sync
        with pytest.raises(InvalidError, match=r"pool: got 'ftp'; expected .*smtp"):
            sync.create_job(function="Mails/send", trigger=Every(3600), pool="ftp")
        sync.create_job(function="Mails/send", trigger=Every(3600), name="send")
        run = sync.trigger_job("Mails/send")
        ended = asyncio.run(_ended(host, run.id))
        assert ended.state is RunState.TIMED_OUT
    finally:
        host.close()


async def _ended(host: Host, run: int) -> Run:
    async for page in host.engine.reads.follow(run, 0):
        if page.done:
            break
    return await host.engine.reads.run(run)
