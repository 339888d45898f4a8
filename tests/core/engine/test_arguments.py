"""What checks arguments is made off the engine's loop, and in a thread's own run in that thread."""

from __future__ import annotations

import threading
from datetime import date
from typing import Annotated, Any

import pytest
from engine_kit import World, running
from pydantic import BeforeValidator

from schedtui import Group
from schedtui.errors import InvalidArgumentsError
from schedtui.models import JobPatch, RunState
from schedtui.schema import model

EVERY_10 = {"type": "every", "seconds": 10}
CHECKED: list[str] = []
"""The threads in which a `Word` was checked."""


def check(value: Any) -> Any:
    CHECKED.append(threading.current_thread().name)
    if value == "bad":
        raise ValueError("not this one")
    return value


Word = Annotated[str, BeforeValidator(check)]


@pytest.fixture
def made_in(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads in which arguments' models are built, one entry each."""
    names: list[str] = []
    init = model.ArgumentModel.__init__

    def noted(self: model.ArgumentModel, *args: Any) -> None:
        names.append(threading.current_thread().name)
        init(self, *args)

    monkeypatch.setattr(model.ArgumentModel, "__init__", noted)
    return names


def typed() -> Group:
    group = Group("g")

    @group.function()
    async def work(n: int = 1) -> None: ...

    @group.function()
    async def other(n: int = 1) -> None: ...

    return group


@pytest.mark.parametrize("how", ["static", "create", "edit", "edit the function", "trigger"])
async def test_no_model_is_built_on_the_loop(made_in: list[str], how: str) -> None:
    group = typed()
    if how == "static":

        @group.job(every=10, name="j", kwargs={"n": 2})
        async def declared(n: int = 1) -> None: ...

    async with running(group) as kit:
        if how != "static":
            kwargs = {"n": 2} if how == "create" else {}
            await kit.engine.create_job(
                function="g/work", trigger=EVERY_10, name="j", kwargs=kwargs
            )
        if how == "edit":
            await kit.client.edit_job("g/j", JobPatch(kwargs={"n": 3}))
        elif how == "edit the function":
            await kit.client.edit_job("g/j", JobPatch(function="g/other", kwargs={"n": 3}))
        elif how == "trigger":
            await kit.client.trigger_job("g/j", kwargs={"n": 4})
        await kit.clock.advance(11)
        assert {run.state for run in await kit.rows()} == {RunState.SUCCEEDED}
        assert len(made_in) == 1
        assert threading.current_thread().name not in made_in


async def test_a_dynamic_jobs_check_is_ready_before_its_first_run_after_a_start(
    world: World, made_in: list[str]
) -> None:
    async with running(typed(), world=world) as kit:
        await kit.engine.create_job(function="g/work", trigger=EVERY_10, kwargs={"n": 2})
    made_in.clear()
    async with running(typed(), world=world):
        assert len(made_in) == 1
        assert threading.current_thread().name not in made_in


async def test_arguments_of_a_plain_function_are_checked_in_its_thread(world: World) -> None:
    group = Group("g")
    ran: list[str] = []

    @group.function()
    def work(word: Word) -> None:
        ran.append(f"{threading.current_thread().name} {word}")

    async with running(group, world=world) as kit:
        await kit.engine.create_job(function="g/work", trigger=EVERY_10, kwargs={"word": "good"})
        live = kit.running.core.jobs.named("g/work")
        CHECKED.clear()
        await kit.clock.advance(10)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        assert [f"{thread} good" for thread in CHECKED] == ran
        live.kwargs = {"word": "bad"}
        await kit.clock.advance(10)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        await kit.clock.settle()
        good, bad = await kit.rows()
        assert good.state is RunState.SUCCEEDED
        assert bad.state is RunState.FAILED
        assert bad.error_type == "schedtui.errors.InvalidArgumentsError"
        assert bad.error is not None
        assert "not this one" in bad.error
        assert len(ran) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"x": float("nan")}, "kwargs.x"),
        ({"x": [1, float("inf")]}, "kwargs.x.1"),
        ({"x": {1: "one"}}, "kwargs.x"),
        ({"x": {"when": date(2026, 3, 2)}}, "kwargs.x.when"),
    ],
)
async def test_what_is_no_json_is_refused_wherever_it_is_given(
    given: dict[str, Any], field: str
) -> None:
    group = Group("g")

    @group.function()
    async def work(x: object = None) -> None: ...

    with pytest.raises(InvalidArgumentsError) as in_code:
        group.job(every=10, name="declared", kwargs=given)(work)
    async with running(group) as kit:
        job = await kit.engine.create_job(function="g/work", trigger=EVERY_10, name="plain")
        for command in (
            kit.engine.create_job(function="g/work", trigger=EVERY_10, kwargs=given),
            kit.engine.edit_job("g/plain", JobPatch(kwargs=given)),
            kit.engine.trigger_job("g/plain", kwargs=given),
        ):
            with pytest.raises(InvalidArgumentsError) as refused:
                await command
            assert str(refused.value) == str(in_code.value)
            assert [error.field for error in refused.value.errors] == [field]
        assert (await kit.client.job("g/plain")).version == job.version
        assert await kit.rows() == []
