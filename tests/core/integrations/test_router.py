"""The HTTP API below a service's prefix: who may, what it is called, and what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import httpx
import pytest
import uvicorn
from client_contract import make_group, put_token, spec
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.applications import Starlette
from starlette.routing import Mount

from schedtui import Engine
from schedtui.api import Listen
from schedtui.api.listen import bind_tcp
from schedtui.client.http import HttpClient
from schedtui.client.local import LocalClient
from schedtui.errors import InvalidError

TOKEN = {"Authorization": "Bearer sched_contract"}
BASIC = HTTPBasic()


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(groups=[make_group()], store="memory://")
    await engine.start()
    put_token(engine, "sched_contract")
    try:
        yield engine
    finally:
        await engine.stop(grace_s=0)


def mounted(router: Any) -> Any:
    app = FastAPI()
    app.mount("/in/jobs", router)
    return app


def included(router: Any) -> Any:
    app = FastAPI()
    app.include_router(router, prefix="/in/jobs")
    return app


def below_starlette(router: Any) -> Any:
    return Starlette(routes=[Mount("/in", Starlette(routes=[Mount("/jobs", router)]))])


WAYS = pytest.mark.parametrize("way", [mounted, included, below_starlette])


def client(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="https://shop.example/in/jobs")


@WAYS
async def test_the_whole_api_is_below_the_prefix(engine: Engine, way: Callable[..., Any]) -> None:
    async with client(way(engine.router())) as http:
        assert (await http.get("/health")).json()["ok"]
        assert (await http.get("/ready")).status_code == 200
        refused = await http.get("/api/v1/jobs")
        assert (refused.status_code, refused.json()["title"]) == (401, "Unauthorized")
        assert (await http.get("/api/v1/jobs", headers=TOKEN)).json()["items"][0][
            "name"
        ] == "yearly"
        described = (await http.get("/api/v1/openapi.json", headers=TOKEN)).json()
        assert described["servers"] == [{"url": "/in/jobs"}]
        run = await http.post("/api/v1/jobs/work/yearly/trigger", headers=TOKEN)
        assert run.headers["location"] == f"/in/jobs/api/v1/runs/{run.json()['id']}"
        nowhere = await http.get("/api/v2", headers=TOKEN)
        assert (nowhere.status_code, nowhere.json()["title"]) == (404, "No such call")
        assert (await http.get("/api/v1/jobs/work/a%2Fb", headers=TOKEN)).status_code == 404
        too_long = await http.post("/api/v1/jobs", headers=TOKEN, content=b"x" * (2 << 20))
        assert too_long.status_code == 413


async def cook(who: Annotated[HTTPBasicCredentials, Depends(BASIC)]) -> tuple[str, str] | None:
    roles = {"ann": "admin", "bob": "viewer"}
    return (who.username, roles[who.username]) if who.username in roles else None


@WAYS
async def test_a_dependency_of_the_service_says_who_it_is(
    engine: Engine, way: Callable[..., Any]
) -> None:
    async with client(way(engine.router(auth=cook))) as http:
        assert (await http.get("/health")).json()["ok"]
        anyone = await http.get("/api/v1/jobs")
        assert (anyone.status_code, anyone.headers["www-authenticate"]) == (401, "Basic")
        assert (await http.get("/api/v1/jobs", headers=TOKEN)).status_code == 401
        assert (await http.get("/api/v1/jobs", auth=("eve", ""))).status_code == 401
        assert (await http.get("/api/v1/jobs", auth=("bob", ""))).status_code == 200
        pause = "/api/v1/jobs/work/yearly/pause"
        assert (await http.post(pause, auth=("bob", ""))).status_code == 403
        assert (await http.post(pause, auth=("ann", ""))).json()["paused_by"] == "user:ann"


async def test_a_plain_function_of_the_request_will_do(engine: Engine) -> None:
    def by_header(request: Request) -> tuple[str, str]:
        if request.headers.get("x-user") != "ann":
            raise HTTPException(403, "not you")
        return "ann", "operator"

    async with client(mounted(engine.router(auth=by_header))) as http:
        refused = await http.get("/api/v1/jobs")
        assert (refused.status_code, refused.json()) == (403, {"detail": "not you"})
        assert (await http.get("/api/v1/jobs", headers={"x-user": "ann"})).status_code == 200


async def test_a_dependency_that_says_nonsense_is_a_fault_of_the_service(engine: Engine) -> None:
    async with client(mounted(engine.router(auth=lambda: "ann"))) as http:
        with pytest.raises(TypeError, match=r"returned 'ann'; expected \(actor, role\)"):
            await http.get("/api/v1/jobs")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://shop.example"}, 200),
        ({"Origin": "https://shop.example"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "https://shop.example:x"}, 403),
        ({"Origin": "https://shop.example:443"}, 200),
        ({"Origin": "https://shop.example:9999"}, 403),
        ({"Origin": "https://shop.example:9999", "Host": "shop.example:9999"}, 200),
        ({"Origin": "http://[::1]:9999", "Host": "[::1]:9999"}, 200),
        ({"Origin": "http://shop.example", "Host": "shop.example:9999"}, 403),
    ],
)
async def test_a_page_of_another_site_changes_nothing_with_this_ones_cookies(
    engine: Engine, headers: dict[str, str], status: int
) -> None:
    async with client(mounted(engine.router(auth=lambda: ("ann", "admin")))) as http:
        answer = await http.post("/api/v1/jobs/work/yearly/pause", headers=headers)
        assert answer.status_code == status
        if status == 403:
            assert answer.headers["content-type"] == "application/problem+json"
        assert (await LocalClient(engine).job("work/yearly")).paused == (status == 200)
        assert (await http.get("/api/v1/jobs", headers=headers)).status_code == 200


async def test_without_access_control_it_is_for_those_who_say_so_only(engine: Engine) -> None:
    for wrong in (None, "", "no", False):
        with pytest.raises(InvalidError, match="auth"):
            engine.router(auth=wrong)
    async with client(mounted(engine.router(auth="none"))) as http:
        # A page that points a name of its own at this machine is no client.
        elsewhere = {"Host": "shop.test"}
        assert (await http.get("/api/v1/jobs", headers=elsewhere)).status_code == 421
    async with client(mounted(engine.router(auth="none", hosts=("shop.test",)))) as http:
        assert (await http.get("/api/v1/jobs", headers=elsewhere)).status_code == 200
        paused = await http.post("/api/v1/jobs/work/yearly/pause")
        assert paused.json()["paused_by"] == "anyone"


async def test_it_says_when_the_engine_does_not_run() -> None:
    async with client(mounted(Engine(store="memory://").router())) as http:
        health = await http.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "stopped")
        answer = await http.get("/api/v1/jobs", headers=TOKEN)
        assert (answer.status_code, answer.json()["title"]) == (503, "Engine stopped")


async def test_a_console_connects_below_the_prefix(engine: Engine) -> None:
    server = uvicorn.Server(
        uvicorn.Config(mounted(engine.router()), port=0, log_config=None, lifespan="off")
    )
    [socket] = bind_tcp(Listen(port=0))
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    there = HttpClient(
        f"http://127.0.0.1:{socket.getsockname()[1]}/in/jobs", token="sched_contract"
    )
    try:
        assert (await there.snapshot()).engine.boot == engine.running.boot
        made = await there.create_job(spec(name="a.b %2F ?"))
        assert await there.job("work/a.b %2F ?") == made
        run = await there.run_function("work/greet", {"name": "Bo"})
        lines = [line.text async for page in there.follow(run.id) for line in page.lines]
        assert len(lines) == 1
    finally:
        await there.aclose()
        server.should_exit = True
        await serving
