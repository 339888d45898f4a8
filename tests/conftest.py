"""Fixtures for every test."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# A suite that was started in the background inherits ignored signals, and so would the programs
# that the tests start and stop by signals.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Hundreds of programs are started by the tests: they shall not each compile all sources anew.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    compiled = tempfile.mkdtemp(prefix="schedtui-tests-")
    os.environ["PYTHONPYCACHEPREFIX"] = compiled
    atexit.register(shutil.rmtree, compiled, ignore_errors=True)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process a core for the tests of folders, at least two, as half of the time they wait.

    Four at most, as each of them collects all tests. What is named in files runs here.

    ``-n NUMBER`` on the command line wins.
    """
    named = [Path(one.partition("::")[0]) for one in config.args]
    if not all(path.is_dir() for path in named):
        return 0
    return min(4, max(2, os.cpu_count() or 1))


@pytest.fixture
def anyio_backend() -> str:
    """The engine and the console are asyncio programs."""
    return "asyncio"


@pytest.fixture(autouse=True)
def signals_are_given_back() -> Iterator[None]:
    """A command that runs in this process takes them for the rest of the process's life."""
    taken = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    before = {number: signal.getsignal(number) for number in taken}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def logging_is_given_back() -> Iterator[None]:
    """`serve` in this process logs on a stream that is gone once its test is over."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    root.setLevel(level)
