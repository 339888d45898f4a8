"""Tokens, roles, hosts, and what a wrong token costs."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from api_doubles import SECRETS, FakeEngine, http_on, make_app, make_tokens

from schedtui.api.access import Access, digest
from schedtui.api.app import create_app
from schedtui.api.gate import LocalDoor
from schedtui.api.hosts import Hosts
from schedtui.api.slowdown import FREE, LONGEST_S, WAITING, SlowDown
from schedtui.errors import StoreUnavailableError, UnauthorizedError
from schedtui.models import Role
from schedtui.models.actor import address_of
from schedtui.protocols import EngineClient, Token


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def bearer(role: str) -> str:
    return f"Bearer {SECRETS[role]}"


# --- tokens ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(SECRETS))
async def test_a_token_tells_name_and_role(role: str) -> None:
    caller = await Access(make_tokens).caller(bearer(role))

    assert (caller.actor, caller.role) == (f"token:my {role}", Role(role))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic " + SECRETS["admin"],
        SECRETS["admin"],
        bearer("admin") + "x",
        "Bearer \udce9",
    ],
)
async def test_anything_else_is_nobody(header: str | None) -> None:
    with pytest.raises(UnauthorizedError, match="token"):
        await Access(make_tokens).caller(header)


async def test_without_any_token_the_answer_says_how_to_make_one() -> None:
    with pytest.raises(UnauthorizedError, match="schedtui token create"):
        await Access(list).caller(bearer("admin"))


async def test_a_new_token_works_at_once_and_an_expired_one_does_not() -> None:
    tokens: list[Token] = []
    time, now_us = Time(), 10**15
    access = Access(lambda: list(tokens), monotonic=time, now_us=lambda: now_us)
    with pytest.raises(UnauthorizedError):
        await access.caller(bearer("viewer"))

    time.now += 1
    tokens += make_tokens()
    assert (await access.caller(bearer("viewer"))).role is Role.VIEWER

    time.now += 10
    tokens[0] = Token(
        id=1, name="x", role="viewer", sha256=digest(SECRETS["viewer"]), created_at_us=0,
        expires_at_us=now_us,
    )  # fmt: skip
    with pytest.raises(UnauthorizedError, match="expired"):
        await access.caller(bearer("viewer"))


async def test_wrong_tokens_do_not_make_the_store_read_each_time() -> None:
    reads = 0

    def load() -> list[Token]:
        nonlocal reads
        reads += 1
        return make_tokens()

    access = Access(load, monotonic=Time())
    for _ in range(50):
        with pytest.raises(UnauthorizedError):
            await access.caller("Bearer wrong")

    assert reads == 1


async def test_who_was_let_in_stays_while_the_store_is_down() -> None:
    up, time = True, Time()

    def load() -> list[Token]:
        if not up:
            raise StoreUnavailableError("locked")
        return make_tokens()

    access = Access(load, monotonic=time)
    await access.caller(bearer("viewer"))
    up, time.now = False, time.now + 60
    assert (await access.caller(bearer("viewer"))).role is Role.VIEWER
    with pytest.raises(StoreUnavailableError):
        await Access(load).caller(bearer("viewer"))


# --- the gate -------------------------------------------------------------------------------


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8787", 200),
        ("LOCALHOST", 200),
        ("localhost.", 200),
        ("[::1]:8787", 200),
        ("jobs.example.org", 200),
        ("jobs.example.org:443", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost@evil.example", 421),
        ("", 421),
    ],
)
async def test_only_known_hosts_are_served(engine: FakeEngine, host: str, status: int) -> None:
    app = create_app(
        engine.client,
        auth=Access(make_tokens),
        closing=asyncio.Event(),
        hosts=Hosts(["jobs.example.org"]),
    )
    async with http_on(app, Host=host) as http:
        for path in ("/api/v1/engine", "/health"):
            response = await http.get(path)
            assert response.status_code == status, response.text
    assert bool(engine.calls) == (status == 200)


async def test_the_own_socket_needs_no_token_and_no_host(engine: FakeEngine) -> None:
    async with http_on(LocalDoor(app=make_app(engine)), None, Host="whatever") as http:
        response = await http.delete("/api/v1/jobs/g/a")

    assert response.status_code == 204
    ((actor, call),) = engine.calls
    assert actor.startswith("local:")
    assert call == "delete_job"


async def test_a_request_cannot_claim_to_be_local(engine: FakeEngine) -> None:
    async with http_on(make_app(engine), None, **{"Schedtui.local": "true"}) as http:
        response = await http.get("/api/v1/engine?schedtui.local=1")

    assert response.status_code == 401


async def test_too_many_wrong_tokens_are_sent_away(engine: FakeEngine) -> None:
    closing = asyncio.Event()
    async with http_on(make_app(engine, closing), None, Authorization="Bearer wrong") as http:
        calls = [asyncio.create_task(http.get("/api/v1/engine")) for _ in range(FREE + WAITING + 5)]
        while sum(call.done() for call in calls) < FREE:  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(0.01)
        right = await http.get("/api/v1/engine", headers={"Authorization": bearer("viewer")})
        assert sum(call.done() for call in calls) == FREE  # none is told at once, not even to go
        closing.set()
        statuses = [response.status_code for response in await asyncio.gather(*calls)]

    assert right.status_code == 200
    assert sorted(statuses) == [401] * (FREE + WAITING) + [429] * 5


@pytest.mark.parametrize(
    ("proxied", "peer", "said", "address"),
    [
        (False, "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        (True, "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (True, "::1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (True, "::1", "6.6.6.6\n203.0.113.9", "203.0.113.9"),
        (True, "::1", "6.6.6.6\n7.7.7.7, 203.0.113.9", "203.0.113.9"),
        (True, "127.0.0.1", "", "127.0.0.1"),
        (True, "192.0.2.1", "203.0.113.9", "192.0.2.1"),
    ],
)
async def test_the_address_is_a_proxys_word_on_this_machine_alone(
    engine: FakeEngine, proxied: bool, peer: str, said: str, address: str
) -> None:
    seen: list[str] = []

    def client_for(actor: str) -> EngineClient:
        seen.append(address_of(actor))
        return engine.client(actor)

    app = create_app(client_for, auth=Access(make_tokens), closing=asyncio.Event(), proxied=proxied)
    headers = [("Authorization", bearer("admin"))]
    headers += [("X-Forwarded-For", line) for line in said.split("\n")]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, client=(peer, 1)), base_url="http://localhost"
    ) as http:
        assert (await http.get("/api/v1/engine", headers=headers)).status_code == 200

    assert seen == [address]


# --- slow-down ------------------------------------------------------------------------------


@pytest.fixture
def slow() -> tuple[SlowDown, list[float], Time]:
    waits: list[float] = []
    time = Time()

    async def pause(delay_s: float) -> None:
        waits.append(delay_s)

    return SlowDown(pause, monotonic=time), waits, time


async def test_failures_get_slower_and_are_forgotten(slow: Any) -> None:
    slowdown, waits, time = slow
    for _ in range(FREE + 7):
        assert await slowdown.failed("10.0.0.1")
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]

    assert await slowdown.failed("10.0.0.2")
    time.now += 61
    assert await slowdown.failed("10.0.0.1")
    assert len(waits) == 7


async def test_no_guess_is_answered_at_once_however_many_wait() -> None:
    waits: list[float] = []
    opened = asyncio.Event()

    async def pause(delay_s: float) -> None:
        waits.append(delay_s)
        await opened.wait()

    slowdown = SlowDown(pause)
    guesses = [asyncio.create_task(slowdown.failed("10.0.0.1")) for _ in range(FREE + WAITING + 9)]
    while len(waits) < WAITING + 9:  # noqa: ASYNC110 - no event for it
        await asyncio.sleep(0)
    assert sum(guess.done() for guess in guesses) == FREE
    assert waits[WAITING:] == [LONGEST_S] * 9
    opened.set()
    assert [await guess for guess in guesses] == [True] * (FREE + WAITING) + [False] * 9


async def test_the_memory_of_failures_is_bounded(slow: Any) -> None:
    slowdown, waits, _ = slow
    for _ in range(FREE + 1):
        await slowdown.failed("first")
    for number in range(1_000):
        await slowdown.failed(str(number))
    await slowdown.failed("first")

    assert len(waits) == 1
