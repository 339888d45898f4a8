"""The commands on an engine that `schedtui serve` runs."""

from __future__ import annotations

import csv
import signal
from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes
from zoneinfo import ZoneInfo

import pytest
from terminal_place import Place

RECIPIENT = "anna@shop.example"


def test_a_real_case_from_the_command_line(place: Place) -> None:
    """Read, create, run, look: as a person would, and what the jobs did is really there."""
    place.serve("--no-listen")

    functions = {one["name"]: one for one in place.json("functions")}
    assert list(functions["send_report"]["parameters"]["properties"]) == [
        "recipient",
        "report_type",
    ]
    assert {job["name"] for job in place.json("jobs", "--group", "shop")} >= {"tick", "cleanup"}

    words = ["--arg", f"recipient={RECIPIENT}", "--arg", "report_type=weekly", "--name", "weekly"]
    job = place.json("create", "reports/send_report", "--cron", "0 9 * * mon", *words)
    assert (job["group"], job["name"], job["static"]) == ("reports", "weekly", False)
    due = place.json("next", "reports/weekly", "--count", "3")["next"]
    assert [one["local"][11:16] for one in due] == ["09:00"] * 3

    other = place.json(
        "create", "shop/tick", "--calendar", "every 2 weeks on fri at 9:00", "--name", "a"
    )
    assert (other["trigger"]["weeks"], other["trigger"]["on"]) == (2, ["fri"])
    other = place.json("create", "shop/tick", "--trigger", '{"type": "never"}', "--name", "b")
    assert (other["trigger"], other["next_due"]) == ({"type": "never"}, None)

    run = place.json("trigger", "reports/weekly", "--wait")
    assert (run["state"], run["result"]) == ("succeeded", f'"{RECIPIENT}"')
    (mail,) = (place.folder / "outbox").glob("*.eml")
    assert message_from_bytes(mail.read_bytes())["Subject"] == "The weekly report"
    (line,) = place.json("logs", str(run["id"]))["lines"]
    assert line["text"] == f"sent recipient={RECIPIENT} kind=weekly"
    assert line["text"] in place.run("logs", "reports/weekly").stdout

    waited = place.run("trigger", "shop/export_orders", "--wait").stdout.splitlines()
    assert waited[-2].endswith("exported 2 countries"), "what it writes is shown meanwhile"
    assert ": succeeded in " in waited[-1]
    with (place.folder / "totals.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["country", "total"], ["DE", "11.75"], ["FR", "5.0"]]

    assert place.json("trigger", "shop/check_site", "--wait")["result"] == "200"

    (place.folder / "one.tmp").touch()
    first = place.json("trigger", "shop/cleanup", "--wait", "--key", "order-17")
    assert first["result"] == '"removed 1"'
    again = place.run("trigger", "shop/cleanup", "--wait", "--key", "order-17")
    assert "succeeded" in again.stdout
    assert again.stdout.endswith("(an earlier call with this key made it)\n")
    refused = place.run("trigger", "shop/cleanup", code=1)
    assert f"run {first['id']} succeeded" in refused.stdout
    assert ": skipped: once per 20" in refused.stdout

    place.run("delete", "reports/weekly")
    place.run("next", "reports/weekly", code=3)
    assert [one["id"] for one in place.json("runs", "reports/weekly")] == [run["id"]]
    assert line["text"] in place.run("logs", "reports/weekly").stdout
    place.run("runs", "reports/nobody", code=3)


def test_pause_and_resume(place: Place) -> None:
    place.serve("--no-listen")
    place.run("pause", "shop/tick", "--reason", "holidays")
    job = place.json("jobs", "shop/tick")
    assert (job["paused"], job["pause_reason"]) == (True, "holidays")
    assert "every 1 s" in place.run("jobs", "shop/tick").stdout
    assert "paused" in place.run("jobs", "--state", "paused").stdout
    place.run("resume", "shop/tick")
    assert not place.json("jobs", "shop/tick")["paused"]
    place.ended("shop/tick")


def test_the_state_of_a_job_is_the_same_word_in_the_table_and_in_the_console(place: Place) -> None:
    place.env["SITE"] += "unwell"
    place.serve("--no-listen")
    place.json("trigger", "shop/check_site", "--wait", code=1)
    place.json("trigger", "shop/wait_for_file")
    place.run("pause", "shop/cleanup")
    place.ended("shop/tick")
    words = {
        "shop/check_site": "failed",
        "shop/wait_for_file": "running",
        "shop/cleanup": "paused",
        "shop/export_orders": "scheduled",
    }
    table = place.run("jobs").stdout.splitlines()
    headers = ["JOB", "SCHEDULE", "STATE", "NEXT", "LAST", "TOOK", "FUNCTION"]
    assert table[0].split() == headers
    column = table[0].index("STATE")
    shown = {line.split()[0]: line[column:].split()[0] for line in table[1:]}
    assert shown.items() >= words.items()
    terminal = place.console()
    for name, word in words.items():
        terminal.wait(_has_line(name.removeprefix("shop/"), word))
    for word in ("failed", "running", "paused"):
        assert len(place.json("jobs", "--state", word)) == 1
    assert len(place.json("jobs", "--state", "scheduled")) == 4  # whatever became of their runs


def _has_line(*words: str) -> Callable[[str], bool]:
    """Whether one line of a screen holds all of ``words``."""
    return lambda screen: any(all(word in line for word in words) for line in screen.split("\n"))


def test_logs_follows_a_run_to_its_end(place: Place) -> None:
    place.serve("--no-listen")
    run = place.json("trigger", "shop/wait_for_file")
    assert run["state"] in {"queued", "running"}
    follower = place.start("logs", str(run["id"]), "--follow")
    assert follower.stdout is not None
    assert "waiting" in follower.stdout.readline()
    (place.folder / "go").touch()
    assert follower.wait(20) == 0
    assert "the file is there" in follower.stdout.read()
    assert place.json("runs", "shop/wait_for_file")[0]["result"] == '"went"'


def test_a_line_of_a_log_has_date_and_zone_as_runs_have(place: Place) -> None:
    place.serve("--no-listen")
    run = place.json("trigger", "shop/export_orders", "--wait")
    line = place.json("logs", str(run["id"]))["lines"][0]
    at = datetime.fromisoformat(line["at"]).astimezone(ZoneInfo("Asia/Tokyo"))
    printed = place.run("logs", str(run["id"]), TZ="Asia/Tokyo").stdout
    assert printed.startswith(f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} JST ")
    assert f"{at:%Y-%m-%d %H:%M}" in place.run("runs", TZ="Asia/Tokyo").stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["jobs", "shop/none"], 3),
        (["trigger", "shop/none"], 3),
        (["logs", "999999"], 3),
        (["functions", "--group", "none"], 3),
        (["create", "shop/none", "--every", "5m"], 3),
        (["delete", "shop/tick"], 4),
        (["create", "reports/send_report", "--cron", "99 * * * *", "--arg", "recipient=a"], 2),
        (["create", "reports/send_report", "--every", "5m"], 2),
        (["create", "shop/tick", "--trigger", "every day"], 2),
        (["create", "shop/tick", "--trigger", '{"type": "any_of"}'], 2),
        (["create", "shop/tick", "--calendar", "every fortnight at 9:00"], 2),
        (["trigger", "shop/tick", "--arg", "nothing"], 2),
    ],
)
def test_a_refusal_is_told_and_coded(shared: Place, words: list[str], code: int) -> None:
    done = shared.run(*words, code=code)
    assert done.stdout == ""
    assert done.stderr.startswith("schedtui: ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["create", "reports/send_report", "--every", "0", "--arg", "recipient=a"],
            ["--every: got '0'; expected a duration from 1 ms to 36,500 days"],
        ),
        (
            ["create", "reports/send_report", "--every", "0", "--arg", "report_type=x"],
            [
                "--every: got '0'; expected a duration from 1 ms to 36,500 days",
                "--arg recipient: expected a value; it is missing",
                "--arg report_type: got 'x'; expected 'daily' or 'weekly'",
            ],
        ),
        (
            ["trigger", "shop/tick", "--arg", "x=1", "--arg", "y=2"],
            [
                "--arg x: got 1; expected no such parameter; known: it takes none",
                "--arg y: got 2; expected no such parameter; known: it takes none",
            ],
        ),
    ],
)
def test_what_is_wrong_is_said_once_by_the_name_of_its_option(
    shared: Place, words: list[str], told: list[str]
) -> None:
    done = shared.run(*words, code=2)
    assert done.stderr.splitlines() == [f"schedtui: {line}" for line in told]


