"""JSON files in the user's configuration folder, readable by them alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def place(name: str) -> Path:
    """Where the file of this name is."""
    from platformdirs import user_config_path  # 20 ms, and only where one is needed

    return user_config_path("schedtui") / name


def read_object(path: Path) -> dict[str, Any]:
    """The object in a file; an empty one where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write_object(path: Path, value: dict[str, Any]) -> None:
    """Replace a file whole, mode 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)  # left by a process of this number that was killed
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(value, file, indent=2)
    fresh.replace(path)
