"""Fixtures for every test."""

from __future__ import annotations

import signal

import pytest

# A suite that was started in the background inherits ignored signals, and so would the programs
# that the tests start and stop by signals.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    """The engine and the console are asyncio programs."""
    return "asyncio"
