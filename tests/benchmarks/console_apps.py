"""The programs that `console.py` watches in a pty: parts of the console, and its peers.

    python console_apps.py NAME NOTE COUNT [SOCKET]

NOTE is a file into which the program writes, as JSON, the moment when it had everything it needed:
``at`` of the monotonic clock and ``cpu`` of its process, in seconds. Nothing is imported before
its program needs it, so that a peer starts as fast as it can.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console_doubles import FakeEngine
    from rich.text import Text
    from textual.app import ComposeResult

    from schedtui.models import JobSummary, LogLine
    from schedtui.protocols import EngineClient, OffLoop

WARM_UP_S = 0.5  # what is measured begins when the first frame is long out
PAGE = 1000  # lines that an engine sends at once
VISIBLE = 38
RUN = 7


class Note:
    """Where the moment is written that a measurement begins with."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> None:
        """Now."""
        text = json.dumps({"at": time.monotonic(), "cpu": time.process_time()})
        draft = self._path.with_suffix(".draft")
        draft.write_text(text)
        draft.rename(self._path)


# --- what is shown


def jobs(count: int) -> list[JobSummary]:
    """Jobs that are due within the hour: every one has a countdown of seconds."""
    from console_doubles import summary

    from schedtui.models import RunState

    now_us = time.time_ns() // 1000
    good, bad = RunState.SUCCEEDED, RunState.FAILED
    rows = []
    for number in range(count):
        took = 900_000 + number * 37 % 5_000_000
        recent = tuple((bad if (number + at) % 7 == 0 else good, took + at) for at in range(10))
        row = summary(
            number + 1,
            f"job-{number:06}",
            group=f"group-{number % 12}",
            next_due_us=now_us + 300_000_000 + number * 7_919_000 % 3_000_000_000,
            last_at_us=now_us - 60_000_000 - number * 104_729_000 % 90_000_000_000,
            last_state=recent[-1][0],
            last_duration_us=took,
            recent=recent,
        )
        rows.append(row)
    return rows


def cells(row: JobSummary) -> tuple[str, ...]:
    """The same job for a table of strings."""
    from schedtui_tui import looks, times

    look = looks.job_look(row)
    now_us = time.time_ns() // 1000
    return (
        row.name,
        row.group,
        row.schedule,
        times.countdown((row.next_due_us or 0) - now_us),
        f"{look.glyph} {look.word}",
        times.ago(row.last_at_us, now_us),
        times.duration(row.last_duration_us),
        "".join(text for text, _ in looks.bars(row)),
    )


def log_lines(count: int) -> list[str]:
    """What a crawler writes: a request a line, each tenth in colour, now and then a long one."""
    lines = []
    for number in range(count - 1):
        text = f"GET https://shop.example.org/products/{number % 977}?page={number} 200 in 17.3 ms"
        if number % 10 == 0:
            text = f"\x1b[1;32mINFO\x1b[0m {text} \x1b[33mcached\x1b[0m"
        if number % 100 == 0:
            text += " headers=" + "x-request-id:4f9c, " * 12
        lines.append(text)
    return [*lines, "the last line"]


def numbered(texts: list[str], first: int = 1) -> list[LogLine]:
    """The same as an engine sends it."""
    from schedtui.models import LogLine

    now_us = time.time_ns() // 1000
    return [
        LogLine(number, now_us, "info", "log", text, 1) for number, text in enumerate(texts, first)
    ]


# --- the console


def console(note: Note, count: int, _socket: Path) -> None:
    """The console on an engine in its memory, whose answer is there at the noted moment."""
    attached(memory_engine(note, count))


def console_http(note: Note, _count: int, socket: Path) -> None:
    """The console on an engine behind HTTP; the noted moment is that of the request."""
    from schedtui.client.http import HttpClient
    from schedtui.models import JobFilter, Snapshot

    class Client(HttpClient):
        async def snapshot(self, where: JobFilter | None = None) -> Snapshot:
            await self.info()  # the connection is there, as after a gap
            await asyncio.sleep(WARM_UP_S)
            note.mark()
            return await super().snapshot(where)

    attached(Client("http://localhost", socket=socket))


def attached(client: EngineClient) -> None:
    from schedtui_tui.commands.session import AttachedSession

    AttachedSession(client, title="bench", read_only=False, again="schedtui").run()


def memory_engine(note: Note, count: int) -> FakeEngine:
    """As the tests' one, but nothing it does grows with how much it has."""
    from console_doubles import FakeEngine

    from schedtui.models import JobFilter, Snapshot

    class Engine(FakeEngine):
        def __init__(self) -> None:
            super().__init__(jobs(count))
            self._names = {row.full_name: row for row in self.rows.values()}

        async def snapshot(self, where: JobFilter | None = None) -> Snapshot:
            await asyncio.sleep(WARM_UP_S)
            answer = await super().snapshot(where)
            note.mark()
            return answer

        def _row(self, name: str, expect_id: int | None = None) -> JobSummary:  # noqa: ARG002
            return self._names[name]

    return Engine()


def console_log(note: Note, count: int, _socket: Path) -> None:
    """The console while it follows a run that logs a lot at once."""
    from console_doubles import FakeEngine, run, summary

    from schedtui.models import LogPage, RunState

    lines = tuple(numbered(log_lines(count)))

    class Engine(FakeEngine):
        async def follow(self, run_id: int, *, after: int = 0) -> AsyncIterator[LogPage]:  # noqa: ARG002
            await asyncio.sleep(WARM_UP_S)
            note.mark()
            for first in range(after, count, PAGE):
                page = lines[first : first + PAGE]
                yield LogPage(lines=page, last=page[-1].seq, done=False)
                await asyncio.sleep(0)
            await asyncio.Event().wait()

    engine = Engine([summary(1, "job-000000", running_id=RUN)])
    engine.all_runs[RUN] = run(RUN, 1, state=RunState.RUNNING, finished_at=None)
    attached(engine)


