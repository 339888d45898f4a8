"""Contexts: remote engines that a person has given names, and the one they use at the moment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from schedtui_tui import private_file
from schedtui_tui.exits import UsageError

_NAME = re.compile(r"\w[\w-]{0,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """A remote engine with a name."""

    name: str
    url: str
    token_file: Path | None = None
    """Where its access token is; None: one that is given otherwise, kept, or asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contexts:
    """All of them."""

    by_name: dict[str, Context]
    used: Context | None = None
    """What commands mean that name no engine; None: the engine of the directory."""


def place() -> Path:
    """The file they are kept in."""
    return private_file.place("contexts.json")


def read() -> Contexts:
    """The contexts of this user."""
    found = private_file.read_object(place())
    kept = found.get("contexts")
    by_name = {}
    for name, value in (kept if isinstance(kept, dict) else {}).items():
        context = _read(name, value)
        if context is not None:
            by_name[name] = context
    used = found.get("used")
    return Contexts(by_name=by_name, used=by_name.get(used) if isinstance(used, str) else None)


def write(contexts: Contexts) -> None:
    """Keep them, readable by this user alone."""
    kept = {
        one.name: {"url": one.url} | ({"token_file": str(one.token_file)} if one.token_file else {})
        for one in contexts.by_name.values()
    }
    used = contexts.used.name if contexts.used else ""
    private_file.write_object(place(), {"used": used, "contexts": kept})


def check_name(name: str) -> str:
    """``name`` itself, when a context may be called so.

    Raises:
        UsageError: it could be a URL, an option or a target.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"context: got {name!r}; expected a name of up to 64 letters, digits, '_' and '-'"
        )
    return name


def meant(text: str) -> Context:
    """What ``--connect`` means: a URL, or the name of a context.

    Raises:
        UsageError: neither.
    """
    if "://" in text:
        return Context(name="", url=text)
    known = read().by_name
    if text not in known:
        names = ", ".join(sorted(known)) or "`schedtui context add` makes one"
        raise UsageError(
            f"--connect: got {text!r}; expected a URL, such as http://HOST:PORT, or the name of a "
            f"context: {names}"
        )
    return known[text]


def _read(name: object, value: object) -> Context | None:
    if not (isinstance(name, str) and _NAME.fullmatch(name) and isinstance(value, dict)):
        return None
    url, file = value.get("url"), value.get("token_file")
    if not isinstance(url, str):
        return None
    return Context(name=name, url=url, token_file=Path(file) if isinstance(file, str) else None)
