"""Every block of core/README.md is typed as it stands, by whoever reads its like: Python, a shell,
the program. One that nobody types fails here, until somebody does or says why it cannot be."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # it has no types of its own
from apscheduler.schedulers.background import BackgroundScheduler
from manual_guide import MANUAL, Block, Guide, blocks_of, elsewhere
from terminal_place import Place

from schedtui import Cron, Engine, Except, Group
from schedtui.client.local import LocalClient
from schedtui.models import Run, RunState

Typist = Callable[[Guide, str], Awaitable[None]]
BLOCKS = blocks_of(MANUAL)
TYPISTS: dict[str, Typist] = {}
"""By words that the block has and no other."""
LANGUAGES: dict[str, Typist] = {}
"""For the other blocks of a language."""
WHY_NOT = {
    "FROM python:": "an image is built from the internet",
    "docker build": "and needs a daemon",
    "proxy_pass": "tests/nginx_place.py has it, with the port of a test",
}
"""Also by words of theirs."""


def typed(words: str) -> Callable[[Typist], Typist]:
    """Types the block with these words."""

    def enter(typist: Typist) -> Typist:
        TYPISTS[words] = typist
        return typist

    return enter


@pytest.fixture
def guide(empty: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guide]:
    monkeypatch.chdir(empty.folder)
    monkeypatch.syspath_prepend(str(empty.folder))
    monkeypatch.setenv("HOOK_SECRET", "a secret of thirty-two characters")
    empty.env["HOOK_SECRET"] = "a secret of thirty-two characters"
    guide = Guide(place=empty)
    yield guide
    guide.close()


@pytest.mark.parametrize("block", BLOCKS, ids=str)
async def test_the_manual_as_it_stands(block: Block, guide: Guide) -> None:
    for words, reason in WHY_NOT.items():
        if words in block.text:
            pytest.skip(reason)
    found = [typist for words, typist in TYPISTS.items() if words in block.text]
    typist = found[0] if found else LANGUAGES.get(block.language)
    assert len(found) <= 1
    assert typist is not None, f"nobody types this block of core/README.md:\n{block.text}"
    await typist(guide, block.text)


@pytest.mark.parametrize("words", [*TYPISTS, *WHY_NOT])
def test_whoever_types_a_block_has_it(words: str) -> None:
    assert len([block for block in BLOCKS if words in block.text]) == 1


async def ended(engine: Engine, run: Run) -> Run:
    """A run, once it has ended."""
    client = LocalClient(engine)
    async for page in client.follow(run.id):
        if page.done:
            break
    return await client.run(run.id)


async def succeeded(engine: Engine, run: Run) -> Any:
    """The result of a run."""
    last = await ended(engine, run)
    assert last.state is RunState.SUCCEEDED, last
    return None if last.result is None else json.loads(last.result)


@asynccontextmanager
async def daily(engine: Engine) -> AsyncIterator[Engine]:
    """The manual's engine at work, with a job that was made at run time."""
    async with engine:
        await engine.create_job(
            function="Reports/send_report",
            trigger=Cron("0 9 * * *"),
            kwargs={"recipient": "ann"},
            name="daily",
        )
        yield engine


async def any_python(guide: Guide, code: str) -> None:
    await guide.type(code)