def serve(_note: Note, count: int, socket: Path) -> None:
    """A server of so many jobs on a Unix socket; says when it is ready."""
    from console_doubles import FakeEngine

    from schedtui.api.server import Server

    class Served:
        store: Any = type("Store", (), {"tokens": staticmethod(lambda: ())})()
        engine = FakeEngine(jobs(count))

        @property
        def off_loop(self) -> OffLoop:
            return asyncio.to_thread

        def client(self, actor: str) -> EngineClient:  # noqa: ARG002 - one engine, whoever asks
            return self.engine

    async def forever() -> None:
        await Server(Served(), socket=socket).start()
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(forever())


# --- the peers


def minimal(_note: Note, _count: int, _socket: Path) -> None:
    """The least that Textual can show."""
    from textual.app import App
    from textual.widgets import Footer, Static

    class Minimal(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("job-000000")
            yield Footer()

    Minimal().run()


def still_table(note: Note, count: int, socket: Path) -> None:
    """The same, and nothing counts down."""
    table(note, count, socket, ticking=False)


def table(note: Note, count: int, _socket: Path, *, ticking: bool = True) -> None:
    """A DataTable of jobs; above 100 filled after the first frame. Counts down each second."""
    from textual.app import App
    from textual.coordinate import Coordinate
    from textual.widgets import DataTable, Footer

    later = count > 100
    ready: list[tuple[str, ...]] = []
    if later:
        ready += [cells(row) for row in jobs(count)]
    else:  # without the console's modules, which a peer does not import
        ready += [
            (
                f"job-{number:06}",
                "group",
                "*/5 * * * *",
                "in 3m 02s",
                "✓ ok",
                "3m ago",
                "1.1s",
                "▆▂",
            )
            for number in range(count)
        ]

    class Table(App[None]):
        def __init__(self) -> None:
            super().__init__()
            self.animation_level = "none"  # a page down would take a quarter of a second

        def compose(self) -> ComposeResult:
            yield DataTable(cursor_type="row")
            yield Footer()

        def on_mount(self) -> None:
            headings = ("JOB", "GROUP", "SCHEDULE", "NEXT", "STATE", "LAST", "TOOK", "LAST 10")
            self.table: DataTable[str] = self.query_one(DataTable)
            self.table.add_columns(*headings)
            self._seconds = 0
            if later:
                self.set_timer(WARM_UP_S, self.fill)
            else:
                self.table.add_rows(ready)

        def fill(self) -> None:
            note.mark()
            self.table.add_rows(ready)
            if ticking:
                self.set_interval(1, self.tick)

        def tick(self) -> None:
            self._seconds += 1
            top = self.table.scroll_offset.y
            for number in range(top, min(top + VISIBLE, len(ready))):
                left = 1_000 + number * 7 % 2_000 - self._seconds
                text = f"in {left // 60}m {left % 60:02}s"
                self.table.update_cell_at(Coordinate(number, 3), text)

    Table().run()


def log_view(note: Note, count: int, _socket: Path) -> None:
    """Our log view alone."""
    from schedtui_tui.prefs import Prefs
    from schedtui_tui.widgets.log_view import LogView

    lines = numbered(log_lines(count))
    view = LogView(Prefs())

    async def add() -> None:
        for first in range(0, count, PAGE):
            view.append(lines[first : first + PAGE])
            await asyncio.sleep(0)

    in_app(view, add, note)


def rich_log(note: Note, count: int, _socket: Path) -> None:
    """RichLog, which needs colours decoded."""
    from rich.text import Text
    from textual.widgets import RichLog

    lines = log_lines(count)
    view = RichLog(max_lines=100_000)

    def decoded(line: str) -> Text | str:
        return Text.from_ansi(line) if "\x1b" in line else line

    async def add() -> None:
        for first in range(0, count, PAGE):
            for line in lines[first : first + PAGE]:
                view.write(decoded(line))
            await asyncio.sleep(0)

    in_app(view, add, note)


def plain_log(note: Note, count: int, _socket: Path) -> None:
    """Log, which hands escape sequences on to the terminal."""
    from textual.widgets import Log

    lines = log_lines(count)
    view = Log()

    async def add() -> None:
        for first in range(0, count, PAGE):
            view.write_lines(lines[first : first + PAGE])
            await asyncio.sleep(0)

    in_app(view, add, note)


def in_app(view: Any, add: Callable[[], Any], note: Note) -> None:
    """Show a log alone on the screen and, once it is there, add to it."""
    from textual.app import App

    from schedtui_tui.app import Console

    class Alone(App[None]):
        CSS_PATH = Path(sys.modules[Console.__module__].__file__ or "").with_name("schedtui.tcss")

        def compose(self) -> ComposeResult:
            yield view

        def on_mount(self) -> None:
            self.set_timer(WARM_UP_S, lambda: self.run_worker(self.work()))

        async def work(self) -> None:
            note.mark()
            await add()

    Alone().run()


PROGRAMS: dict[str, Callable[[Note, int, Path], None]] = {
    "console": console,
    "console-http": console_http,
    "console-log": console_log,
    "serve": serve,
    "minimal": minimal,
    "table": table,
    "still-table": still_table,
    "log-view": log_view,
    "rich-log": rich_log,
    "plain-log": plain_log,
}


if __name__ == "__main__":
    name, path, many, *where = sys.argv[1:]
    PROGRAMS[name](Note(Path(path)), int(many), Path(where[0] if where else "."))
