"""Access tokens that a person typed at a prompt, kept for the next time, readable by them alone."""

from __future__ import annotations

from pathlib import Path

from schedtui_tui import private_file


def place() -> Path:
    """The file: one JSON object, URL to token."""
    return private_file.place("tokens.json")


def find(url: str) -> str | None:
    """The token kept for ``url``."""
    token = private_file.read_object(place()).get(_key(url))
    return token if isinstance(token, str) and token else None


def keep(url: str, token: str) -> None:
    """Keep ``token`` for ``url``."""
    path = place()
    private_file.write_object(path, private_file.read_object(path) | {_key(url): token})


def forget(url: str) -> None:
    """Keep none for ``url`` any more."""
    path = place()
    tokens = private_file.read_object(path)
    if tokens.pop(_key(url), None) is not None:
        private_file.write_object(path, tokens)


def _key(url: str) -> str:
    return url.rstrip("/")
