"""What comes over the socket of a worker is data that may be anything."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from running_doubles import SetClock

from schedtui.errors import ProtocolError
from schedtui.execution.process.frames import MAX_FRAME, Decoder, encode, receive
from schedtui.execution.process.verdict import died, read_ended, read_said
from schedtui.models import RunState

CLOCK = SetClock(9)
END: list[Any] = ["succeeded", 1, None, None, None, "1", True, None, [], None]


def test_a_stream_may_be_cut_anywhere() -> None:
    messages = [{"text": "ä\ud800"}, {}, {"long": "x" * 70_000}]
    data = b"".join(map(encode, messages))
    decoder, found = Decoder(), []
    for first in range(0, len(data), 7):
        found += list(decoder.feed(data[first : first + 7]))
    assert found == messages


def test_a_message_is_waited_for() -> None:
    ours, theirs = socket.socketpair()
    message = {"x": "y" * 3_000_000}
    sender = threading.Thread(target=theirs.sendall, args=(encode(message),))
    sender.start()
    assert receive(ours) == message
    sender.join()
    theirs.sendall(encode(message)[:10])
    theirs.close()
    assert receive(ours) is None
    ours.close()
    assert receive(ours) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\0\0\0\x02[]", "is a list"),
        (b"\0\0\0\x02xy", "is not JSON"),
        (b"\0\0\0\x02\xff\xff", "is not JSON"),
        (b"\0\1\x86\xa0" + b"[" * 100_000, "is not JSON"),
        ((MAX_FRAME + 1).to_bytes(4, "big"), "at most 8,388,608 are taken"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        list(Decoder().feed(data))


@pytest.mark.parametrize(
    ("index", "value"),
    [(0, "running"), (0, []), (2, 1), (3, b"x".hex), (4, {}), (5, []), (7, 7), (8, 1), (9, [])],
)
def test_an_end_that_is_none_is_refused(index: int, value: object) -> None:
    with pytest.raises(ProtocolError):
        read_ended([*END[:index], value, *END[index + 1 :]], CLOCK)


@pytest.mark.parametrize("given", [None, [], END[1:], {"state": "succeeded"}])
def test_an_end_of_another_shape_is_refused(given: object) -> None:
    with pytest.raises(ProtocolError):
        read_ended(given, CLOCK)


def test_an_end_is_capped_and_dated_by_the_engine() -> None:
    ended = read_ended(
        ["failed", 1, "E" * 9_999, "x" * 9_999, "t" * 99_999, None, True, None, ["V"], {}], CLOCK
    )
    sizes = [
        len(text.encode()) for text in (ended.error_type, ended.error, ended.traceback) if text
    ]
    assert sizes[0] == 2_000
    assert sizes[1] == 4_096
    assert sizes[2] <= 65_536
    assert (ended.state, ended.finished_at_us, ended.result_is_json) == (RunState.FAILED, 9, False)
    for is_json in (True, False):
        ended = read_ended([*END[:5], "[" * 100_000, is_json, None, [], None], CLOCK)
        assert ended.result_is_json is False
        assert len((ended.result or "").encode()) <= 4_096


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"lines": [], "state": [1, "x"]},
        {"lines": [], "state": [1, 2, 3]},
        {"lines": [], "state": [1, "", True]},
        {"lines": [1], "state": [1, "", 0]},
        {"lines": [["info", "stdout"]], "state": [1, "", 0]},
        {"lines": [["loud", "stdout", "x"]], "state": [1, "", 0]},
        {"lines": [["info", "wall", "x"]], "state": [1, "", 0]},
        {"lines": [["info", [], "x"]], "state": [1, "", 0]},
    ],
)
def test_lines_that_are_none_are_refused(message: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        read_said(message)


def test_progress_is_a_fraction_or_not_known() -> None:
    told = [read_said({"lines": [], "state": [one, "", 0]})[1] for one in (0.5, 7, -1, "x", None)]
    assert told == [0.5, 1.0, 0.0, None, None]


def test_a_death_is_told_as_well_as_it_is_known() -> None:
    assert (died(None, CLOCK, begun=True).error or "").startswith(
        "the worker process ended (its exit code is not known) in the middle"
    )
    assert "signal 63" in (died(-63, CLOCK, begun=True).error or "")
    early = died(1, CLOCK, begun=False, last_words="no such module\n" * 500).error or ""
    assert early.startswith("the worker process ended with exit code 1 before it could make")
    assert len(early) < 2_000
