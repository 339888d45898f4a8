"""Both stores, so that every test of the contract runs on each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from store_rows import boot

from schedtui.protocols import Store
from schedtui.store import open_store


@pytest.fixture(params=["memory", "sqlite"])
def closed_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    urls = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/state.db"}
    made = open_store(urls[request.param])
    yield made
    made.close()


@pytest.fixture
def store(closed_store: Store) -> Store:
    closed_store.open(boot())
    return closed_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def sqlite(path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{path}?busy_timeout_ms=50")
    made.open(boot())
    yield made
    made.close()


@pytest.fixture
def other(sqlite: Store, path: Path) -> Iterator[sqlite3.Connection]:  # noqa: ARG001 - opened first
    """Another program on the same file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection
