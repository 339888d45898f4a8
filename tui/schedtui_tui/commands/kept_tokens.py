"""Access tokens that a person typed at a prompt, kept for the next time, readable by them alone."""

from __future__ import annotations

import json
import os
from pathlib import Path


def place() -> Path:
    """The file: one JSON object, URL to token."""
    from platformdirs import user_config_path  # 20 ms, and only where no token was given

    return user_config_path("schedtui") / "tokens.json"


def find(url: str) -> str | None:
    """The token kept for ``url``."""
    token = _read().get(_key(url))
    return token if isinstance(token, str) and token else None


def keep(url: str, token: str) -> None:
    """Keep ``token`` for ``url``; the file is replaced whole, mode 0600."""
    path = place()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    tokens = _read() | {_key(url): token}
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)  # left by a process of this number that was killed
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(tokens, file, indent=2)
    fresh.replace(path)


def _key(url: str) -> str:
    return url.rstrip("/")


def _read() -> dict[str, object]:
    try:
        tokens = json.loads(place().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return tokens if isinstance(tokens, dict) else {}
