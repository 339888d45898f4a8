"""An attached application's jobs as a file: what it says of them, and what no file can."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attach_jobs
import pytest
from attach_kit import Application, application

from schedtui.models import JobsText
from schedtui.models.jobs_file import Content, parse

ZONE = "Europe/Berlin"
HOURS = {"type": "every", "seconds": 3600, "anchor": "2027-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with application("background", tmp_path_factory.mktemp("a")) as app:
        app.attach()
        app.start()
        start = datetime(2027, 1, 1, tzinfo=UTC)
        given: dict[str, dict[str, Any]] = {
            "plain": {},
            "named": {"kwargs": {"name": "anna"}},
            "placed": {"args": ["anna"]},
            "titled": {"name": "The report"},
            "patient": {"misfire_grace_time": None, "coalesce": True, "max_instances": 3},
            "thorough": {"misfire_grace_time": None, "coalesce": False},
            "shaken": {"jitter": 30},
            "object": {"kwargs": {"name": Path("x")}},
            "ending": {"end_date": datetime(2030, 1, 1, tzinfo=UTC)},
        }
        for name, options in given.items():
            known = {"misfire_grace_time": 5, "coalesce": False, **options}
            app.scheduler.add_job(
                attach_jobs.report,
                "interval",
                hours=1,
                start_date=start,
                timezone=ZONE,
                id=name,
                **known,
            )
        app.scheduler.add_job(
            attach_jobs.report, "cron", hour=9, day_of_week="mon", id="cron", timezone=ZONE
        )
        app.scheduler.add_job(print, "interval", hours=1, args=["a", "b"], id="nameless")
        partial = functools.partial(attach_jobs.report, "anna")
        app.scheduler.add_job(partial, "interval", hours=1, id="partial")
        app.scheduler.add_job(Path("x").exists, "interval", hours=1, id="method")
        app.scheduler.pause_job("titled")
        app.job("default/method")
        app.wait(lambda: app.job("default/titled").paused)
        yield app


@pytest.fixture(scope="module")
def text(app: Application) -> JobsText:
    return app.ask(lambda one: one.export_jobs())


@pytest.fixture(scope="module")
def jobs(text: JobsText) -> dict[str, Content]:
    return {name.removeprefix("default/"): job for name, job in parse(text.text).jobs.items()}


def test_a_plain_job(jobs: dict[str, Content]) -> None:
    assert jobs["plain"] == {
        "function": "attach_jobs/report",
        "trigger": HOURS,
        "timezone": ZONE,
        "policies": {"concurrency": 1, "grace_s": 5.0, "catch_up": "skip"},
    }


def test_a_cron_job_in_its_zone(jobs: dict[str, Content]) -> None:
    cron = jobs["cron"]
    assert (cron["trigger"], cron["timezone"]) == (
        {"type": "cron", "expression": "0 9 * * mon"},
        ZONE,
    )


def test_arguments_have_names_whichever_way_they_were_given(jobs: dict[str, Content]) -> None:
    assert jobs["named"]["kwargs"] == jobs["placed"]["kwargs"] == {"name": "anna"}
    assert "description" not in jobs["placed"]


def test_a_title_and_a_pause(jobs: dict[str, Content]) -> None:
    assert (jobs["titled"]["description"], jobs["titled"]["paused"]) == ("The report", True)


@pytest.mark.parametrize(
    ("job", "policies"),
    [
        ("patient", {"concurrency": 3, "catch_up": "latest"}),
        ("thorough", {"concurrency": 1, "catch_up": "all"}),
        ("shaken", {"concurrency": 1, "grace_s": 5.0, "catch_up": "skip", "jitter_s": 30.0}),
    ],
)
def test_rules(jobs: dict[str, Content], job: str, policies: dict[str, object]) -> None:
    assert (jobs[job]["policies"], jobs[job]["trigger"]) == (policies, HOURS)


def test_what_no_file_can_say_is_told(text: JobsText, jobs: dict[str, Content]) -> None:
    told = {line.split(":")[0]: line for line in text.left_out}
    assert told.keys() == {
        f"default/{name}" for name in ("object", "ending", "nameless", "partial", "method")
    }
    assert not told.keys() & {f"default/{name}" for name in jobs}
    assert [line for line in text.text.splitlines() if line.startswith("#")][-len(told) :] == [
        f"# left out: {line}" for line in text.left_out
    ]
    assert "kwargs.name" in told["default/object"]
    assert "<IntervalTrigger" in told["default/ending"]
    assert "positional arguments have no names: args" in told["default/nameless"]
