"""Who is told of what: where an alert goes, of which jobs, and of what happens to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from schedtui.errors import InvalidError
from schedtui.models.names import check_name

_ADDRESS = re.compile(r"[^@\s,<>\x00-\x1f\x7f]+@[^@\s,<>\x00-\x1f\x7f]+", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_DAY_S = 86_400.0


class AlertOn(StrEnum):
    """What somebody is told of."""

    FAILURE = "failure"
    """A run ended ``failed``, ``timed_out`` or ``lost``, and no attempt follows."""
    RECOVERY = "recovery"
    """A run succeeded, and the one of its job that ended before it had failed."""
    LATE = "late"
    """A run has not started ``late_s`` seconds after its due time."""
    MISSED = "missed"
    """Due times are not run: they were found too late, or waited too long."""
    TOO_LONG = "too_long"
    """An attempt runs for more than ``too_long_s`` seconds."""


ALL_BUT_LATE = (AlertOn.FAILURE, AlertOn.RECOVERY, AlertOn.MISSED)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What webhooks and mails have in common.

    Raises:
        InvalidError: a value that cannot be.
    """

    name: str = ""
    """By which it is known in the queue and in problems; empty: made of where it goes."""
    on: Sequence[AlertOn | str] = ALL_BUT_LATE
    """What is told; ``too_long`` needs ``too_long_s``."""
    jobs: Sequence[str] = ()
    """``group/name`` of those it is for; with ``groups`` and ``tags`` empty too: all."""
    groups: Sequence[str] = ()
    """All jobs of these, and functions of these that run without a job."""
    tags: Sequence[str] = ()
    """All jobs with one of these."""
    late_s: float = 60.0
    """Seconds after its due time that a run is late."""
    too_long_s: float = 0.0
    """Seconds after which an attempt takes too long; 0: never."""

    def __post_init__(self) -> None:
        for name in ("on", "jobs", "groups", "tags"):
            value = getattr(self, name)
            if isinstance(value, str) or not all(isinstance(one, str) for one in value):
                raise InvalidError.one(name, value, "a list of texts")
            object.__setattr__(self, name, tuple(value))
        known = tuple(one.value for one in AlertOn)
        for one in self.on:
            if one not in known:
                raise InvalidError.one("on", one, f"any of {', '.join(known)}")
        object.__setattr__(self, "on", tuple(AlertOn(one) for one in self.on))
        for name in ("late_s", "too_long_s"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 <= value <= 366 * _DAY_S:
                raise InvalidError.one(name, value, "seconds from 0 to a year")
        if AlertOn.TOO_LONG in self.on and not self.too_long_s:
            expected = "seconds, because on has too_long"
            raise InvalidError.one("too_long_s", self.too_long_s, expected)
        if not self.name:
            object.__setattr__(self, "name", self._place())
        check_name("name", self.name)

    def _place(self) -> str:
        return "alert"

    def wants(self, kind: AlertOn, group: str, name: str, tags: tuple[str, ...]) -> bool:
        """Whether it is told of this, of this job."""
        if kind not in self.on:
            return False
        if not (self.jobs or self.groups or self.tags):
            return True
        named = f"{group}/{name}" in self.jobs or group in self.groups
        return named or any(tag in self.tags for tag in tags)


@dataclass(frozen=True, kw_only=True)
class Webhook(Alert):
    """A URL that gets a POST with JSON."""

    url: str
    """``https://…`` or ``http://…``."""
    secret: str = field(default="", repr=False)
    """Signs what is sent; empty: nothing is signed."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            host = parts.hostname if parts.port != 0 else None
            web = parts.scheme in ("http", "https") and self.url.isprintable()
        except (ValueError, AttributeError):
            host, web = None, False
        if not host or not web:
            expected = "a URL such as https://example.com/hook"
            # What follows the host is often a secret.
            raise InvalidError.one("url", str(self.url).partition("//")[0], expected)
        super().__post_init__()

    def _place(self) -> str:
        return f"webhook {urlsplit(self.url).hostname}"


@dataclass(frozen=True, kw_only=True)
class Email(Alert):
    """Mail by SMTP."""

    to: Sequence[str]
    """Addresses."""
    sender: str = "schedtui@localhost"
    host: str = "localhost"
    """The mail server."""
    port: int = 0
    """0: 465 with ``tls="tls"``, 587 with ``starttls``, else 25."""
    tls: str = ""
    """``starttls``, ``tls`` or empty for none."""
    user: str = ""
    """To log in with; empty: nobody logs in."""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        to = (self.to,) if isinstance(self.to, str) else tuple(self.to)
        object.__setattr__(self, "to", to)
        expected = "addresses such as ann@example.com"
        for name, value in (*(("to", one) for one in to), ("sender", self.sender)):
            if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
                raise InvalidError.one(name, value, expected)
        if not to:
            raise InvalidError.one("to", to, expected)
        if not _HOST.fullmatch(self.host):
            raise InvalidError.one("host", self.host, "the name of a mail server")
        if isinstance(self.port, bool) or self.port not in range(65_536):
            raise InvalidError.one("port", self.port, "a port, or 0 for the usual one")
        if self.tls not in ("", "starttls", "tls"):
            raise InvalidError.one("tls", self.tls, "'starttls', 'tls' or an empty text")
        if self.user and not self.tls and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise InvalidError.one("tls", self.tls, "'starttls' or 'tls', to log in elsewhere")
        super().__post_init__()

    def _place(self) -> str:
        return f"mail {self.to[0]}"


def check_alerts(alerts: object) -> tuple[Alert, ...]:
    """The alerts of an engine.

    Raises:
        InvalidError: something else, or two of one name.
    """
    found = tuple(alerts) if isinstance(alerts, list | tuple) else (alerts,)
    names: set[str] = set()
    for one in found:
        if not isinstance(one, Webhook | Email):
            raise InvalidError.one("alerts", one, "Webhook(...) and Email(...)")
        if one.name in names:
            raise InvalidError.one("alerts", one.name, "another name for each: name='...'")
        names.add(one.name)
    return found
