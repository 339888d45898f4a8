"""A secret is given to its function, and shown nowhere."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from client_contract import CRON, ended
from engine_kit import running
from secret_jobs import TOKEN, make_group, tell

from schedtui import Engine, Group, Secret
from schedtui.api import Listen, start_server
from schedtui.api.tokens import create_token
from schedtui.client.http import HttpClient
from schedtui.client.local import LocalClient
from schedtui.errors import InvalidArgumentsError, InvalidError
from schedtui.models import JobPatch, JobSpec, Run, RunState, hidden
from schedtui.models.hidden import hide
from schedtui.models.wire import to_wire
from schedtui.protocols import EngineClient

PASSWORD = 'hunter2 "é"\\'
KEY = "key-12345"


@pytest.fixture(autouse=True)
def nothing_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has seen no secret yet."""
    monkeypatch.setattr(hidden, "_KNOWN", hidden._Known())


@pytest.fixture(params=["thread", "process"])
def executor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def engine(tmp_path: Path, executor: str) -> AsyncIterator[Engine]:
    group = make_group(executor)
    group.job(cron="0 0 1 1 *", name="declared", kwargs={"password": PASSWORD})(tell)
    url = f"sqlite:///{tmp_path / 's.db'}"
    engine = Engine(groups=[group], store=url, secrets=["api_key"], processes=1)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop(grace_s=0)


@pytest.fixture
async def http(engine: Engine) -> AsyncIterator[EngineClient]:
    secret = await engine.off_loop(lambda: create_token(engine.store, "t", "admin"))
    server = await start_server(engine, listen=Listen(port=0))
    client = HttpClient(server.url, token=secret)
    try:
        yield client
    finally:
        await client.aclose()
        await server.stop()


async def everything(engine: Engine, client: EngineClient) -> str:
    """All that can be asked for, as one text."""
    runs = (await client.runs()).items
    jobs = (await client.jobs()).items
    said: list[Any] = [runs, jobs, await client.snapshot(), await client.audit(limit=1_000)]
    said += [await client.functions(), await client.info()]
    said += [await client.explain(job.full_name) for job in jobs]
    said += [await client.run(run.id) for run in runs]
    said += [await client.attempts(run.id) for run in runs]
    said += [await client.logs(run.id) for run in runs]
    said += [await client.log_tail(run.id) for run in runs]
    said += [await engine.off_loop(lambda: engine.store.audit_trail(limit=1_000, before=None))]
    return json.dumps(to_wire(said), default=repr, ensure_ascii=False)


async def run(client: EngineClient, name: str, **kwargs: Any) -> Run:
    return await ended(client, await client.run_function(f"s/{name}", kwargs))


async def test_the_function_gets_it_and_nothing_else_does(
    engine: Engine, http: EngineClient, executor: str
) -> None:
    kwargs = {"password": PASSWORD, "to": "Bo"}
    job = await http.create_job(JobSpec(function="s/tell", trigger=CRON, kwargs=kwargs, name="j"))
    done = await ended(http, await http.trigger_job("s/j"))
    failed = await run(http, "blow", password=PASSWORD)
    nested = await run(http, "login", who={"user": "ann", "password": PASSWORD})
    named = await run(http, "plain", api_key=KEY)
    late = await run(http, "fetched")

    assert job.kwargs == {"password": "***", "to": "Bo"}
    assert (done.state, done.kwargs) == (RunState.SUCCEEDED, job.kwargs)
    assert json.loads(done.result or "") == {"type": "Secret", "length": 12, "value": "***"}
    lines = [line.text for line in (await http.logs(done.id)).lines]
    assert lines[-1] == "logged *** to=Bo"
    if executor == "process":  # elsewhere pytest may have taken what is printed
        assert lines[0] == "printed *** Secret('***')"
    assert (failed.error, nested.result) == ("cannot log in with ***", '"ann:***"')
    assert (named.kwargs, named.result) == ({"api_key": "***"}, '"***"')
    assert (late.state, late.result) == (RunState.SUCCEEDED, '"***"')
    assert (await http.job("s/declared")).kwargs == {"password": "***"}
    for client in (http, LocalClient(engine)):
        said = await everything(engine, client)
        for value in ("hunter2", KEY, TOKEN):
            assert value not in said
    assert (await http.search_logs("hunter2"), len(await http.search_logs("logged"))) == ((), 1)


