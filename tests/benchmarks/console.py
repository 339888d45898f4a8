"""How fast the console is, in a real pty, beside stock Textual widgets in the same run.

    python tests/benchmarks/console.py            # everything, about two minutes
    python tests/benchmarks/console.py --quick    # fewer rounds, a tenth of the rows

Every program of `console_apps.py`, and the `schedtui` command itself, runs in a pty of 140x40 that
is read all the time, and that says, as most terminals do, that it takes frames whole. A paint
lasts until the last of its bytes was read: nothing came for 60 ms after it. Contenders take turns,
figures are medians, and a ratio is the peer's figure over ours. CPU is that of the program's
process, all threads, read from outside; it and the ratios hold on a machine that has other work,
the seconds on the wall do not. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from schedtui.locations import StateDir

HERE = Path(__file__).parent
SCHEDTUI = (sys.executable, "-m", "schedtui_tui")
COLUMNS, ROWS = 140, 40
QUIET_S = 0.06
PATIENCE_S = 120.0
FRAMES_WHOLE = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
"""How Textual asks whether a terminal takes frames whole, and the answer yes."""
DOWN, PAGE_DOWN, CTRL_HOME, CTRL_END = b"\x1b[B", b"\x1b[6~", b"\x1b[1;5H", b"\x1b[1;5F"

SMALL = """
from schedtui import Group

shop = Group("shop")

@shop.job(cron="0 3 * * *")
def export() -> None:
    print("exported")
"""
MANY = """
from schedtui import Group

nightly = Group("nightly")

def job(name: str, seconds: int) -> None:
    def work() -> None: ...

    work.__name__ = work.__qualname__ = name
    nightly.job(every=seconds)(work)

for number in range(1_000):
    job(f"job-{number:06}", 3_000 + number % 500)
"""


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used, to the nanosecond."""
    # clock_getcpuclockid(3) makes the clock's number so; Python has it for threads only.
    return time.clock_gettime((~pid << 3) | 2)


