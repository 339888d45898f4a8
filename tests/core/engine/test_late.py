"""Late values on a real engine: fetched at each attempt, where and when they should be."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from engine_kit import World, running

from schedtui import Group, Late, current_run, log
from schedtui.models import RunState
from schedtui.models.run import Run

DUE = 10.5
"""Seconds after which the first due time of ``every=10`` has run."""


class Flags:
    """A table of a service's own database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as db:
            db.execute("CREATE TABLE flags (name TEXT PRIMARY KEY, value INTEGER)")
            db.execute("INSERT INTO flags VALUES ('dry_run', 1)")

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path)

    def dry_run(self) -> bool:
        db = self._open()
        try:
            return bool(db.execute("SELECT value FROM flags WHERE name = 'dry_run'").fetchone()[0])
        finally:
            db.close()

    def flip(self) -> None:
        db = self._open()
        with db:
            db.execute("UPDATE flags SET value = 1 - value")
        db.close()


@pytest.fixture(params=["async", "thread"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def job(group: Group, kind: str, seen: list[Any], late: Any, **settings: Any) -> None:
    """One job every ten seconds with a late parameter, that notes what it was given."""

    async def on_loop(value: Any = late) -> None:
        seen.append(value)

    def in_thread(value: Any = late) -> None:
        seen.append(value)

    function = on_loop if kind == "async" else in_thread
    group.job(every=10, name="work", **settings)(function)


async def last(kit: Any) -> Run:
    run: Run = (await kit.rows())[-1]
    return run


async def test_a_flag_flipped_in_a_database_is_seen_by_the_next_run(
    world: World, tmp_path: Path, kind: str
) -> None:
    flags, group = Flags(tmp_path / "flags.db"), Group("g")
    seen: list[Any] = []
    job(group, kind, seen, Late(flags.dry_run))
    async with running(group, world=world) as kit:
        await kit.clock.advance(DUE)
        await kit.until(lambda: len(seen) == 1)
        flags.flip()
        await kit.clock.advance(10)
        await kit.until(lambda: len(seen) == 2)
    assert seen == [True, False]


async def test_what_the_job_gives_is_not_fetched(kind: str) -> None:
    seen: list[Any] = []
    asked: list[int] = []
    group = Group("g")
    job(group, kind, seen, Late(lambda: asked.append(1)), kwargs={"value": 5})
    async with running(group) as kit:
        await kit.clock.advance(DUE)
        await kit.until(lambda: len(seen) == 1)
    assert (seen, asked) == ([5], [])


async def test_an_async_provider_is_awaited_on_the_engines_loop_as_part_of_the_run(
    kind: str,
) -> None:
    seen: list[Any] = []
    loops: list[Any] = []
    group = Group("g")

    async def fetch() -> int:
        loops.append(asyncio.get_running_loop())
        log("fetching for", run=current_run().id)
        await asyncio.sleep(0)
        return 3

    job(group, kind, seen, Late(fetch))
    async with running(group) as kit:
        await kit.clock.advance(DUE)
        await kit.until(lambda: len(seen) == 1)
        await kit.clock.settle()
        run = await last(kit)
        assert loops == [asyncio.get_running_loop()]
        lines = (await kit.client.logs(run.id)).lines
        assert [line.text for line in lines] == [f"fetching for run={run.id}"]
    assert seen == [3]


async def test_a_provider_that_blocks_does_not_hold_the_loop(kind: str) -> None:
    seen: list[Any] = []
    gate, threads = threading.Event(), []
    group = Group("g")

    def slow() -> str:
        threads.append(threading.current_thread())
        log("waiting")
        gate.wait(10)
        return "slow"

    job(group, kind, seen, Late(slow))
    async with running(group) as kit:
        kit.hung = True  # time goes on while the provider waits
        await kit.clock.advance(DUE)
        await kit.until(lambda: len(threads) == 1)
        await kit.clock.advance(5)
        assert (await last(kit)).state is RunState.RUNNING
        assert threads[0] is not threading.main_thread()
        gate.set()
        await kit.until(lambda: len(seen) == 1)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        kit.hung = False
        await kit.clock.settle()
        run = await last(kit)
        assert run.state is RunState.SUCCEEDED
        assert [one.text for one in (await kit.client.logs(run.id)).lines] == ["waiting"]


@pytest.mark.parametrize("provider_is_async", [False, True])
async def test_a_provider_that_raises_fails_the_attempt_by_its_name(
    kind: str, provider_is_async: bool
) -> None:
    seen: list[Any] = []
    group = Group("g")

    def load_limits() -> int:
        raise ConnectionError("the database is away")

    async def fetch_limits() -> int:
        return load_limits()

    provider: Any = fetch_limits if provider_is_async else load_limits
    job(group, kind, seen, Late(provider))
    async with running(group) as kit:
        await kit.clock.advance(DUE)
        await kit.until(lambda: not kit.running.supervisor.running)
        await kit.clock.settle()
        run = await last(kit)
    assert run.state is RunState.FAILED
    assert run.error_type == "schedtui.errors.LateValueError"
    assert run.error == (
        f"the value of parameter 'value' could not be fetched: {provider.__name__} raised "
        "ConnectionError: the database is away"
    )
    assert run.traceback is not None
    assert "in load_limits" in run.traceback
    assert seen == []


async def test_sys_exit_in_a_provider_fails_the_run_and_nothing_else(kind: str) -> None:
    group = Group("g")
    job(group, kind, [], Late(lambda: (_ for _ in ()).throw(SystemExit(3))))
    async with running(group) as kit:
        await kit.clock.advance(DUE)
        await kit.until(lambda: not kit.running.supervisor.running)
        await kit.clock.advance(10)
        await kit.until(lambda: not kit.running.supervisor.running)
        await kit.clock.settle()
        assert [run.state for run in await kit.rows()] == [RunState.FAILED] * 2


async def test_a_file_is_converted_by_the_type_hint_and_a_broken_edit_keeps_the_last(
    tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "limits.toml"
    file.write_text('since = "2026-01-02"\n')
    seen: list[Any] = []
    group = Group("g")
    job(group, kind, seen, Late.toml(file, "since"))
    async with running(group) as kit:
        await kit.clock.advance(DUE)
        await kit.until(lambda: len(seen) == 1)
        file.write_text("since = \n")
        await kit.clock.advance(10)
        await kit.until(lambda: len(seen) == 2)
        await kit.clock.settle()
        run = await last(kit)
        (line,) = (await kit.client.logs(run.id)).lines
    assert seen == ["2026-01-02"] * 2
    assert line.level == "warning"
    assert f"{file}: Invalid value" in line.text
    assert "the last good value is used" in line.text


async def test_what_a_file_holds_must_fit_the_type_hint(tmp_path: Path) -> None:
    file = tmp_path / "limits.json"
    file.write_text('{"limit": "many"}')
    group = Group("g")

    @group.job(every=10)
    async def work(limit: int = Late.json(file, "limit")) -> None: ...

    async with running(group) as kit:
        await kit.clock.advance(DUE)
        await kit.until(lambda: not kit.running.supervisor.running)
        await kit.clock.settle()
        run = await last(kit)
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert "the value of parameter 'limit' could not be fetched" in run.error
    assert "kwargs.limit: got 'many'; expected a whole number" in run.error


async def test_a_run_whose_provider_hangs_can_be_cancelled() -> None:
    gate, started = threading.Event(), threading.Event()
    seen: list[Any] = []
    group = Group("g")

    def hang() -> int:
        started.set()
        gate.wait(10)
        return 1

    job(group, "async", seen, Late(hang))
    async with running(group) as kit:
        kit.hung = True
        await kit.clock.advance(DUE)
        await kit.until(started.is_set)
        assert kit.running.supervisor.cancel_all("enough")
        await kit.until(kit.running.supervisor.idle.is_set)
        run = await last(kit)
        gate.set()
    assert (run.state, run.reason) == (RunState.CANCELLED, "enough")
    assert seen == []


async def test_fingerprints_tell_that_a_value_changed_and_not_what_it_is(
    world: World, kind: str
) -> None:
    values = iter(["hunter2", "hunter2", "hunter3"])
    group = Group("g")
    seen: list[Any] = []

    def secret() -> str:
        return next(values)

    job(group, kind, seen, Late(secret))
    async with running(group, world=world) as kit:
        marks = []
        for number in range(3):
            await kit.clock.advance(DUE if number == 0 else 10)
            await kit.until(kit.running.supervisor.idle.is_set)
            await kit.clock.settle()
            run = await last(kit)
            marks.append(dict(run.late))
            assert run.code == group.functions[next(iter(group.functions))].code
    assert marks[0] == marks[1] != marks[2]
    assert set(marks[0]) == {"value"}
    assert "hunter" not in str(marks)


async def test_a_retry_fetches_again_and_is_told_by_what_the_provider_raised(kind: str) -> None:
    seen: list[Any] = []
    group = Group("g")
    tries: list[int] = []

    def flaky() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError("away")
        return len(tries)

    job(group, kind, seen, Late(flaky), retries=5, retry_delay_s=1, retry_on=[ConnectionError])
    async with running(group) as kit:
        await kit.clock.advance(DUE)
        for _ in range(2):
            await kit.until(kit.running.supervisor.idle.is_set)
            await kit.clock.advance(3)
        await kit.until(kit.running.supervisor.idle.is_set)
        await kit.clock.settle()
        runs = await kit.rows()
    assert seen == [3]
    assert (runs[0].state, runs[0].attempt) == (RunState.SUCCEEDED, 3)