def test_a_run_that_fails_makes_trigger_wait_fail(place: Place) -> None:
    place.env["SITE"] += "unwell"
    place.serve("--no-listen")
    run = place.run("trigger", "shop/check_site", "--wait", code=1)
    assert "HTTPStatusError" in run.stdout


def test_remote_needs_a_token_and_its_role_counts(place: Place) -> None:
    served = place.serve("--listen", "127.0.0.1:0")
    here = ["--connect", served.url]
    assert "access token" in place.run("jobs", *here, code=4).stderr
    place.run("jobs", *here, code=4, SCHEDTUI_TOKEN="sched_wrong")

    viewer, operator = place.token("viewer"), place.token("operator")
    assert place.json("jobs", *here, SCHEDTUI_TOKEN=viewer)
    place.run("pause", "shop/tick", *here, code=4, SCHEDTUI_TOKEN=viewer)
    place.run("pause", "shop/tick", *here, SCHEDTUI_TOKEN=operator)
    refused = place.run("delete", "shop/tick", *here, code=4, SCHEDTUI_TOKEN=operator)
    assert "needs admin" in refused.stderr

    file = place.folder / "token"
    file.write_text(operator + "\n")
    place.run("resume", "shop/tick", *here, "--token-file", str(file), SCHEDTUI_TOKEN="sched_wrong")
    assert not any(
        token in (place.folder / "serve.log").read_text() for token in (viewer, operator)
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_stops_in_order(place: Place, number: int) -> None:
    served = place.serve("--no-listen", "--grace", "0.1")
    place.json("trigger", "shop/wait_for_file")
    assert served.stop(number) == 0
    assert not place.state.socket.exists()
    place.run("jobs", code=5)
    place.serve("--no-listen")
    assert place.json("runs", "shop/wait_for_file")[0]["state"] in {"cancelled", "lost"}


def test_under_nohup_a_hangup_means_nothing(place: Place) -> None:
    served = place.serve("--no-listen", prefix=["nohup"])
    served.process.send_signal(signal.SIGHUP)
    assert place.json("jobs")
    assert served.stop() == 0


def test_after_kill_9_the_next_engine_starts_and_tells_what_was_lost(place: Place) -> None:
    served = place.serve("--no-listen")
    run = place.json("trigger", "shop/wait_for_file")
    place.wait(lambda: place.json("runs", "shop/wait_for_file")[0]["state"] == "running")
    assert served.stop(signal.SIGKILL) == -signal.SIGKILL
    place.run("jobs", code=5)
    place.serve("--no-listen")
    lost = place.json("runs", "shop/wait_for_file")[0]
    assert (lost["id"], lost["state"]) == (run["id"], "lost")


def test_a_second_engine_on_the_same_store_is_refused(place: Place) -> None:
    served = place.serve("--no-listen")
    done = place.run("serve", "--no-listen", code=4)
    assert str(served.process.pid) in done.stderr
    assert place.json("jobs")


def test_a_target_that_cannot_be_loaded_is_told_in_a_line(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text("from schedtui import Group\nx = 1 / 0\n")
    done = empty.run("serve", "--no-listen", code=1)
    assert "jobs.py:2" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_a_file_with_jobs_that_is_not_loaded_is_told(empty: Place) -> None:
    for name in ("jobs", "more"):
        (empty.folder / f"{name}.py").write_text(
            f"from schedtui import Group\n{name} = Group('{name}')\n"
            f"@{name}.job(every='1h')\ndef work(): ...\n"
        )
    served = empty.serve("--no-listen")
    told = (empty.folder / "serve.log").read_text()
    assert told.count("not loaded: more.py") == 1
    assert 'target = ["jobs.py", "more.py"]' in told
    served.stop()
    terminal = empty.console()
    terminal.wait("not loaded: more.py")
    terminal.close()
    (empty.folder / "schedtui.toml").write_text('target = ["jobs.py", "more.py"]\n')
    empty.serve("--no-listen")
    assert {job["group"] for job in empty.json("jobs")} == {"jobs", "more"}


def test_settings_file(place: Place) -> None:
    (place.folder / "schedtui.toml").write_text(
        'timezone = "Asia/Tokyo"\nstore = "sqlite:///elsewhere.db"\nlisten = "127.0.0.1:0"\n'
    )
    served = place.serve()
    assert served.url
    job = place.json("jobs", "shop/export_orders")
    assert job["timezone"] == "Asia/Tokyo"
    assert (place.folder / "elsewhere.db").exists()
    token = place.token("viewer")
    assert place.json("jobs", "--connect", served.url, SCHEDTUI_TOKEN=token)


def test_names_and_logs_cannot_steer_a_terminal(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(
        "from schedtui import Group\n"
        "g = Group('g')\n"
        "@g.job(every='1h', description='\\x1b]0;PWNED\\x07')\n"
        "def shout():\n"
        "    print('\\x1b]0;PWNED\\x07 \\x1b[2J \\x9b31m')\n"
        "    raise ValueError('\\x1b]52;c;UFdO\\x07')\n"
    )
    empty.serve("--no-listen")
    empty.run("trigger", "g/shout", "--wait", code=1)
    for words in (["jobs"], ["runs"], ["logs", "g/shout"], ["functions"]):
        terminal = empty.console(*words)
        assert terminal.leave() == 0
        terminal.close()
        assert b"\x1b]" not in terminal.written()
        assert b"\x1b[2J" not in terminal.written()
        assert "\x9b".encode() not in terminal.written()


def test_an_interrupted_command_ends_quietly(place: Place) -> None:
    place.serve("--no-listen")
    run = place.json("trigger", "shop/wait_for_file")
    follower = place.start("logs", str(run["id"]), "--follow")
    assert follower.stdout is not None
    assert "waiting" in follower.stdout.readline()
    follower.send_signal(signal.SIGINT)
    assert follower.wait(20) == 130


DEADLY = """
import asyncio
from schedtui import Group

g = Group("g")

@g.function()
async def exits():
    async def part():
        raise SystemExit(3)
    await asyncio.gather(part())

@g.function()
async def cancels_everything():
    for task in asyncio.all_tasks():
        task.cancel()
"""


def test_serve_survives_an_exit_and_ends_with_its_engine(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(DEADLY)
    served = empty.serve("--no-listen")
    for name in ("exits", "cancels_everything"):
        empty.run("create", f"g/{name}", "--every", "1h")
    assert empty.json("trigger", "g/exits", "--wait", code=1)["error_type"] == "SystemExit"
    assert empty.json("jobs", "g/exits")["name"] == "exits"
    last = empty.start("trigger", "g/cancels_everything")
    assert served.process.wait(20) == 1
    last.wait(20)
    log = (empty.folder / "serve.log").read_text()
    assert "no job fires any more; start it again" in log
    assert "never awaited" not in log
    empty.serve("--no-listen")  # nothing is locked


def test_the_console_ends_with_its_engine(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(DEADLY)
    terminal = empty.console()
    terminal.wait("engine in this console")
    empty.wait(empty.answers)
    empty.run("create", "g/cancels_everything", "--every", "1h")
    empty.start("trigger", "g/cancels_everything").wait(20)
    assert terminal.leave() == 1
    assert "start it again" in terminal.wait("ended by accident")


def test_explain_says_why_a_job_ran_or_did_not(place: Place) -> None:
    place.serve("--no-listen")
    place.ended("shop/tick")
    told = place.json("explain", "shop/tick")
    assert (told["ran"], told["facts"][0]["kind"]) == (True, "run")
    assert told["runs"]
    place.run("pause", "shop/tick", "--reason", "holidays")
    words = place.run("explain", "shop/tick", "tomorrow", "9:00").stdout
    assert words.startswith("shop/tick will not run for ")
    assert "holidays" in words.splitlines()[0]
    assert "upcoming" in words
    assert "expected a time such as" in place.run("explain", "shop/tick", "x", code=2).stderr
    place.run("explain", "shop/none", code=3)
