"""A user's files on disk, and what loading them gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedtui.errors import TargetError
from schedtui.target import Target, load_target

JOBS = """\
from schedtui.registry import Group

jobs = Group("Jobs")

@jobs.job(every=60)
def hello(): ...
"""


def group_file(name: str, variable: str = "group") -> str:
    return f"from schedtui.registry import Group\n{variable} = Group({name!r})\n"


ENGINE = """
class FakeEngine:
    def __init__(self, groups, **options):
        from schedtui.registry import Registry
        self.registry = Registry(groups)
    def start(self): ...
"""


def put(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def refused(target: str | None, cwd: Path) -> TargetError:
    with pytest.raises(TargetError) as caught:
        load_target(target, cwd=cwd)
    return caught.value


def names(target: Target) -> list[str]:
    return [group.name for group in target.groups]