@pytest.mark.parametrize("executor", ["thread"], indirect=True)
async def test_what_is_shown_for_it_keeps_it(engine: Engine, http: EngineClient) -> None:
    job = JobSpec(function="s/tell", trigger=CRON, kwargs={"password": PASSWORD}, name="j")
    await http.create_job(job)

    shown = await http.job("s/j")
    patch = JobPatch(kwargs={**shown.kwargs, "to": "Cy"})
    edited = await http.edit_job("s/j", patch)
    run = await ended(http, await http.trigger_job("s/j", kwargs={"password": "***"}))
    again = await ended(http, await http.rerun(run.id))
    once_more = await http.edit_job("s/j", patch)
    other = await http.edit_job("s/j", JobPatch(kwargs={"password": "swordfish"}))

    assert edited.kwargs == {"password": "***", "to": "Cy"}
    assert [json.loads(one.result or "")["length"] for one in (run, again)] == [12, 12]
    assert (once_more.version, other.version) == (edited.version, edited.version + 1)
    live = engine.running.core.jobs.named("s/j")
    assert live.kwargs == {"password": {"$secret": "swordfish"}}


@pytest.mark.parametrize("executor", ["thread"], indirect=True)
async def test_what_is_shown_is_no_new_secret(engine: Engine) -> None:
    client = LocalClient(engine)
    with pytest.raises(InvalidArgumentsError, match=r"password: .*the secret itself"):
        await client.create_job(
            JobSpec(function="s/tell", trigger=CRON, kwargs={"password": "***"}, name="j")
        )
    with pytest.raises(InvalidArgumentsError, match=r"api_key: .*the secret itself"):
        await client.run_function("s/plain", {"api_key": "***"})
    assert (await run(client, "plain", api_key=KEY, other="***")).state is RunState.SUCCEEDED


@pytest.mark.parametrize("executor", ["thread"], indirect=True)
@pytest.mark.parametrize(
    ("function", "kwargs"),
    [("tell", {"password": 987654}), ("plain", {"api_key": 987654}), ("login", {"who": 987654})],
)
async def test_an_error_does_not_show_it(
    engine: Engine, function: str, kwargs: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgumentsError) as raised:
        await LocalClient(engine).run_function(f"s/{function}", kwargs)

    assert "987654" not in f"{raised.value}{raised.value.errors}"
    assert raised.value.errors[0].got == "***"


async def test_it_stays_one_when_its_function_is_gone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"

    async def seen(group: Group, work: Callable[[EngineClient], Any]) -> Any:
        engine = Engine(groups=[group], store=url)
        await engine.start()
        try:
            return await work(LocalClient(engine))
        finally:
            await engine.stop(grace_s=0)

    async def first(client: EngineClient) -> None:
        kwargs = {"password": PASSWORD}
        await client.create_job(JobSpec(function="s/tell", trigger=CRON, kwargs=kwargs, name="j"))
        await ended(client, await client.trigger_job("s/j"))

    async def then(client: EngineClient) -> Any:
        (run,) = (await client.runs()).items
        return run.kwargs, (await client.job("s/j")).kwargs

    await seen(make_group(), first)
    assert await seen(Group("s"), then) == ({"password": "***"}, {"password": "***"})


async def test_what_the_store_holds(tmp_path: Path) -> None:
    """The value, once in the job and once in each of its runs: that is what README says."""
    path = tmp_path / "s.db"
    engine = Engine(groups=[make_group()], store=f"sqlite:///{path}")
    await engine.start()
    client = LocalClient(engine)
    kwargs = {"password": "correct-horse"}
    await client.create_job(JobSpec(function="s/tell", trigger=CRON, kwargs=kwargs, name="j"))
    await ended(client, await client.trigger_job("s/j"))
    await engine.stop(grace_s=0)

    database = sqlite3.connect(path)
    places = {
        (table, column)
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
        for column in [row[1] for row in database.execute(f"PRAGMA table_info('{table}')")]
        if any(
            "correct-horse" in str(value)
            for (value,) in database.execute(f'SELECT "{column}" FROM "{table}"')
        )
    }
    database.close()
    assert places == {("jobs", "kwargs"), ("runs", "kwargs")}


@pytest.mark.parametrize("executor", ["thread"], indirect=True)
async def test_a_function_tells_what_is_secret_and_no_default_of_it(engine: Engine) -> None:
    found = {one.name: one.parameters for one in await LocalClient(engine).functions()}
    mark = {"format": "password", "writeOnly": True}

    assert found["tell"]["properties"]["password"] == {"type": "string", **mark}
    assert found["plain"]["properties"]["api_key"] == {"type": "string", **mark}
    assert found["defaults"]["properties"] == {
        "password": {"type": "string", **mark},
        "api_key": {"type": "string", **mark},
        "other": {"type": "string", "default": "x"},
    }


