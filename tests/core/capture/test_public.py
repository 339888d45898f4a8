"""`current_run`, `log` and `progress`, as a function uses them."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextvars import ContextVar, copy_context
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pytest
from running_doubles import Handle, context_of, make_run, make_sink, texts

from schedtui.capture import (
    CurrentRun,
    current_run,
    current_run_or_none,
    log,
    progress,
    run_context,
)
from schedtui.models import Source


def test_the_current_run_is_known_and_cannot_be_changed() -> None:
    due = datetime(2026, 3, 1, 9, tzinfo=UTC)
    run = CurrentRun(
        id=5, job="Reports/daily", scheduled_for=due, attempt=2, source=Source.SCHEDULE
    )
    context = run_context(Handle(run, make_sink(5)))
    seen = context.run(current_run)
    assert (seen.id, seen.job, seen.scheduled_for, seen.attempt, seen.source) == (
        5,
        "Reports/daily",
        due,
        2,
        "schedule",
    )
    with pytest.raises(FrozenInstanceError):
        seen.attempt = 3  # type: ignore[misc]  # it is read-only


def test_outside_of_a_run_current_run_says_what_is_wrong() -> None:
    with pytest.raises(RuntimeError, match="no current run here"):
        current_run()
    assert current_run_or_none() is None


def test_a_run_context_starts_from_the_given_one() -> None:
    tenant: ContextVar[str] = ContextVar("tenant")
    base = copy_context()
    base.run(tenant.set, "acme")
    context = run_context(Handle(make_run(), make_sink()), base)
    assert context.run(tenant.get) == "acme"
    assert base.run(current_run_or_none) is None


async def test_the_run_follows_into_tasks_and_to_thread() -> None:
    sink = make_sink(3)

    async def job() -> tuple[int, int]:
        log("in the job")
        inner = await asyncio.create_task(child())
        return inner, await asyncio.to_thread(lambda: current_run().id)

    async def child() -> int:
        log("in a task of it")
        return current_run().id

    assert await asyncio.create_task(job(), context=context_of(sink)) == (3, 3)
    assert texts(sink) == ["in the job", "in a task of it"]


def test_a_thread_that_a_job_starts_itself_has_no_run_unless_given_the_context() -> None:
    seen: list[CurrentRun | None] = []

    def job() -> None:
        plain = threading.Thread(target=lambda: seen.append(current_run_or_none()))
        plain.start()
        plain.join()
        along = threading.Thread(
            target=copy_context().run, args=(lambda: seen.append(current_run_or_none()),)
        )
        along.start()
        along.join()

    context_of(make_sink(4)).run(job)
    assert seen[0] is None
    assert seen[1] is not None
    assert seen[1].id == 4


class Point:
    def __str__(self) -> str:
        return "3 by 4"


class Rude:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "checking"),
        ({"page": 3}, "checking page=3"),
        ({"url": "https://example.org/a-b"}, "checking url=https://example.org/a-b"),
        ({"who": "Ada L."}, 'checking who="Ada L."'),
        ({"empty": ""}, 'checking empty=""'),
        ({"ok": True, "none": None, "share": 0.5}, "checking ok=true none=null share=0.5"),
        ({"items": [1, "a"], "map": {"k": 1}}, 'checking items=[1, "a"] map={"k": 1}'),
        ({"odd": {1}}, "checking odd={1}"),
        ({"path": PurePosixPath("/tmp/x")}, "checking path=/tmp/x"),
        ({"point": Point()}, 'checking point="3 by 4"'),
        ({"rude": Rude()}, 'checking rude="<Rude: its str raised RuntimeError>"'),
        ({"two": "a\nb"}, 'checking two="a\\nb"'),
        ({"big": "x" * 5_000}, 'checking big="' + "x" * 997 + '…"'),
    ],
)
def test_fields_follow_the_message(fields: dict[str, Any], line: str) -> None:
    sink = make_sink()
    context_of(sink).run(lambda: log("checking", **fields))
    assert texts(sink) == [line]


def test_a_field_may_be_called_message() -> None:
    sink = make_sink()
    context_of(sink).run(lambda: log("sent", message="hello"))
    assert texts(sink) == ["sent message=hello"]


def test_the_message_may_be_anything() -> None:
    sink = make_sink()
    values: Any = [42, Rude(), "two\nlines"]
    for value in values:
        context_of(sink).run(log, value)
    assert texts(sink) == ["42", "<Rude: its str raised RuntimeError>", "two", "lines"]


@pytest.mark.parametrize(
    ("level", "kept"),
    [("debug", "debug"), ("warn", "warning"), ("ERROR", "error"), ("critical", "critical")],
)
def test_levels(level: str, kept: str) -> None:
    sink = make_sink()
    context_of(sink).run(lambda: log("x", level=level))
    assert [(line.level, line.stream) for line in sink.lines_after(0)] == [(kept, "log")]


@pytest.mark.parametrize("level", ["loud", "", 5])
def test_an_unknown_level_is_refused_with_the_known_ones(level: Any) -> None:
    with pytest.raises(ValueError, match="expected one of debug, info"):
        log("x", level=level)


def test_outside_of_a_run_log_goes_to_logging(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        log("100 % done", page=3)
        log("careful", level="warning")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "100 % done page=3"),
        ("WARNING", "careful"),
    ]


def test_after_the_end_of_the_run_log_goes_to_logging(caplog: pytest.LogCaptureFixture) -> None:
    sink = make_sink()
    context = context_of(sink)
    sink.close()
    context.run(lambda: log("late", level="warning"))
    assert texts(sink) == []
    assert caplog.messages == ["late"]


def test_progress_reaches_the_run() -> None:
    sink = make_sink()
    context_of(sink).run(progress, 3, 10, "pages")
    assert (sink.progress, sink.progress_text) == (0.3, "pages")


def test_progress_outside_of_a_run_does_nothing_but_is_checked() -> None:
    progress(0.5)
    with pytest.raises(ValueError, match="expected numbers"):
        progress(float("nan"))
