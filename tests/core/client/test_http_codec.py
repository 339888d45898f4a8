"""Answers decoded: nothing that does not fit gets through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_doubles import INFO, make_page, make_row

from schedtui.api.answers import changes_lines
from schedtui.client.http_codec import (
    COLUMNS,
    decode,
    decode_changes,
    decode_json,
    decode_logs,
    decode_rows,
    encode_row,
)
from schedtui.client.http_json import dump, dump_finite, parse
from schedtui.errors import ProtocolError
from schedtui.models import Changes, Job, JobState, RunChange, RunState
from schedtui.models.wire import to_wire


def wire_row(**changed: Any) -> list[Any]:
    row: list[Any] = json.loads(dump(encode_row(make_row(1))))
    for name, value in changed.items():
        row[COLUMNS.index(name)] = value
    return row


def test_rows_read_back_the_same() -> None:
    rows = (
        make_row(1),
        make_row(2, recent=(), tags=(), progress=None, running_id=None, running_since_us=None),
        make_row(3, last_id=None, last_state=None, last_at_us=None, last_duration_us=None),
        make_row(4, next_due_us=None, state=JobState.PAUSED, progress=1, name="\ud800 é"),
    )
    read = decode_rows(json.loads(dump([encode_row(row) for row in rows])), COLUMNS)

    assert read == rows
    assert type(read[0].state) is JobState
    assert all(type(state) is RunState for state, _ in read[0].recent)
    assert decode_rows([], COLUMNS) == ()


def test_a_newer_engine_may_know_more_columns_in_another_order() -> None:
    columns = ["new", *reversed(COLUMNS)]
    read = decode_rows([["?", *reversed(wire_row())]], columns)

    assert read == (make_row(1),)


BAD_CELLS: list[dict[str, Any]] = [
    {"id": "1"},
    {"id": True},
    {"id": -1},
    {"id": 2**63},
    {"group": None},
    {"name": ["x"]},
    {"state": "smashed"},
    {"state": None},
    {"state": {"a": 1}},
    {"next_due_us": 1.5},
    {"next_due_us": 10**18},
    {"next_due_us": -(10**18)},
    {"running_since_us": "now"},
    {"last_duration_us": 10**30},
    {"last_state": "sleeping"},
    {"recent": None},
    {"recent": ["failed"]},
    {"recent": ["failed", "5"]},
    {"recent": ["nothing", 5]},
    {"recent": [None, 5]},
    {"recent": [["failed", 5]]},
    {"recent": ["failed", 5] * 501},
    {"progress": "half"},
    {"progress": 1.5},
    {"progress": True},
    {"static": 1},
    {"tags": "x"},
    {"tags": [1]},
    {"description": 3},
]


@pytest.mark.parametrize("changed", BAD_CELLS, ids=str)
def test_a_bad_cell_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match=r"engine's (job table|answer)"):
        decode_rows([wire_row(), wire_row(**changed)], COLUMNS)


@pytest.mark.parametrize(
    "rows", [None, {}, "rows", [None], [{}], ["x" * 23], [[]], [wire_row()[1:]], [[*wire_row(), 1]]]
)
def test_bad_rows_are_refused(rows: Any) -> None:
    with pytest.raises(ProtocolError, match="job table"):
        decode_rows(rows, COLUMNS)


def test_missing_columns_are_refused() -> None:
    with pytest.raises(ProtocolError, match="lacks a column"):
        decode_rows([wire_row()[1:]], COLUMNS[1:])


@pytest.mark.parametrize("engine", [None, INFO])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_changes_read_back_the_same(count: int, engine: Any) -> None:
    changes = Changes(
        cursor="b:1",
        jobs=tuple(make_row(number + 1) for number in range(count)),
        removed=(4, 5),
        runs=(RunChange(1, 2, RunState.RUNNING),),
        engine=engine,
    )

    lines = changes_lines(changes)
    assert decode_changes(b"\n".join(lines)) == changes
    assert max(map(len, lines)) < 1_000


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"cursor": 1},
        {"cursor": "b:1", "runs": [[1, 2]]},
        {"cursor": "b:1", "runs": [[1, 2, "flying"]]},
        {"cursor": "b:1", "runs": [[-1, 2, "failed"]]},
        {"cursor": "b:1", "removed": ["x"]},
        {"cursor": "b:1", "jobs": {}},
        {"cursor": "b:1", "engine": {}},
        [],
    ],
    ids=str,
)
def test_bad_changes_are_refused(body: Any) -> None:
    with pytest.raises(ProtocolError):
        decode_changes(json.dumps(body).encode())


def test_log_lines_keep_every_character() -> None:
    page = make_page(1, 2)

    assert decode_logs(json.loads(dump(to_wire(page)))) == page
    wrong: Any = to_wire(page)
    wrong["lines"][0][1] = 10**18
    with pytest.raises(ProtocolError, match="at_us"):
        decode_logs(wrong)


def test_models_of_a_newer_engine_are_read_and_wrong_ones_are_not() -> None:
    job = to_wire(INFO)
    assert decode(type(INFO), {**job, "mood": "good"}) == INFO
    cases: list[Any] = [None, [], {**job, "pid": "x"}, {**job, "now": "2026-01-01T00:00:00"}]
    for wrong in cases:
        with pytest.raises(ProtocolError, match="does not fit"):
            decode(type(INFO), wrong)
    with pytest.raises(ProtocolError, match="does not fit"):
        decode(Job, {"id": 1})


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff", b"NaN", b"[1e999]", b"9" * 5_000, b"[" * 100_000, b"[" * 150 + b"]" * 150],
    ids=["empty", "cut", "bytes", "nan", "inf", "digits", "open", "deep"],
)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError, match="the engine's answer is"):
        decode_json(text)


def test_numbers_that_json_does_not_know() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump({"x": float("nan")})
    assert dump_finite({"x": (float("inf"), 1)}) == b'{"x":[null,1]}'
    assert parse(b'{"a":1,"a":2}') == {"a": 2}


MANY = 1_000_001


@pytest.mark.parametrize(
    "data",
    [
        b"[" + b"{}," * MANY + b"{}]",
        b"[" + b"[]," * MANY + b"[]]",
        b"[" * MANY,
        b'{"":' * MANY,
        b"[" + b'"",' * MANY,
        b"[" + b'"\\\\\\\\",' * MANY,
    ],
    ids=["objects", "lists", "nested lists", "nested objects", "texts", "escapes"],
)
def test_more_values_than_any_answer_holds_are_refused_unread(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="holds more than 1000000 values"):
        decode_json(data)


@pytest.mark.parametrize(
    "text",
    ["," * MANY, "[1,2]" * MANY, '",' * MANY, "\\," * MANY],
    ids=["commas", "lists", "quotes", "escapes"],
)
def test_what_stands_in_a_text_is_no_value(text: str) -> None:
    assert decode_json(dump([text])) == [text]


def test_a_text_of_quotes_without_an_end_is_told_soon() -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        decode_json(b'["' + b'\\",' * MANY)


@pytest.mark.parametrize("name", ["removed", "runs"])
def test_changes_of_more_things_than_an_engine_keeps_are_refused(name: str) -> None:
    data = dump({"cursor": "b:1", name: [1] * 100_001})
    with pytest.raises(ProtocolError, match=f"more than 100000 '{name}'"):
        decode_changes(data)