@pytest.mark.parametrize(
    ("annotation", "shown"), [(int, {"type": "integer"}), (Any, {}), (str, {"type": "string"})]
)
async def test_a_secret_among_others_that_are_taken_has_their_type(
    annotation: Any, shown: dict[str, Any]
) -> None:
    group = Group("s")

    async def work(**kw: Any) -> None:
        del kw

    work.__annotations__["kw"] = annotation
    group.function()(work)
    async with running(group, secrets=["api_key"]) as kit:
        (found,) = await kit.client.functions()
    mark = {"format": "password", "writeOnly": True}
    assert found.parameters["patternProperties"] == {"^api_key$": {**shown, **mark}}


@pytest.mark.parametrize("names", ["password", [1], ["a b"], 3])
def test_names_of_secrets_are_checked(names: Any) -> None:
    with pytest.raises(InvalidError, match="names"):
        Engine(secrets=names)


def test_forms_in_which_a_value_is_found() -> None:
    secret = Secret('first line\nsec\'ond "line"/é')

    assert repr(secret) == "Secret('***')"
    for text in (str(secret), repr(str(secret)), json.dumps(secret), secret.splitlines()[1]):
        assert hide(f"<{text}>") in ("<***>", "<'***'>", '<"***">')
    assert hide("an innocent line") == "an innocent line"


async def test_what_is_only_looked_at_blots_nothing_out(http: EngineClient) -> None:
    job = '[jobs."s/new"]\nfunction = "s/tell"\nevery = 3600\n'
    await http.plan_jobs(f'format = 1\n{job}kwargs = {{password = "disk failure"}}\n')
    for kwargs in ({"password": "disk failure", "none": 1}, {"password": "disk failure", "to": 1}):
        with pytest.raises(InvalidArgumentsError):
            await http.run_function("s/tell", kwargs)
    assert hide("disk failure") == "disk failure"
    await run(http, "tell", password="disk failure")
    assert hide("disk failure") == "***"


@pytest.mark.parametrize(
    "value", [{"$secret": "seen-by-all"}, {"deep": [{"$secret": "seen-by-all"}]}]
)
async def test_nobody_else_makes_what_an_engine_keeps(http: EngineClient, value: Any) -> None:
    job = await http.create_job(
        JobSpec(function="s/tell", name="j", trigger=CRON, kwargs={"password": PASSWORD})
    )
    for ask in (
        lambda: http.run_function("s/anything", {"data": value}),
        lambda: http.run_function("s/others", {"$secret": value}),
        lambda: http.run_function("s/tell", {"password": value}),
        lambda: http.trigger_job(job.full_name, kwargs={"password": {"$secret": PASSWORD}}),
        lambda: http.edit_job(job.full_name, JobPatch(kwargs={"password": value})),
        lambda: http.create_job(
            JobSpec(function="s/anything", trigger=CRON, kwargs={"data": value})
        ),
    ):
        with pytest.raises(InvalidArgumentsError) as raised:
            await ask()
        assert "without the key '$secret'" in raised.value.errors[0].expected
        assert "seen-by-all" not in str(raised.value)
    assert hide("seen-by-all") == "seen-by-all"


async def test_a_run_is_repeated_with_its_own_secret(http: EngineClient) -> None:
    first = await run(http, "tell", password=PASSWORD)
    again = await ended(http, await http.rerun(first.id))
    assert again.result == first.result


async def test_a_run_keeps_its_secrets_until_it_is_gone(
    http: EngineClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    going = await http.run_function("s/waits", {"api_key": KEY, "gate": str(gate)})
    async for page in http.follow(going.id):
        if page.lines:
            break
    monkeypatch.setattr(hidden, "REMEMBERED", 5)
    for number in range(20):
        hidden.remember(f"other-{number}-of-many")
    gate.touch()
    done = await ended(http, going)
    lines = [line.text for line in (await http.logs(done.id)).lines]
    assert (lines, done.result) == (["begins ***", "ends ***"], '"***"')


async def test_a_dead_letter_is_replayed_with_its_own_secret(http: EngineClient) -> None:
    failed = await run(http, "blow", password=PASSWORD)
    answer = await http.replay_runs([failed.id])
    assert answer.done == 1, answer
    again = await ended(http, await http.run(answer.letters[0].new_run or 0))
    assert again.error == "cannot log in with ***"
