"""Jobs in code, in a file: what was changed of them, and nothing else."""

from __future__ import annotations

import pytest
from files_kit import edited, fill, make_engine

from schedtui import Every, Group
from schedtui.client.local import LocalClient
from schedtui.engine import Engine
from schedtui.errors import InvalidError
from schedtui.models import Job, JobPatch, Policies
from schedtui.testing import FakeClock, MemoryStore

EMPTY = "format = 1\n"


async def daily(engine: Engine, name: str = "work/daily") -> Job:
    return await LocalClient(engine).job(name)


async def test_what_nobody_changed_is_not_in_a_file() -> None:
    async with make_engine(paused=True, tags=["x"], timezone="Asia/Tokyo") as engine:
        assert "[" not in (await engine.export_jobs()).text.partition("format = 1")[2]
        assert (await engine.plan_jobs(EMPTY)).changes == ()


async def test_an_override_comes_goes_and_comes_back() -> None:
    async with make_engine() as engine:
        code = await daily(engine)
        patch = JobPatch(trigger={"type": "every", "seconds": 60}, policies=Policies(retries=9))
        await engine.edit_job("work/daily", patch)
        await engine.edit_job("work/daily", JobPatch(name="nightly", kwargs={"depth": 7}))
        await engine.pause_job("work/hourly", reason="r")
        text = (await engine.export_jobs()).text
        tables = text.partition("format = 1")[2]
        assert tables.split("\n\n")[1:] == [
            '[overrides."work/daily"]\nname = "nightly"\nevery = 60',
            '[overrides."work/daily".policies]\nretries = 9',
            '[overrides."work/daily".kwargs]\ndepth = 7',
            '[overrides."work/hourly"]\npaused = true\npause_reason = "r"\n',
        ]

        applied = await engine.apply_jobs(EMPTY, note="as the code says")
        assert [(one.job, one.static) for one in applied.changes] == [
            ("work/daily", True),
            ("work/hourly", True),
        ]
        back = await daily(engine)
        assert (back.id, back.overridden, back.trigger) == (code.id, False, code.trigger)
        assert (back.kwargs, back.policies) == (code.kwargs, code.policies)
        assert not (await daily(engine, "work/hourly")).paused

        await engine.rollback_jobs(1)
        again = await daily(engine, "work/nightly")
        assert (again.id, again.overridden, again.kwargs) == (code.id, True, {"depth": 7})
        assert (await engine.export_jobs()).text == text


async def test_a_file_stands_over_a_change_of_the_code() -> None:
    store = MemoryStore()
    async with make_engine(store) as engine:
        await engine.apply_jobs(f'{EMPTY}[overrides."work/daily"]\nowner = "Bob"\n', note="n")
        text = (await engine.export_jobs()).text
        assert (await daily(engine)).overridden
    async with make_engine(store, retries=5) as engine:
        exported = (await engine.export_jobs()).text
        assert "retries = 2" in exported, "the edit rules, and so does what it was made on"
        plan = await engine.plan_jobs(text)
        assert [(one.field, one.old, one.new) for one in plan.changes[0].fields] == [
            ("policies.retries", 2, 5)
        ]
        await engine.apply_jobs(text, note="n")
        job = await daily(engine)
        assert (job.owner, job.policies.retries) == ("Bob", 5)


async def test_pausing_is_no_override_of_what_the_code_says() -> None:
    store = MemoryStore()
    text = f'{EMPTY}[overrides."work/daily"]\npaused = true\n'
    async with make_engine(store) as engine:
        await engine.apply_jobs(text, note="n")
        job = await daily(engine)
        assert (job.paused, job.overridden) == (True, False)
    async with make_engine(store, retries=5) as engine:
        job = await daily(engine)
        assert (job.paused, job.policies.retries) == (True, 5)
        assert (await engine.plan_jobs(text)).changes == ()


@pytest.mark.parametrize(
    ("block", "field", "said"),
    [
        ('[overrides."work/none"]\nowner = "x"', "overrides.work/none", "declared in code now"),
        ('[overrides."work/often"]\nowner = "x"', "overrides.work/often", "belongs under jobs"),
        (
            '[jobs."work/daily"]\nfunction = "work/greet"\nevery = 5',
            "jobs.work/daily",
            "declared in code",
        ),
        (
            '[overrides."work/daily"]\ncron = "61 * * * *"',
            "overrides.work/daily.trigger.expression",
            "minute|expression",
        ),
        (
            '[overrides."work/daily"]\nkwargs = {deep = 1}',
            "overrides.work/daily.kwargs.deep",
            "deep",
        ),
    ],
)
async def test_what_cannot_be_said_of_a_job_in_code(block: str, field: str, said: str) -> None:
    async with make_engine() as engine:
        await fill(engine)
        before = (await engine.export_jobs()).text
        with pytest.raises(InvalidError, match=said) as refused:
            await engine.apply_jobs(f"{before}\n{block}\n", note="n")
        assert field in [one.field for one in refused.value.errors]
        assert (await engine.export_jobs()).text == before


async def test_orphans_are_left_alone_and_keep_their_names() -> None:
    store = MemoryStore()
    async with make_engine(store) as engine:
        await engine.edit_job("work/daily", JobPatch(owner="Bob"))
    empty = Group("work")
    empty.function("greet")(make_group_function)
    async with Engine(groups=[empty], store=store, clock=FakeClock()) as engine:
        assert "daily" not in (await engine.export_jobs()).text
        assert (await engine.plan_jobs(EMPTY)).changes == ()
        text = f'{EMPTY}[jobs."work/daily"]\nfunction = "work/greet"\nevery = 5\n'
        with pytest.raises(InvalidError, match="orphaned"):
            await engine.apply_jobs(text, note="n")
        assert (await daily(engine)).orphaned


async def make_group_function() -> None: ...


async def test_a_deletion_makes_way_for_the_job_in_code() -> None:
    store = MemoryStore()
    free = Group("work")
    free.function("greet")(make_group_function)
    async with Engine(groups=[free], store=store, clock=FakeClock()) as engine:
        await engine.create_job(function="work/greet", trigger=Every(60), name="daily")
    async with make_engine(store) as engine:
        assert not (await daily(engine)).static
        await engine.apply_jobs(EMPTY, note="let the code have it")
        assert (await daily(engine)).static


async def test_an_unregistered_trigger_of_the_code_is_never_read() -> None:
    group = Group("work")
    odd = {"at": None}

    class Odd:
        def get_next_fire_time(self, _previous: object, now: object) -> object:
            return odd["at"] or now

    group.job(trigger=Odd(), name="odd")(make_group_function)
    async with Engine(groups=[group], store=MemoryStore(), clock=FakeClock()) as engine:
        text = f'{EMPTY}[overrides."work/odd"]\nowner = "Bob"\n'
        await engine.apply_jobs(text, note="n")
        job = await daily(engine, "work/odd")
        assert (job.owner, job.trigger["type"]) == ("Bob", "foreign")
        assert "trigger" not in (await engine.export_jobs()).text.partition("format")[2]
        await engine.apply_jobs(EMPTY, note="n")
        assert not (await daily(engine, "work/odd")).overridden


def test_the_words_of_the_kit_are_there() -> None:
    with pytest.raises(AssertionError, match="is not in"):
        edited("a", ("b", "c"))
