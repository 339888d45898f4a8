"""Text that would steer a terminal."""

from __future__ import annotations

import pytest
from console_doubles import NASTY, FakeEngine, run, summary
from console_driver import HERE, console, control

from schedtui.errors import ConflictError
from schedtui.models import FunctionInfo, JobState, RunState


async def hostile() -> FakeEngine:
    long = NASTY * 200
    row = summary(
        1,
        NASTY,
        group=NASTY,
        function=NASTY,
        schedule=NASTY,
        timezone=NASTY,
        description=long,
        tags=(NASTY,),
        pause_reason=NASTY,
        state=JobState.PAUSED,
        next_due_us=10**30,
        last_at_us=-(10**30),
        last_duration_us=-5,
        progress=float("nan"),
        active=1,
        running_id=1001,
        running_since_us=-(10**30),
    )
    engine = FakeEngine([row, summary(2, "日本語" * 50)])
    engine.address = NASTY
    engine.kwargs = {NASTY: {NASTY: [long]}}
    engine.all_runs[1001] = run(
        1001,
        1,
        job=f"{NASTY}/{NASTY}",
        state=RunState.FAILED,
        kwargs={NASTY: long},
        reason=long,
        error_type=NASTY,
        error=long,
        traceback="\n".join([long] * 50),
        result=long,
        actor=NASTY,
        progress_text=NASTY,
    )
    await engine.write(1001, *([long] * 30), level=NASTY, stream=NASTY)
    engine.function_list = (
        FunctionInfo(
            group=NASTY,
            name=NASTY,
            doc=long,
            file=NASTY,
            parameters={
                "properties": {
                    NASTY: {"type": "string", "description": long, "default": NASTY},
                    "choice": {"enum": [NASTY, "b"], "default": NASTY},
                    "json": {"default": {NASTY: NASTY}},
                },
                "required": [NASTY],
            },
        ),
    )
    return engine


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_nothing_raw_reaches_any_view(size: tuple[int, int]) -> None:
    long = NASTY * 200
    engine = await hostile()
    async with console(engine, size=size, title=NASTY, embedded=HERE) as driver:
        await driver.press("g")
        await driver.until(lambda: driver.table.cursor_id is not None)
        driver.table.select(1)
        await driver.shows("[red]x")
        await driver.press("D")
        await driver.shows("Delete [red]x")
        await driver.press("escape", "t", "p")
        await driver.shows("Resumed")
        await driver.press("enter")
        await driver.shows("✗ failed")
        await driver.press("enter")
        await driver.shows("run 1001", "Log")
        await driver.press("g", "w", "f")
        await driver.shows("[red]x")
        await driver.press("escape", "escape", "n")
        await driver.shows("FUNCTION")
        await driver.press("enter")
        await driver.shows("choice")
        control(driver, "#typed").value = "bad\x1b[2J"
        await driver.shows("No due times")
        engine.create_error = ConflictError(long)
        await driver.press("ctrl+s")
        await driver.until(lambda: driver.engine.named("create_job"))
        await driver.press("escape", "y", "q")
        await driver.shows("Quit?")
        await driver.press("escape")
        engine.down = ConnectionError(long)
        driver.app.link.retry_now()
        await driver.shows("disconnected")
        assert not driver.app._exit
