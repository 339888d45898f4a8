"""Idempotency keys over HTTP: the header of a request, and that of its answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from api_doubles import FakeEngine, http_on, make_app, problem_of

CALLS = ["jobs/g/a/trigger", "functions/g/a/run", "runs/7/rerun"]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def http(engine: FakeEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with http_on(make_app(engine), "admin") as client:
        yield client


@pytest.mark.parametrize("call", CALLS)
async def test_a_replayed_answer_says_so_and_is_the_same_otherwise(
    http: httpx.AsyncClient, engine: FakeEngine, call: str
) -> None:
    headers = {"Idempotency-Key": '"order-17"'}
    plain = await http.post(f"/api/v1/{call}")
    first = await http.post(f"/api/v1/{call}", headers=headers)
    again = await http.post(f"/api/v1/{call}", headers={"idempotency-key": "order-17"})

    assert engine.keys == [None, "order-17", "order-17"]
    assert [answer.status_code for answer in (plain, first, again)] == [202, 202, 202]
    assert [answer.headers.get("idempotent-replay") for answer in (plain, first, again)] == [
        None,
        None,
        "true",
    ]
    assert first.headers["location"] == again.headers["location"]
    assert again.json() == {**first.json(), "replayed": True}


@pytest.mark.parametrize("call", CALLS)
async def test_a_key_that_cannot_be_one_is_refused(
    http: httpx.AsyncClient, engine: FakeEngine, call: str
) -> None:
    two = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    for headers in ({"Idempotency-Key": "x" * 201}, {"Idempotency-Key": '"a'}, two):
        answer = await http.post(f"/api/v1/{call}", headers=headers)
        assert answer.status_code == 422
        assert [error["field"] for error in problem_of(answer)["errors"]] == ["Idempotency-Key"]
    assert engine.calls == []
