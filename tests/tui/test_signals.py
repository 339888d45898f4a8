"""The signals that ask a process to end, and how the second one is told from an echo."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

import schedtui_tui.signals
from schedtui_tui.signals import Signals


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time_s = [100.0]
    monkeypatch.setattr(schedtui_tui.signals, "monotonic", lambda: time_s[0])
    return time_s


@pytest.fixture
def signals() -> Iterator[Signals]:
    names = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    before = {name: signal.getsignal(name) for name in names}
    yield Signals()
    for name, handler in before.items():
        signal.signal(name, handler)


def test_a_second_signal_in_the_same_instant_is_an_echo(signals: Signals, now: list[float]) -> None:
    """GNU timeout sends its signal to the process and once more to its group."""
    signals.hurry = True
    signal.raise_signal(signal.SIGTERM)
    now[0] += 0.4
    signal.raise_signal(signal.SIGTERM)
    assert signals.got == signal.SIGTERM
    now[0] += 0.1
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_where_nothing_runs_yet_the_first_one_ends_it(signals: Signals, now: list[float]) -> None:
    signals.at_once = True
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)  # its echo
    now[0] += 9
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_before_it_stops_no_signal_breaks_anything(signals: Signals, now: list[float]) -> None:
    signal.raise_signal(signal.SIGINT)
    now[0] += 9
    signal.raise_signal(signal.SIGTERM)
    assert signals.wait(0)
    assert signals.got == signal.SIGINT


def test_one_that_another_thread_is_given_ends_the_wait(signals: Signals) -> None:
    """It does not interrupt `select` here, as one that came just before it would not."""
    masked = threading.Event()

    def send() -> None:
        masked.wait()
        time.sleep(0.05)  # until the main thread waits; sooner it would prove less, not fail
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=send)
    thread.start()
    ends = {signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    began = time.monotonic()
    try:
        masked.set()
        signals.wait(20)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
        thread.join()
    assert signals.got == signal.SIGTERM
    assert time.monotonic() - began < 15


def test_one_ends_the_wait_of_another_thread(signals: Signals) -> None:
    """That which watches a console's display waits so, while the console runs in the main one."""
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(signals.wait(20)))
    thread.start()
    signal.raise_signal(signal.SIGTERM)
    thread.join()
    assert ended == [True]
