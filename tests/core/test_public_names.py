"""What `import schedtui` gives, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import schedtui

HEAVY = ("sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn", "textual", "rich", "httpx")


def test_all_is_all_there_is() -> None:
    assert schedtui.__all__ == sorted(schedtui.__all__)
    for name in schedtui.__all__:
        assert getattr(schedtui, name) is not None
    from_star: dict[str, object] = {}
    exec("from schedtui import *", from_star)
    assert set(schedtui.__all__) == from_star.keys() - {"__builtins__"}
    with pytest.raises(AttributeError, match="no attribute 'Scheduler'"):
        _ = schedtui.Scheduler


def test_every_public_name_says_what_it_is() -> None:
    for name in schedtui.__all__:
        if name != "__version__":
            assert getattr(schedtui, name).__doc__, name


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*(name for name in sys.modules if '.' not in name))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "schedtui",
        "schedtui.models",
        "schedtui.protocols",
        "schedtui.testing",
        "schedtui.client.local",
        "schedtui.integrations.service",
        "schedtui.store",
    ],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(f"import {module}") & set(HEAVY)


@pytest.mark.parametrize("module", ["schedtui.errors", "schedtui.clock"])
def test_the_lowest_layers_load_nothing_at_all(module: str) -> None:
    # The package's own __init__ is loaded with them; what matters is what they name themselves.
    source = sys.modules[__import__(module, fromlist=["_"]).__name__]
    names = {
        value.__name__.partition(".")[0]
        for value in vars(source).values()
        if isinstance(value, type(sys))
    }
    assert names <= set(sys.stdlib_module_names)
