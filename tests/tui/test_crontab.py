"""What a crontab says, line by line."""

from __future__ import annotations

import pytest

from schedtui_tui.crontab import name_of, read, split_command


def test_settings_hold_from_where_they_stand() -> None:
    text = "A=1\n0 1 * * * one\nA = ' 2 '\n\"B\"=three\nCRON_TZ=Asia/Tokyo\n0 2 * * * two\n"
    one, two = read(text).entries
    assert (one.line, one.schedule, dict(one.environment), one.timezone) == (
        *(2, "0 1 * * *"),
        *({"A": "1"}, ""),
    )
    assert (two.line, dict(two.environment), two.timezone) == (
        6,
        {"A": " 2 ", "B": "three"},
        "Asia/Tokyo",
    )


def test_a_comment_belongs_to_the_line_right_below_it() -> None:
    text = "# nightly\n  0 1 * * *\tone  two\n\n# far\n\n@daily three\n"
    one, three = read(text).entries
    assert (one.command, one.comment) == ("one  two", "nightly")
    assert (three.schedule, three.command, three.comment) == ("@daily", "three", "")


def test_a_system_crontab_has_a_column_for_the_user() -> None:
    one, two = read("17 * * * * root run-parts /etc\n@reboot www warm up\n", system=True).entries
    assert (one.user, one.command) == ("root", "run-parts /etc")
    assert (two.schedule, two.user, two.command) == ("@reboot", "www", "warm up")


@pytest.mark.parametrize(
    "line",
    [
        "61 * * * * x",
        "* * * * *",
        "@sometimes x",
        "* * * * x",
        "0~30 * * * * x",
        "CRON_TZ x",
        "@daily",
    ],
)
def test_a_line_that_cannot_be_read_is_told_by_its_number(line: str) -> None:
    found = read(f"0 1 * * * one\n{line}\n")
    assert [entry.command for entry in found.entries] == ["one"]
    assert [problem.partition(":")[0] for problem in found.problems] == ["line 2"]


def test_a_zone_that_is_none_is_told() -> None:
    (problem,) = read("CRON_TZ=Mars/Base\n0 1 * * * one\n").problems
    assert problem.startswith("line 2: ")
    assert "Mars/Base" in problem


@pytest.mark.parametrize(
    ("text", "command", "stdin"),
    [
        ("mail joe", "mail joe", ""),
        (r"date +\%F", "date +%F", ""),
        ("mail joe%Hi%there", "mail joe", "Hi\nthere\n"),
        ("cat%a%", "cat", "a\n"),
        (r"cat%50\% off", "cat", "50% off\n"),
        (r"grep 'a\.b' x\\%y", r"grep 'a\.b' x\\", "y\n"),
        ("echo \\", "echo \\", ""),
        ("cat%", "cat", ""),
    ],
)
def test_a_percent_sign_ends_the_command_unless_it_is_escaped(
    text: str, command: str, stdin: str
) -> None:
    assert split_command(text) == (command, stdin)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/usr/local/bin/backup.sh --full", "backup.sh"),
        ("cd /srv/app && ./manage.py clearsessions >/dev/null 2>&1", "manage.py"),
        ("test -x /usr/sbin/anacron || ( cd / && run-parts /etc/cron.daily )", "run-parts"),
        ("python3 /srv/jobs/report.py", "report.py"),
        ("PATH=/bin sudo -n /bin/certbot -q renew", "certbot"),
        ("[ -f /x ] && find /tmp -mtime +7 -delete", "find"),
        ("/bin/sh -c 'echo hi'", "echo-hi"),
        ("echo 'it is", "echo"),
        ("  &&", "command"),
        ("x" * 300, "x" * 60),
        ("..", "command"),
    ],
)
def test_a_job_is_called_after_the_program_that_matters(command: str, name: str) -> None:
    assert name_of(command) == name
