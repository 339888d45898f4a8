"""Frames of changes: encoded once, whoever watches."""

from __future__ import annotations

import asyncio

import pytest
from api_rows import make_row

from schedtui.api import answers
from schedtui.api.answers import Frames
from schedtui.models import Changes


def changes(number: int) -> Changes:
    return Changes(cursor=f"b:{number}", jobs=(make_row(number),))


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cursors of what was encoded."""
    made: list[str] = []
    plain = answers._event

    def noting(frame: Changes) -> bytes:
        made.append(frame.cursor)
        return plain(frame)

    monkeypatch.setattr(answers, "_event", noting)
    return made


async def test_watchers_at_several_places_take_turns_and_each_frame_is_encoded_once(
    encoded: list[str],
) -> None:
    frames, several = Frames(asyncio.to_thread), [changes(number) for number in range(4)]
    told = [await frames.of(one) for one in several]
    for _ in range(5):
        assert await asyncio.gather(*(frames.of(one) for one in several)) == told
    assert encoded == ["b:0", "b:1", "b:2", "b:3"]
    for cursor, frame in zip(encoded, told, strict=True):
        assert f"id: {cursor}\n".encode() in frame


async def test_old_frames_are_let_go(encoded: list[str]) -> None:
    frames, first = Frames(asyncio.to_thread), changes(0)
    await frames.of(first)
    for number in range(1, 100):
        await frames.of(changes(number))
    await frames.of(first)
    assert encoded.count("b:0") == 2
    assert len(frames._newest) == 4
