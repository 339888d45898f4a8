"""Server-sent events, written and read."""

from __future__ import annotations

import pytest

from schedtui.client.sse import MAX_LINE, SseEvent, SseParser, frame
from schedtui.errors import ProtocolError


def parse(*chunks: bytes) -> list[SseEvent]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def test_a_frame_reads_back() -> None:
    made = frame([b'{"a":', b"1}"], event="changes", id_="b:1")

    assert parse(made) == [SseEvent("changes", b'{"a":\n1}', "b:1")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_chunks_may_break_anywhere(size: int) -> None:
    text = b": hello\r\n\r\n" + frame([b"1"], id_="x") + b"data:2\r\n\r\n" + frame([b"\xc3\xa9"])
    chunks = [text[start : start + size] for start in range(0, len(text), size)]

    assert parse(*chunks) == [
        SseEvent("message", b"1", "x"),
        SseEvent("message", b"2", "x"),
        SseEvent("message", b"\xc3\xa9", "x"),
    ]


def test_comments_unknown_fields_and_empty_events_are_passed_over() -> None:
    assert parse(b": ping\n\nretry: 5\nfoo: bar\nnonsense\n\nid: 7\n\ndata\n\n") == [
        SseEvent("message", b"", "7")
    ]


def test_an_unfinished_event_is_none() -> None:
    assert parse(b"data: 1\n") == []


def test_a_line_without_end_is_refused() -> None:
    parser = SseParser()
    for _ in range(MAX_LINE // 65_536):
        assert parser.feed(b"x" * 65_536) == []
    with pytest.raises(ProtocolError, match="line of more than"):
        parser.feed(b"x")


def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedtui.client.sse.MAX_EVENT", 1_000)
    with pytest.raises(ProtocolError, match="event of more than"):
        parse(*[b"data: 0123456789\n"] * 200)


def test_empty_lines_are_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedtui.client.sse.MAX_EVENT", 1_000)
    with pytest.raises(ProtocolError, match="event of more than"):
        parse(b"data:\n" * 200)


def test_names_are_text() -> None:
    with pytest.raises(ProtocolError, match="UTF-8"):
        parse(b"event: \xff\n")
