"""Drives the console by keys and reads its screen."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from console_doubles import FakeEngine, summary
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from schedtui.models import FunctionInfo
from schedtui_tui.app import Console, Embedded
from schedtui_tui.screens.jobs import JobsScreen
from schedtui_tui.widgets.job_table import JobTable

HERE = Embedded(demo=False, can_detach=True, active_runs=lambda: 0)
"""What a console knows of an engine in its own process."""


class HalfPaintedError(AssertionError):
    """The screen has another size than what is painted: well for a moment, after a resize."""


def _holds(true: Callable[[], object]) -> bool:
    try:
        return bool(true())
    except HalfPaintedError:
        return False


@dataclass
class Driver:
    app: Console
    pilot: Pilot[Any]
    engine: FakeEngine

    def text(self) -> str:
        """What is on the screen; anything a terminal would act on fails the test at once."""
        strips = self.app.screen._compositor.render_strips()
        shown = "\n".join("".join(segment.text for segment in strip) for strip in strips)
        bad = {c for c in shown if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs"}}
        assert not bad
        width = self.app.size.width
        if any(strip.cell_length != width for strip in strips):
            raise HalfPaintedError(f"lines that are not {width} cells wide:\n{shown}")
        return shown

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not _holds(true):  # noqa: ASYNC110 - a screen has no event to wait for
                await asyncio.sleep(0.01)

    async def shows(self, *words: str) -> None:
        try:
            await self.until(lambda: all(word in self.text() for word in words))
        except TimeoutError:
            pytest.fail(f"{words} not in\n{self.text()}")

    @property
    def table(self) -> JobTable:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, JobsScreen)
        return screen.query_one(JobTable)


@asynccontextmanager
async def console(
    engine: FakeEngine,
    *,
    size: tuple[int, int] = (80, 24),
    embedded: Embedded | None = None,
    read_only: bool = False,
    title: str = "jobs.py",
) -> AsyncIterator[Driver]:
    app = Console(engine.connect, title=title, embedded=embedded, read_only=read_only)
    async with app.run_test(size=size, notifications=True) as pilot:
        driver = Driver(app, pilot, engine)
        await driver.until(lambda: app.connection.live)
        await driver.until(lambda: len(driver.table.ids) == len(engine.rows))
        yield driver


def three() -> FakeEngine:
    return FakeEngine([summary(1, "alpha"), summary(2, "beta"), summary(3, "gamma")])


def with_functions() -> FakeEngine:
    engine = three()
    schema = {
        "type": "object",
        "properties": {
            "recipient": {"type": "string", "description": "Who gets it"},
            "copies": {"type": "integer", "default": 1},
            "dry": {"type": "boolean", "default": False},
            "limits": {"type": "array"},
        },
        "required": ["recipient"],
    }
    engine.function_list = (
        FunctionInfo(group="etl", name="sync", doc="Sync."),
        FunctionInfo(group="Reports", name="send_report", doc="Send it.", parameters=schema),
    )
    return engine


async def open_form(driver: Driver) -> None:
    await driver.press("n")
    await driver.shows("FUNCTION", "send_report")
    await driver.press(*"send", "enter")
    await driver.shows("recipient *", "Who gets it", "copies")


def control(driver: Driver, selector: str) -> Input:
    return driver.app.screen.query_one(selector, Input)


def burst(driver: Driver, *keys: str) -> None:
    """Type all at once, as a slow line delivers them."""
    for key in keys:
        character = key if len(key) == 1 else None
        driver.app.post_message(events.Key(key, character))
