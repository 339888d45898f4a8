"""The stores that the engine's tests run on."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_kit import World
from policy_stage import KINDS, Stage

from schedtui.engine.runs import loglines
from schedtui.store import writer


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A store in memory, and a real file."""
    return World(str(request.param), tmp_path)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log lines do not wait for company, nor the writer for a store that does not answer."""
    monkeypatch.setattr(loglines, "FLUSH_S", 0.0)
    monkeypatch.setattr(writer, "BACKOFF_S", (0.0005,))


@pytest.fixture(params=KINDS)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    """Jobs on the loop, in threads, and in processes."""
    return Stage(str(request.param), tmp_path)
