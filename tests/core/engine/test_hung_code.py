"""Functions that never end: neither the engine's own work nor its stop waits for them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated

import pytest
from pydantic import AfterValidator

from schedtui import Engine, Every, Group
from schedtui.client.local import LocalClient
from schedtui.engine import running, thread
from schedtui.engine.jobs import arguments
from schedtui.errors import UnavailableError
from schedtui.models import Job
from schedtui.testing import MemoryStore

ENOUGH_S = 20
"""What takes a second or two has ended by then, on any machine."""


@pytest.fixture(autouse=True)
def short_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LAST_WORD_S", 0.1)
    monkeypatch.setattr(thread, "LAST_S", 0.1)


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """Set when the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def engine(never: threading.Event) -> Iterator[Engine]:
    group = Group("g")

    @group.function()
    async def stubborn() -> None:
        while not never.is_set():
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                continue

    @group.function()
    async def asks() -> None:
        await asyncio.to_thread(never.wait)

    @group.function()
    def plain() -> None: ...

    engine = Engine(groups=[group], store=MemoryStore(), echo=False).run_in_thread()
    for function in group.functions:
        engine.sync.create_job(function=f"g/{function}", trigger=Every(3_600), name=function)
    yield engine
    assert in_time(lambda: engine.close(0.01))


def in_time(call: Callable[[], object]) -> bool:
    """Whether ``call`` comes back."""
    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    caller.join(ENOUGH_S)
    return not caller.is_alive()


@pytest.mark.parametrize("function", ["stubborn", "asks"])
def test_a_stop_ends_although_a_function_does_not(engine: Engine, function: str) -> None:
    engine.sync.trigger_job(f"g/{function}")
    assert in_time(lambda: engine.close(0.01))
    assert not engine.is_running
    assert not any(one.name == "schedtui-engine" for one in threading.enumerate())
    engine.run_in_thread()


def test_functions_that_sit_in_to_thread_take_nothing_from_the_engine(engine: Engine) -> None:
    async def fill() -> None:
        # More than asyncio.to_thread has threads.
        for _ in range(40):
            await engine.trigger_job("g/asks")

    asyncio.run_coroutine_threadsafe(fill(), engine.loop).result(ENOUGH_S)
    client = LocalClient(engine)

    async def use() -> None:
        run = await client.trigger_job("g/plain")
        assert (await client.run(run.id)).id == run.id
        await client.logs(run.id)
        await client.functions()

    # On the engine's own loop, as the API has it.
    asyncio.run_coroutine_threadsafe(use(), engine.loop).result(ENOUGH_S)


def waits_in_its_types(never: threading.Event, **declared: object) -> Group:
    """Functions whose arguments are checked by code that waits for an event; one job declared."""

    def known(number: int) -> int:
        never.wait()
        return number

    group = Group("g")

    async def work(customer: int) -> None: ...

    work.__annotations__["customer"] = Annotated[int, AfterValidator(known)]

    for number in range(running.THREADS + 1):
        group.function(name=f"hangs-{number}")(work)
    if declared:
        group.job(every=3_600, name="declared", kwargs=declared)(work)

    @group.function()
    async def plain(n: int) -> None: ...

    return group


def late_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "schedtui-late"]


async def test_checks_of_arguments_that_hang_hold_up_neither_a_read_nor_a_stop(
    never: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arguments, "LIMIT_S", 0.5)
    engine = Engine(groups=[waits_in_its_types(never)], store=MemoryStore(), echo=False)
    client = LocalClient(engine)

    def create(function: str, kwargs: dict[str, object]) -> Coroutine[object, object, Job]:
        return engine.create_job(function=f"g/{function}", trigger=Every(3_600), kwargs=kwargs)

    async with asyncio.timeout(ENOUGH_S):
        await engine.start()
        hanging = [
            asyncio.ensure_future(create(f"hangs-{n % (running.THREADS + 1)}", {"customer": 1}))
            for n in range(2 * running.THREADS + 2)
        ]
        await asyncio.sleep(0)
        assert (await client.runs()).items == ()
        monkeypatch.setattr(arguments, "LIMIT_S", ENOUGH_S)
        assert (await create("plain", {"n": 1})).name == "plain"
        # That of the plain one is about to end.
        while len(late_threads()) > running.THREADS + 1:  # noqa: ASYNC110 - it ends when it ends
            await asyncio.sleep(0.01)
        assert len(late_threads()) == running.THREADS + 1
        for refused in await asyncio.gather(*hanging, return_exceptions=True):
            assert isinstance(refused, UnavailableError)
            assert "the arguments of g/hangs-" in str(refused)
        assert [job.name for job in (await client.jobs()).items] == ["plain"]
        await engine.stop(0.1)


async def test_a_start_waits_only_so_long_for_a_check_of_declared_arguments(
    never: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arguments, "LIMIT_S", 0.2)
    group = waits_in_its_types(never, customer=1)
    async with (
        asyncio.timeout(ENOUGH_S),
        Engine(groups=[group], store=MemoryStore(), echo=False) as engine,
    ):
        (problem,) = (await LocalClient(engine).info()).problems
        assert problem.startswith("every run of g/declared will fail: its arguments cannot be")
        await engine.stop(0.1)


def test_a_process_ends_although_functions_do_not() -> None:
    code = """
import asyncio, time
from schedtui import Engine, Every, Group
g = Group("g")

async def stubborn():
    while True:
        try:
            yield await asyncio.sleep(3600)
        except BaseException:
            pass

@g.function()
async def generator():
    async for _ in stubborn(): pass

@g.function()
async def blocked():
    await asyncio.to_thread(time.sleep, 3600)

e = Engine(groups=[g], store="memory://", echo=False).run_in_thread()
for name in ("generator", "blocked"):
    e.sync.create_job(function=f"g/{name}", trigger=Every(3600))
    e.sync.trigger_job(f"g/{name}")
time.sleep(0.2)
e.close(0.01)
print("closed", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=40, check=False
    )
    assert (done.returncode, done.stdout) == (0, "closed\n")
    assert "1 tasks of functions did not end" in done.stderr
    assert "Traceback" not in done.stderr
    assert "destroyed" not in done.stderr