async def any_unit(guide: Guide, text: str) -> None:
    """A unit of systemd, with a program that is here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    guide.write("jobs.service", re.sub(r"/srv/jobs/\S*bin/schedtui", "/bin/true", text))
    told = guide.shell('systemd-analyze verify "$PWD/jobs.service" 2>&1 || true')
    assert "jobs.service" not in told


async def any_settings(guide: Guide, text: str) -> None:
    """A part of ``schedtui.toml``."""
    guide.jobs()
    guide.write("smtp", "a password")
    here = text.replace("/run/secrets/", f"{guide.folder}/")
    guide.write("schedtui.toml", f'target = "jobs.py"\n{here}')
    guide.place.serve("--no-listen")
    assert "cleanup" in guide.shell("schedtui jobs")


LANGUAGES |= {"python": any_python, "toml": any_settings, "ini": any_unit}


@typed('cron="0 9 * * mon-fri", catch_up="latest"')
async def the_first_jobs(guide: Guide, code: str) -> None:
    names = await guide.type(code)
    engine: Engine = names["engine"]
    assert not engine.is_running
    async with engine:
        assert await succeeded(engine, await engine.trigger_job("Reports/cleanup")) == 100
        sent = await engine.run_function("Reports/send_report", kwargs={"recipient": "ann"})
        assert await succeeded(engine, sent) == "ann"


@typed("async def remind(")
async def one_off_jobs(guide: Guide, code: str) -> None:
    names = await guide.type(code)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    async with names["engine"] as engine:
        await names["remind"](engine, 17, at)
        await names["remind"](engine, 17, at + timedelta(hours=1))
        assert await names["coming"](engine) == {"remind-17": at + timedelta(hours=1)}
        await names["forget"](engine, 17)
        assert await names["coming"](engine) == {}


@typed("engine.router(auth=staff)")
async def a_fastapi_service(guide: Guide, code: str) -> None:
    shop = guide.module("shop", code)
    transport = httpx.ASGITransport(app=shop.app)
    async with (
        shop.app.router.lifespan_context(shop.app),
        httpx.AsyncClient(transport=transport, base_url="http://x") as http,
    ):
        assert shop.engine.is_running
        assert (await http.get("/jobs/api/v1/jobs")).status_code == 401
        path, ann = "/jobs/api/v1/jobs/Shop/sweep/trigger", {"x-user": "ann"}
        assert (await http.post(path, headers=ann)).status_code == 202


@typed("engine.replay_runs(window)")
async def dead_letters(guide: Guide, code: str) -> None:
    async with daily(vars(guide.first())["engine"]) as engine:
        run = await ended(engine, await engine.trigger_job("Reports/daily"))
        names = await guide.type(code, engine=engine)
        answer = names["answer"]
        assert (answer.found, answer.done) == (2, 0)
        assert [letter.run for letter in answer.letters] == [17, 18]
        assert run.id < 17
        assert "no run 17" in answer.letters[0].problem


@typed("# gunicorn.conf.py")
async def what_gunicorn_reads(guide: Guide, code: str) -> None:
    (service,) = [block.text for block in BLOCKS if "engine.router(auth=staff)" in block.text]
    shop = guide.module("shop", service)
    names: dict[str, Any] = {}
    exec(code, names)
    names["post_fork"](None, None)
    try:
        assert shop.engine.sync.trigger_job("Shop/sweep").source == "manual"
    finally:
        shop.engine.close()


@typed("memory_limit_mb=512)")
async def a_function_for_a_process(guide: Guide, code: str) -> None:
    guide.first()
    crunching = guide.module("crunching", f"from datetime import date\nfrom jobs import *\n{code}")
    async with crunching.engine as engine:
        jobs = await LocalClient(engine).jobs()
        assert [job.name for job in jobs.items] == ["cleanup", "crunch"]
        run = await engine.trigger_job("Reports/crunch")
        assert await succeeded(engine, run) is None


@typed('register_calendar(\n    "bank"')
async def a_calendar(guide: Guide, code: str) -> None:
    guide.write("bank-holidays.toml", "dates = [2026-12-25]\n")
    weekdays: Except = (await guide.type(code))["weekdays"]
    found = weekdays.next_after(datetime(2026, 12, 24, 12, tzinfo=UTC))
    assert found == datetime(2026, 12, 28, 9, tzinfo=UTC)


@typed("async def be_patient(")
async def one_policy(guide: Guide, code: str) -> None:
    names = await guide.type(code)
    async with names["engine"] as engine:
        await names["be_patient"](engine)
        job = await LocalClient(engine).job("Reports/cleanup")
        assert (job.policies.timeout_s, job.policies.catch_up) == (600, "latest")


@typed("engine.backfill_job(")
async def a_backfill(guide: Guide, code: str) -> None:
    async with daily(guide.first().engine) as engine:
        names = await guide.type(code, engine=engine)
        assert names["answer"].queued == 7


@typed("def export() -> None")
async def a_chain(guide: Guide, code: str) -> None:
    names = await guide.type(code)
    async with names["engine"] as engine:
        run = await engine.trigger_job("Reports/export")
        assert await succeeded(engine, run) is None
        follows = await LocalClient(engine).runs(limit=10)
        assert [(one.job, one.parent_id) for one in follows.items if one.source == "chain"] == [
            ("Reports/mail", run.id)
        ]


@typed('[jobs."Reports/monday"]')
async def jobs_in_a_file(guide: Guide, text: str) -> None:
    guide.jobs()
    guide.write("file.toml", text)
    guide.place.serve("jobs.py", "--no-listen")
    told = guide.shell("schedtui plan file.toml")
    assert "+ Reports/monday" in told
    guide.shell("schedtui apply file.toml --yes --note typed")
    assert "monday" in guide.shell("schedtui jobs")
    exported = guide.shell("schedtui export")
    assert 'owner = "ann@example.com"' in exported
    assert guide.shell("schedtui plan file.toml --check").count("Reports/") == 0


@typed("Late.toml(")
async def late_values(guide: Guide, code: str) -> None:
    guide.write("conf.toml", "[mail]\nlimits = {most = 3}\n")
    guide.first()
    guide.write("flags.py", "def dry_run() -> bool:\n    return True\n")
    limits = "@dataclass\nclass Limits:\n    most: int\n"
    around = f"from dataclasses import dataclass\nimport flags\nfrom jobs import *\n{limits}"
    late = guide.module("late", around + code)
    async with late.engine as engine:
        run = await engine.run_function("Reports/send", kwargs={"to": "ann"})
        assert await succeeded(engine, run) is None
        assert set((await ended(engine, run)).late) == {"dry_run", "limits"}


@typed("engine.follow_code(")
async def code_that_is_followed(guide: Guide, code: str) -> None:
    guide.jobs()
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec", dont_inherit=True), names)
    async with names["engine"] as engine:
        assert [module.state for module in (await engine.reload()).modules] == ["unchanged"]
        with (guide.folder / "jobs.py").open("a", encoding="utf-8") as jobs:
            jobs.write("\n\n@reports.function()\ndef new() -> None: ...\n")
        assert [module.state for module in (await engine.reload()).modules] == ["reloaded"]


@typed("schedtui serve jobs.py --listen")
async def a_service(guide: Guide, script: str) -> None:
    guide.jobs()
    token, serve, curl = elsewhere(script).splitlines()
    secret = guide.shell(token).strip()
    guide.place.serve(*serve.split("schedtui serve ")[1].split())
    answer = json.loads(guide.shell(curl, SCHEDTUI_TOKEN=secret))
    assert [job["name"] for job in answer["items"]] == ["cleanup"]


@typed("password: Secret")
async def what_is_secret(guide: Guide, code: str) -> None:
    mail = Group("mail")
    await guide.type(code, mail=mail, read_key=lambda: "key")
    async with Engine(groups=[mail], store="memory://") as engine:
        run = await engine.run_function("mail/send", kwargs={"to": "ann", "password": "hidden"})
        assert (await ended(engine, run)).state is RunState.SUCCEEDED
        assert "hidden" not in repr(await LocalClient(engine).run(run.id))


@typed("scrape_configs")
async def what_prometheus_reads(guide: Guide, text: str) -> None:
    """Prometheus itself is not among what tests need."""
    (job,) = yaml.safe_load(elsewhere(text))["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    guide.jobs()
    token = guide.place.token("viewer")
    guide.place.serve("jobs.py", "--listen", target)
    kind = job["authorization"].get("type", "Bearer")
    told = guide.shell(f'curl -s -H "Authorization: {kind} {token}" http://{target}/metrics')
    assert "schedtui_jobs{" in told


@typed("attach(scheduler)")
async def an_application_with_apscheduler(guide: Guide, code: str) -> None:
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(SimpleNamespace, "interval", hours=1, id="often")
    exec(code, {"scheduler": scheduler})
    scheduler.start()
    try:
        guide.place.wait(guide.place.answers)
        assert "default/often" in guide.shell("schedtui jobs")
    finally:
        scheduler.shutdown()


@typed("/task-manager/tasks")
async def the_calls_of_another(guide: Guide, script: str) -> None:
    guide.jobs()
    token = guide.place.token("admin")
    served = guide.place.serve("jobs.py", "--listen", "127.0.0.1:0")
    address = served.url.removeprefix("http://")
    answer = json.loads(guide.shell(elsewhere(script, address), SCHEDTUI_TOKEN=token))
    assert answer["function_name"] == "send_report", answer
