"""Functions with secret arguments, also for worker processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedtui import Group, Late, Secret, log, progress

TOKEN = "tok-late-0099"


@dataclass(frozen=True, kw_only=True)
class Login:
    user: str
    password: Secret


def late_token() -> Any:
    return TOKEN


def tell(password: Secret, to: str = "Ann") -> dict[str, Any]:
    """Say all that must not be said, and give it back."""
    print("printed", password, repr(password))
    log(f"logged {password}", to=to)
    progress(0.5, text=f"sending {password}")
    return {"type": type(password).__name__, "length": len(password), "value": password}


def blow(password: Secret) -> None:
    raise ValueError(f"cannot log in with {password}")


def login(who: Login) -> str:
    return f"{who.user}:{who.password}"


def plain(api_key: str, other: str = "") -> str:
    return api_key + other


def anything(data: Any) -> None:
    del data


def waits(api_key: str, gate: str) -> str:
    log(f"begins {api_key}")
    while not Path(gate).exists():
        time.sleep(0.01)
    log(f"ends {api_key}")
    return api_key


def others(**data: Any) -> None:
    del data


def fetched(token: Secret = Late(late_token)) -> str:
    print("fetched", token)
    return token


DEFAULT = Secret("default-0007")


def defaults(password: Secret = DEFAULT, api_key: str = "default-0008", other: str = "x") -> str:
    return password + api_key + other


def make_group(executor: str = "thread") -> Group:
    group = Group("s")
    for one in (tell, blow, login, plain, anything, others, waits, fetched, defaults):
        group.function(executor=executor)(one)
    return group
