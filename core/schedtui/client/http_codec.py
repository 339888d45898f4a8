"""What an engine behind HTTP answers, decoded; nothing it may send gets through unchecked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from schedtui.client.http_json import parse
from schedtui.clock import MAX_US, MIN_US
from schedtui.errors import InvalidError, ProtocolError
from schedtui.models import (
    Attempt,
    Changes,
    EngineInfo,
    JobState,
    JobSummary,
    LogPage,
    Page,
    RunState,
    Snapshot,
)
from schedtui.models.wire import from_wire

T = TypeVar("T")

COLUMNS = JobSummary._fields
_RECENT = COLUMNS.index("recent")

_MAX_ID = 2**63 - 1
_MAX_RECENT = 1_000
MAX_VALUES = 1_000_000
"""JSON values of one answer. One of two bytes may cost a hundred as a Python object."""
_MAX_CELLS = 8 * MAX_VALUES  # of a table, which is checked as it is
_MAX_MOVED = 100_000  # ids in one list of changes; ten times what an engine keeps

_JOB_STATES = {state.value: state for state in JobState}
_RUN_STATES: dict[str | None, RunState | None] = {state.value: state for state in RunState}
_NULLABLE_RUN_STATES = _RUN_STATES | {None: None}

_IDS = ("id", "active", "version")
_NULLABLE_IDS = ("running_id", "last_id")
_TIMES = ("next_due_us", "running_since_us", "last_at_us", "last_duration_us")
_TEXTS = ("group", "name", "function", "schedule", "timezone", "description", "pause_reason")
_FLAGS = ("static", "overridden")


def decode(cls: type[T], data: Any) -> T:
    """``data`` as the model ``cls``; fields of a newer engine are passed over.

    Raises:
        ProtocolError: it does not fit.
    """
    try:
        return from_wire(cls, data, strict=False)
    except InvalidError as error:
        raise ProtocolError(f"the engine's answer does not fit: {error}") from None


def decode_json(data: bytes, *, max_depth: int | None = 100, max_values: int = MAX_VALUES) -> Any:
    """The JSON value in an answer.

    Raises:
        ProtocolError: it is not JSON, or holds more values than any answer does.
    """
    if _values(data) > max_values and not _few_between_texts(data, max_values):
        raise ProtocolError(f"the engine's answer holds more than {max_values} values")
    try:
        return parse(data, max_depth=max_depth)
    except ValueError as error:
        raise ProtocolError(f"the engine's answer is {error}") from None


def _values(data: bytes) -> int:
    """How many values JSON text holds, at most: each but the first has one of these before it."""
    return 1 + sum(map(data.count, (b",", b"[", b"{")))


def _few_between_texts(data: bytes, most: int) -> bool:
    """Whether it is the texts that hold what looks like more than ``most`` values."""
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # To split at more quotes would itself take long.
    return plain.count(b'"') <= 2 * most and _values(b"".join(plain.split(b'"')[::2])) <= most


def _decode_object(data: bytes) -> dict[str, Any]:
    """The JSON object in an answer that holds a table.

    Raises:
        ProtocolError: it is not a JSON object.
    """
    value = decode_json(data, max_depth=None, max_values=_MAX_CELLS)
    if not isinstance(value, dict):
        raise ProtocolError(f"the engine's answer is a {type(value).__name__}, not an object")
    return value


def decode_snapshot(data: bytes) -> Snapshot:
    """A snapshot from its columnar form.

    Raises:
        ProtocolError: any cell is not what it has to be.
    """
    body = _decode_object(data)
    columns, cursor = body.get("columns"), body.get("cursor")
    if not isinstance(columns, list) or not isinstance(cursor, str):
        raise ProtocolError("the engine's snapshot lacks its columns or its cursor")
    engine = decode(EngineInfo, body.get("engine"))
    jobs = decode_rows(body.get("rows"), columns)
    return Snapshot(engine=engine, jobs=jobs, cursor=cursor)


def decode_changes(data: bytes) -> Changes:
    """What changed, from the data of one event.

    Raises:
        ProtocolError: it does not fit.
    """
    body = _decode_object(data)
    jobs = decode_rows(body.pop("jobs", []), COLUMNS)
    for name in ("removed", "runs"):
        moved = body.get(name)
        if isinstance(moved, list) and len(moved) > _MAX_MOVED:
            raise ProtocolError(f"the engine's answer has more than {_MAX_MOVED} {name!r}")
    rest = decode(Changes, body)
    _in_range("runs", (run.id for run in rest.runs), 0, _MAX_ID)
    return Changes(
        cursor=rest.cursor, jobs=jobs, removed=rest.removed, runs=rest.runs, engine=rest.engine
    )


def decode_logs(body: Any) -> LogPage:
    """Lines of a run.

    Raises:
        ProtocolError: it does not fit.
    """
    page = decode(LogPage, body)
    _in_range("at_us", (line.at_us for line in page.lines), MIN_US, MAX_US)
    return page


def decode_attempts(body: Any) -> tuple[Attempt, ...]:
    """The attempts in the answer that shows a run.

    Raises:
        ProtocolError: it does not fit.
    """
    if not isinstance(body, dict):
        raise ProtocolError("the engine's answer is not a run")
    return decode(Page[Attempt], {"items": body.get("attempts")}).items


def decode_cancelled(body: Any) -> int:
    """How many queued runs were cancelled.

    Raises:
        ProtocolError: it does not fit.
    """
    if not isinstance(body, dict) or type(body.get("cancelled")) is not int:
        raise ProtocolError("the engine's answer does not say how many runs were cancelled")
    return int(body["cancelled"])


def encode_row(row: JobSummary) -> tuple[Any, ...]:
    """A row as it travels: ``recent`` is one flat list, which halves the time to read it."""
    return (*row[:_RECENT], list(chain.from_iterable(row.recent)), *row[_RECENT + 1 :])


def decode_rows(rows: Any, columns: Sequence[Any]) -> tuple[JobSummary, ...]:
    """Rows of the job table, checked a column at a time: ten thousand in some 30 ms.

    Args:
        rows: A list of lists.
        columns: The name of each cell of a row; unknown ones are passed over.

    Raises:
        ProtocolError: a row is too short or long, or a cell is not what it has to be.
    """
    if type(rows) is not list or not set(map(type, rows)) <= {list}:
        raise ProtocolError("the engine's job table is not a list of lists")
    if not rows:
        return ()
    if set(map(len, rows)) != {len(columns)}:
        raise ProtocolError(f"the engine's job table has rows of other than {len(columns)} cells")
    try:
        place = [columns.index(name) for name in COLUMNS]
    except ValueError as error:
        raise ProtocolError(f"the engine's job table lacks a column: {error}") from None
    cells = list(zip(*rows, strict=True))
    table = {name: cells[at] for name, at in zip(COLUMNS, place, strict=True)}
    _check_scalars(table)
    made: dict[str, Iterable[Any]] = dict(table)
    made["state"] = _looked_up("state", table["state"], _JOB_STATES)
    made["last_state"] = _looked_up("last_state", table["last_state"], _NULLABLE_RUN_STATES)
    made["tags"] = _tags(table["tags"])
    made["recent"] = _recent(table["recent"])
    return tuple(map(JobSummary._make, zip(*made.values(), strict=True)))


def _check_scalars(table: dict[str, tuple[Any, ...]]) -> None:
    for name in _IDS:
        _typed(name, table[name], {int})
        _in_range(name, table[name], 0, _MAX_ID)
    for name in _NULLABLE_IDS:
        _typed(name, table[name], {int, type(None)})
        _in_range(name, filter(None, table[name]), 0, _MAX_ID)
    for name in _TIMES:
        _typed(name, table[name], {int, type(None)})
        _in_range(name, filter(None, table[name]), MIN_US, MAX_US)
    for name in _TEXTS:
        _typed(name, table[name], {str})
    for name in _FLAGS:
        _typed(name, table[name], {bool})
    _typed("progress", table["progress"], {int, float, type(None)})
    _in_range("progress", filter(None, table["progress"]), 0, 1)


def _tags(cells: tuple[Any, ...]) -> Iterator[tuple[str, ...]]:
    _typed("tags", cells, {list})
    _typed("tags", chain.from_iterable(cells), {str})
    return map(tuple, cells)


def _recent(cells: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    _typed("recent", cells, {list})
    sizes = list(map(len, cells))
    if max(sizes) > _MAX_RECENT or any(size % 2 for size in sizes):
        raise ProtocolError("the engine's job table has a 'recent' that is not a list of pairs")
    flat = list(chain.from_iterable(cells))
    durations = flat[1::2]
    _typed("recent", durations, {int, type(None)})
    _in_range("recent", filter(None, durations), MIN_US, MAX_US)
    pairs = zip(_looked_up("recent", flat[::2], _RUN_STATES), durations, strict=True)
    return [tuple(islice(pairs, size // 2)) for size in sizes]


def _looked_up(name: str, cells: Sequence[Any], known: dict[Any, Any]) -> list[Any]:
    try:
        return list(map(known.__getitem__, cells))
    except (KeyError, TypeError):
        raise ProtocolError(f"the engine's job table has an unknown {name!r}") from None


def _typed(name: str, cells: Iterable[Any], allowed: set[type]) -> None:
    if not set(map(type, cells)) <= allowed:
        words = " or ".join(sorted(kind.__name__ for kind in allowed))
        raise ProtocolError(f"the engine's job table has a {name!r} that is not {words}")


def _in_range(name: str, numbers: Iterable[Any], low: int, high: int) -> None:
    values = list(numbers)
    if values and not (low <= min(values) and max(values) <= high):
        raise ProtocolError(f"the engine's answer has a {name!r} outside {low} to {high}")
