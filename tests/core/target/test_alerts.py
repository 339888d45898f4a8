"""``[[alerts]]`` of a settings file, and what an engine takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schedtui import Email, Engine, Webhook
from schedtui.errors import InvalidError, TargetError
from schedtui.models.alert import AlertOn
from schedtui.target.settings import Settings, read_settings


def read(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "schedtui.toml"
    file.write_text(text)
    return read_settings(file, "schedtui.toml")


def test_both_kinds_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    (tmp_path / "smtp").write_text("word\n")
    found = read(
        tmp_path,
        """
        timezone = "UTC"
        [[alerts]]
        kind = "webhook"
        url = "https://example.com/hook"
        secret_env = "HOOK_SECRET"
        on = ["failure", "late"]
        groups = ["Reports"]
        late_s = 5
        [[alerts]]
        kind = "email"
        to = ["ops@example.com"]
        host = "smtp.example.com"
        tls = "starttls"
        user = "ann"
        password_file = "smtp"
        """,
    ).alerts
    hook, mail = found
    assert isinstance(hook, Webhook)
    assert isinstance(mail, Email)
    assert (hook.secret, hook.on, hook.late_s) == ("s3cret", (AlertOn.FAILURE, AlertOn.LATE), 5)
    assert (hook.name, mail.name) == ("webhook example.com", "mail ops@example.com")
    assert mail.password == "word"
    assert "s3cret" not in repr(hook)
    assert "word" not in repr(mail).replace("password", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "pager"', "kind: got 'pager'; expected one of 'webhook', 'email'"),
        ('kind = "webhook"', "url: got None"),
        ('kind = "webhook"\nurl = "ftp://x/secret"', "url: got 'ftp:'"),
        ('kind = "webhook"\nurl = "http://x"\nsecret = "a"', "secret does not belong"),
        ('kind = "webhook"\nurl = "http://x"\nsecret_env = "NO_SUCH"', "secret_env: got 'NO_SUCH'"),
        ('kind = "webhook"\nurl = "http://x"\nsecret_file = "none"', "secret_file: got 'none'"),
        ('kind = "webhook"\nurl = "http://x"\non = ["all"]', "on: got 'all'; expected any of fail"),
        ('kind = "webhook"\nurl = "http://x"\non = ["too_long"]', "too_long_s"),
        ('kind = "webhook"\nurl = "http://x"\nto = "me"', "to: got 'me'; expected one of"),
        ('kind = "webhook"\nurl = 5', "url: got"),
        ('kind = "email"\nto = ["nobody"]', "to: got 'nobody'"),
        ('kind = "email"\nto = ["a@b"]\nhost = 5', "expected values of the kinds"),
        ('kind = "email"\nto = ["a@b"]\nhost = "far"\nuser = "u"', "to log in elsewhere"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TargetError) as caught:
        read(tmp_path, f"timezone = 'UTC'\n[[alerts]]\n{text}\n")
    assert said in str(caught.value)
    assert "number 1" in str(caught.value)
    assert caught.value.line == 2
    assert "/secret" not in str(caught.value)


def test_alerts_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"tables such as \[\[alerts\]\]"):
        read(tmp_path, 'alerts = "me@example.com"')


@pytest.mark.parametrize(
    "alerts",
    ["http://x", [5], [Webhook(url="http://x"), Webhook(url="http://x/other")]],
)
def test_an_engine_refuses_what_is_none(alerts: Any) -> None:
    with pytest.raises(InvalidError, match="alerts"):
        Engine(alerts=alerts, store="memory://")
