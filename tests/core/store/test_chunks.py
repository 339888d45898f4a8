from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_rows import line

from schedtui.errors import StoreDataError
from schedtui.models import LogLine
from schedtui.store import chunks

ANY_TEXT = st.text(st.characters(exclude_categories=()))
LINES = st.lists(
    st.builds(
        LogLine,
        seq=st.integers(1, 2**40),
        at_us=st.integers(-(2**50), 2**52),
        level=st.sampled_from(["debug", "info", "error"]),
        stream=st.sampled_from(["log", "stderr"]),
        text=ANY_TEXT,
        attempt=st.integers(1, 5),
    ),
    min_size=1,
)


@given(LINES)
def test_lines_survive(lines: list[LogLine]) -> None:
    chunk = chunks.encode(7, lines)

    assert chunks.decode(chunk.data) == lines
    assert (chunk.run_id, chunk.lines) == (7, len(lines))
    assert (chunk.first_seq, chunk.last_seq) == (lines[0].seq, lines[-1].seq)
    assert (chunk.first_at_us, chunk.last_at_us) == (lines[0].at_us, lines[-1].at_us)
    chunk.text.encode()


@given(LINES, st.data())
def test_the_index_never_hides_a_line_that_matches(
    lines: list[LogLine], data: st.DataObject
) -> None:
    words = data.draw(st.sampled_from(lines)).text.split()
    query = chunks.Query(" ".join(words))
    chunk = chunks.encode(1, lines)

    if words:
        assert query.hits(lines)
        assert set(query.words) <= set(chunk.text.split(" "))


def test_repetitive_lines_shrink() -> None:
    lines = [line(i, f"request {i} took {i % 90} ms") for i in range(1, 501)]
    chunk = chunks.encode(1, lines)

    assert chunk.raw_bytes == sum(len(one.text) for one in lines)
    assert len(chunk.data) < chunk.raw_bytes / 3


def test_the_index_holds_each_word_once_and_no_giants() -> None:
    chunk = chunks.encode(1, [line(1, "b a B"), line(2, "a-b " + "x" * 10_000)])

    assert chunk.text == "a b " + "x" * 64


def test_a_chunk_has_lines() -> None:
    with pytest.raises(ValueError, match="at least one line"):
        chunks.encode(1, [])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not zlib",
        zlib.compress(b"not json"),
        zlib.compress(b"\xff"),
        zlib.compress(b"{}"),
        zlib.compress(b"3"),
        zlib.compress(b"[]"),
        zlib.compress(json.dumps([2, [], [], [], [], [], []]).encode()),
        zlib.compress(json.dumps([1, [1], [1], [], [], [], []]).encode()),
        zlib.compress(json.dumps([1, ["1"], [1], ["info"], ["log"], ["x"], [1]]).encode()),
        zlib.compress(json.dumps([1, [1], [1.5], ["info"], ["log"], ["x"], [1]]).encode()),
        zlib.compress(json.dumps([1, [1], [10**18], ["info"], ["log"], ["x"], [1]]).encode()),
        zlib.compress(json.dumps([1, [1], [1], ["info"], [None], ["x"], [1]]).encode()),
        zlib.compress(b"[" * 100_000),
    ],
)
def test_damage_is_an_error_of_the_store(data: bytes) -> None:
    with pytest.raises(StoreDataError, match="damaged"):
        chunks.decode(data)