class Screen:
    """A program in a pty, and when it wrote what."""

    def __init__(self, command: Sequence[str], *, folder: Path) -> None:
        self.started = time.monotonic()
        self._forks = command[:-1] == SCHEDTUI and command[-1].endswith(".py")
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._chunks: list[tuple[float, bytes]] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env=environment(folder),
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65_536)
            except OSError:  # EIO: the program is gone
                return
            if FRAMES_WHOLE[0] in data:
                os.write(self._master, FRAMES_WHOLE[1])
            with self._news:
                self._chunks.append((time.monotonic(), data))
                self._news.notify_all()

    def written(self, since: float) -> bytes:
        """What was written after that moment."""
        with self._news:
            return b"".join(data for at, data in self._chunks if at > since)

    def seen(self, text: bytes) -> float:
        """Until ``text`` is there; when it came."""
        self._until(lambda: text in self.written(0.0), repr(text))
        whole = b""
        with self._news:
            for at, data in self._chunks:
                whole += data
                if text in whole:
                    return at
        raise AssertionError

    def wait(self, text: bytes, *, since: float = 0.0) -> float:
        """Until the paint that holds ``text`` is complete; when its last byte came."""
        self._until(lambda: text in self.written(since), repr(text))
        return self.painted(since)

    def painted(self, since: float) -> float:
        """Until something was painted after ``since``, and nothing more; when the last of it."""
        self._until(lambda: self._last() > since, "anything")
        self._until(lambda: time.monotonic() - self._last() > QUIET_S, "a still screen")
        return self._last()

    def _last(self) -> float:
        with self._news:
            return self._chunks[-1][0] if self._chunks else 0.0

    def _until(self, true: Callable[[], bool], wanted: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > end or self.process.poll() is not None:
                tail = self.written(0.0)[-2_000:].decode("utf-8", "replace")
                raise SystemExit(f"waited for {wanted} of {self.process.args!r}:\n{tail!r}")
            with self._news:
                self._news.wait(0.01)

    def press(self, key: bytes) -> tuple[float, float]:
        """Press a key: seconds until the paint was complete, and CPU for it."""
        cpu, at = cpu_of(self.pid), time.monotonic()
        os.write(self._master, key)
        return self.painted(at) - at, cpu_of(self.pid) - cpu

    @property
    def pid(self) -> int:
        """The process that draws: the command's own, or the one it started."""
        pid = self.process.pid
        if self._forks:
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        return pid

    def rest(self, seconds: float) -> tuple[float, int]:
        """Leave it alone: CPU of each second, and bytes of each second."""
        cpu, at = cpu_of(self.pid), time.monotonic()
        time.sleep(seconds)
        used = cpu_of(self.pid) - cpu
        return used / seconds, round(len(self.written(at)) / seconds)

    def close(self) -> None:
        """End the program."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(2)
        os.close(self._master)


def environment(home: Path) -> dict[str, str]:
    """Of a person at a good terminal; with the tests' helpers on the path."""
    mine = ("SCHEDTUI", "TEXTUAL", "XDG_", "NO_COLOR", "COLUMNS", "LINES", "TMUX", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    return kept | terminal | {"HOME": str(home), "PYTHONPATH": str(HERE.parent)}


@contextlib.contextmanager
def shown(*command: str) -> Iterator[tuple[Screen, Path]]:
    """A command in a pty and in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "jobs.py").write_text(SMALL)
        (folder / "many.py").write_text(MANY)
        screen = Screen(command, folder=folder)
        try:
            yield screen, folder
        finally:
            screen.close()


def program(name: str, count: int = 0, *more: str) -> tuple[str, ...]:
    """The command line of a program of `console_apps.py`."""
    return sys.executable, str(HERE / "console_apps.py"), name, "note", str(count), *more


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """How long it took from the moment that a program noted."""

    wall_s: float
    cpu_s: float


def load(screen: Screen, folder: Path, text: bytes) -> Load:
    """Wait for ``text`` to be painted after the moment that the program noted."""
    note = folder / "note"
    screen._until(note.exists, "the note")
    began = json.loads(note.read_text())
    painted = screen.wait(text, since=began["at"])
    cpu_s = cpu_of(screen.pid) - began["cpu"]
    return Load(wall_s=painted - began["at"], cpu_s=cpu_s)


# --- the table that is printed

PEER_WIDTH = 26


def heading(title: str, *columns: str) -> None:
    """Begin a case."""
    names = "".join(f"{column:>{PEER_WIDTH}}" for column in columns)
    print(f"\n{title:44}{'ours':>10}{names}{'aim':>10}", flush=True)


def line(
    title: str, ours: float, peers: Sequence[float], *, unit: str = "ms", aim: float | None = None
) -> None:
    """A figure, beside what the peers take and how many times ours that is."""
    columns = "".join(
        f"{f'{peer:,.1f} {unit}  x{peer / ours:.2f}':>{PEER_WIDTH}}" if ours else ""
        for peer in peers
    )
    verdict = "" if aim is None else f"{aim:8g} {'met' if ours <= aim else 'MISSED'}"
    print(f"  {title:40}{ours:9,.1f} {unit}{columns}  {verdict}", flush=True)


# --- the cases


def first_paint(rounds: int) -> None:
    """From the start of the process to text on the screen."""
    contenders = {
        "demo": ((*SCHEDTUI, "demo"), b"Starting the engine"),
        "jobs.py": ((*SCHEDTUI, "jobs.py"), b"Starting the engine"),
        "minimal": (program("minimal"), b"job-000000"),
        "table": (program("table", 100), b"job-000000"),
    }
    wall: dict[str, list[float]] = {name: [] for name in [*contenders, "jobs"]}
    cpu: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (command, text) in contenders.items():
            with shown(*command) as (screen, _folder):
                wall[name].append(screen.seen(text) - screen.started)
                cpu[name].append(cpu_of(screen.pid))
                if name == "demo":
                    wall["jobs"].append(screen.seen(b"count_visitors") - screen.started)
    heading("first paint", "minimal Textual app", "DataTable, 100 rows")
    for name, aim in (("demo", 250), ("jobs.py", 250)):
        peers = [median(wall[peer]) * 1e3 for peer in ("minimal", "table")]
        line(f"schedtui {name}", median(wall[name]) * 1e3, peers, aim=aim)
        peers = [median(cpu[peer]) * 1e3 for peer in ("minimal", "table")]
        line(f"schedtui {name}, CPU", median(cpu[name]) * 1e3, peers)
    line("schedtui demo, its jobs on the screen", median(wall["jobs"]) * 1e3, [])


def many_jobs(rounds: int, count: int, seconds: float) -> None:
    """From the engine's answer to the paint, and the seconds after it."""
    loads: dict[str, list[Load]] = {"console": [], "console-http": [], "table": []}
    rests: dict[str, list[tuple[float, int]]] = {name: [] for name in loads}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, served(count, Path(folder)) as at:
        for number in range(rounds):
            for name in loads:
                with shown(*program(name, count, str(at))) as (screen, place):
                    loads[name].append(load(screen, place, b"job-000000"))
                    if number == 0 and name != "console-http":
                        time.sleep(2)
                        rests[name].append(screen.rest(seconds))
    heading(f"{count:,} jobs", "DataTable")
    wall = {name: median(one.wall_s for one in loads[name]) * 1e3 for name in loads}
    cpu = {name: median(one.cpu_s for one in loads[name]) * 1e3 for name in loads}
    line("answer there to painted", wall["console"], [wall["table"]], aim=300)
    line("answer there to painted, CPU", cpu["console"], [cpu["table"]])
    line("asked over HTTP to painted", wall["console-http"], [wall["table"]], aim=300)
    line("asked over HTTP to painted, CPU", cpu["console-http"], [cpu["table"]])
    ours, peer = rests["console"][0], rests["table"][0]
    line("a second of countdowns, CPU", ours[0] * 1e3, [peer[0] * 1e3], aim=10)
    line("a second of countdowns, written", ours[1] / 1e3, [peer[1] / 1e3], unit="kB", aim=10)


@contextlib.contextmanager
def served(count: int, folder: Path) -> Iterator[Path]:
    """A real server with so many jobs; its socket."""
    socket = StateDir.beside(folder).socket
    socket.parent.mkdir(mode=0o700, exist_ok=True)
    command = program("serve", count, str(socket))
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(folder)) as server:
        try:
            assert server.stdout is not None
            server.stdout.readline()
            yield socket
        finally:
            server.terminate()


def keys(presses: int, count: int) -> None:
    """From a key to its paint."""
    cases = {
        "cursor down": (DOWN, DOWN),
        "page down": (PAGE_DOWN, PAGE_DOWN),
        "to the last row": (b"G", CTRL_END),
        "to the first row": (b"g", CTRL_HOME),
    }
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for column, name in enumerate(("console", "table")):
        with shown(*program(name, count)) as (screen, folder):
            load(screen, folder, b"job-000000")
            for _ in range(presses):
                for title, both in cases.items():
                    time.sleep(0.3)  # what a row under the cursor asks for comes in between
                    found.setdefault((title, name), []).append(screen.press(both[column]))
    heading(f"key to paint, {count:,} jobs", "DataTable")
    for title in cases:
        ours, peer = found[title, "console"], found[title, "table"]
        wall = [median(one[0] for one in each) * 1e3 for each in (ours, peer)]
        cpu = [median(one[1] for one in each) * 1e3 for each in (ours, peer)]
        line(title, wall[0], wall[1:], aim=30)
        line(f"{title}, CPU", cpu[0], cpu[1:])


def logs(rounds: int, count: int) -> None:
    """Many lines at once."""
    few = count // 10  # RichLog takes its time, and as much for each line
    counts = {"log-view": count, "console-log": count, "rich-log": few, "plain-log": count}
    loads: dict[str, list[Load]] = {name: [] for name in counts}
    for _ in range(rounds):
        for name, lines in counts.items():
            with shown(*program(name, lines)) as (screen, folder):
                if name == "console-log":
                    screen.wait(b"job-000000")
                    screen.press(b"l")
                loads[name].append(load(screen, folder, b"the last line"))
    heading(f"{count:,} lines of log", f"RichLog, {few:,} times 10", "Log, no colours")
    wall = {name: median(one.wall_s for one in loads[name]) * 1e3 for name in counts}
    cpu = {name: median(one.cpu_s for one in loads[name]) * 1e3 for name in counts}
    for name, title in (("log-view", "the log view alone"), ("console-log", "following a run")):
        aim = 200 if name == "log-view" else None
        for suffix, figures in (("", wall), (", CPU", cpu)):
            peers = [figures["rich-log"] * 10, figures["plain-log"]]
            line(title + suffix, figures[name], peers, aim=aim if not suffix else None)


def idle(seconds: float) -> None:
    """Nothing but countdowns, engine and console in one process."""
    used = {}
    contenders = {
        "1,000 jobs": ((*SCHEDTUI, "many.py"), b"job-000000"),
        "the demo, for information": ((*SCHEDTUI, "demo"), b"count_visitors"),
        "minimal": (program("minimal"), b"job-000000"),
        "table": (program("table", 1_000), b"job-000000"),
    }
    for name, (command, text) in contenders.items():
        with shown(*command) as (screen, _folder):
            screen.seen(text)
            time.sleep(3)
            used[name] = screen.rest(seconds)[0] * 100
    heading("idle, of one core", "minimal Textual app", "DataTable, countdowns")
    for name, aim in (("1,000 jobs", 1), ("the demo, for information", None)):
        line(name, used[name], [used["minimal"], used["table"]], unit="%", aim=aim)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a tenth of the rows")
    parser.add_argument("--case", choices=("paint", "jobs", "keys", "logs", "idle"))
    options = parser.parse_args()
    quick: bool = options.quick
    cases: dict[str, Callable[[], None]] = {
        "paint": lambda: first_paint(3 if quick else 7),
        "jobs": lambda: many_jobs(1 if quick else 3, 1_000 if quick else 10_000, 5 if quick else 8),
        "keys": lambda: keys(5 if quick else 9, 10_000 if quick else 100_000),
        "logs": lambda: logs(1 if quick else 3, 10_000 if quick else 100_000),
        "idle": lambda: idle(4 if quick else 10),
    }
    for name, measure in cases.items():
        if options.case in (None, name):
            measure()


if __name__ == "__main__":
    main()
