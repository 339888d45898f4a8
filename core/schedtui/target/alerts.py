"""``[[alerts]]`` of a ``schedtui.toml``: who is told of failures and the like.

::

    [[alerts]]
    kind = "webhook"
    url = "https://example.com/hook"       # or url_env, url_file: some URLs are secret
    secret_env = "HOOK_SECRET"             # or secret_file; signs what is sent
    on = ["failure", "recovery", "missed"] # also: late (late_s = 60), too_long (too_long_s = 600)
    groups = ["Reports"]                   # or jobs, tags; none of them: all jobs

    [[alerts]]
    kind = "email"
    to = ["ops@example.com"]
    host = "smtp.example.com"
    tls = "starttls"
    user = "schedtui"
    password_file = "/run/secrets/smtp"    # or password_env
"""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from schedtui.errors import InvalidError
from schedtui.models.alert import Alert, Email, Webhook, check_alerts

_KINDS: dict[str, type[Webhook] | type[Email]] = {"webhook": Webhook, "email": Email}
_SECRETS = ("secret", "password")
_FROM = ("url", *_SECRETS)
MAX_SECRET = 4_096  # characters


def read_alerts(said: Any, folder: Path) -> tuple[Alert, ...]:
    """The alerts of a settings file.

    Args:
        said: What the file has for ``alerts``.
        folder: What paths are relative to.

    Raises:
        InvalidError: it is wrong, or a secret is not where it says.
    """
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise InvalidError.one("alerts", said, "tables such as [[alerts]]")
    alerts = []
    for number, one in enumerate(said, 1):
        try:
            alerts.append(_alert(dict(one), folder))
        except InvalidError as error:
            raise InvalidError(f"alerts, number {number}: {error}", error.errors) from error
    return check_alerts(alerts)


def _alert(said: dict[str, Any], folder: Path) -> Alert:
    word = said.pop("kind", None)
    kind = _KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        raise InvalidError.one("kind", word, f"one of {', '.join(map(repr, _KINDS))}")
    known = [one.name for one in fields(kind)]
    for name in _FROM:
        if name in known:
            _fetch(said, name, folder)
    for name in said:
        if name not in known:
            raise InvalidError.one(name, said[name], f"one of {', '.join(sorted(known))}")
    needed = "url" if kind is Webhook else "to"
    if needed not in said:
        raise InvalidError.one(needed, None, "a value")
    try:
        return kind(**said)
    except (TypeError, AttributeError) as error:  # a number where a text belongs
        raise InvalidError.one(word or "", said, "values of the kinds in the manual") from error


def _fetch(said: dict[str, Any], name: str, folder: Path) -> None:
    """Put a secret where ``name_env`` or ``name_file`` says where it is."""
    if name in _SECRETS and name in said:
        expected = f"{name}_env or {name}_file: a secret does not belong in this file"
        raise InvalidError.one(name, "…", expected)
    variable, path = said.pop(f"{name}_env", None), said.pop(f"{name}_file", None)
    if variable is not None:
        value = os.environ.get(variable) if isinstance(variable, str) else None
        if not value:
            raise InvalidError.one(f"{name}_env", variable, "a variable of the environment with it")
        said[name] = value
    elif path is not None:
        try:
            text = (folder / path).read_text("utf-8")[:MAX_SECRET].strip()
        except (OSError, TypeError, ValueError) as error:
            raise InvalidError.one(f"{name}_file", path, "a file that can be read") from error
        if not text:
            raise InvalidError.one(f"{name}_file", path, "a file with something in it")
        said[name] = text
