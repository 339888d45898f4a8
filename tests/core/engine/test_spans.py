"""Spans of runs, as OpenTelemetry's own SDK gets them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from schedtui import Engine, Group
from schedtui.errors import InvalidError
from schedtui.models import Run

EXPORTED = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def _provider() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(EXPORTED))
    trace.set_tracer_provider(provider)


def make_group() -> Group:
    group = Group("work")

    def inner() -> None:
        with trace.get_tracer("a job's own").start_as_current_span("inner"):
            pass

    @group.function()
    async def coroutine() -> None:
        inner()

    @group.function()
    def thread() -> None:
        inner()

    @group.function()
    async def bad() -> None:
        raise RuntimeError("out of luck")

    return group


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    EXPORTED.clear()
    engine = Engine(
        groups=[make_group()], store="memory://", telemetry=True, retry_delay_s=0.0, retries=0
    )
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop(grace_s=0)


async def ended(engine: Engine, run: Run) -> Run:
    async with asyncio.timeout(10):
        while True:
            found = await engine.reads.run(run.id)
            if found.finished_at is not None:
                return found
            await asyncio.sleep(0.01)


def spans(name: str) -> list[ReadableSpan]:
    return [span for span in EXPORTED.get_finished_spans() if span.name == name]


@pytest.mark.parametrize("function", ["coroutine", "thread"])
async def test_an_attempt_has_a_span_around_what_its_function_does(
    engine: Engine, function: str
) -> None:
    run = await ended(engine, await engine.run_function(f"work/{function}"))

    (outer,) = spans(f"work/{function}")
    (inner,) = spans("inner")
    assert outer.attributes is not None
    assert dict(outer.attributes) == {
        "schedtui.job": f"work/{function}",
        "schedtui.function": f"work/{function}",
        "schedtui.run_id": run.id,
        "schedtui.attempt": 1,
        "schedtui.source": "manual",
        "schedtui.state": "succeeded",
    }
    assert run.started_at is not None
    assert outer.start_time == round(run.started_at.timestamp() * 1e6) * 1_000
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id
    assert outer.status.status_code is trace.StatusCode.UNSET


async def test_each_attempt_that_fails_says_why(engine: Engine) -> None:
    await engine.create_job(
        function="work/bad", trigger={"type": "cron", "expression": "0 0 1 1 *"}, retries=1
    )
    await ended(engine, await engine.trigger_job("work/bad"))

    first, second = spans("work/bad")
    for number, span in enumerate((first, second), 1):
        assert span.attributes is not None
        assert span.attributes["schedtui.attempt"] == number
        assert span.attributes["schedtui.state"] == "failed"
        assert span.status.status_code is trace.StatusCode.ERROR
        assert span.status.description == "out of luck"
        (event,) = span.events
        assert event.attributes is not None
        assert event.attributes["exception.type"] == "RuntimeError"
        assert "raise RuntimeError" in str(event.attributes["exception.stacktrace"])


async def test_without_being_told_there_are_none() -> None:
    EXPORTED.clear()
    engine = Engine(groups=[make_group()], store="memory://")
    await engine.start()
    try:
        await ended(engine, await engine.run_function("work/coroutine"))
    finally:
        await engine.stop(grace_s=0)

    assert spans("work/coroutine") == []
    assert [span.parent for span in spans("inner")] == [None]


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with pytest.raises(InvalidError, match=r"schedtui\[otel\]"):
        Engine(groups=[make_group()], store="memory://", telemetry=True)
