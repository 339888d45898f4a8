"""How fast the console is, in a real pty, beside stock Textual widgets in the same run.

    python tests/benchmarks/console.py            # everything, two to four minutes
    python tests/benchmarks/console.py --quick    # fewer rounds, a tenth of the rows

Every program of `console_apps.py`, and the `schedtui` command itself, runs in a pty of 140x40 that
is read all the time, and that says, as most terminals do, that it takes frames whole. A paint
lasts until the last of its bytes was read: nothing came for 60 ms after it. Contenders take turns,
figures are medians, and a ratio is the peer's figure over ours. CPU is that of the program's
process, all threads, read from outside; it and the ratios hold on a machine that has other work,
the seconds on the wall do not. An aim that is missed is looked at again with the figure divided by
how much slower than usual this machine is now, by the CPU of the smallest Textual app. Linux only.
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
from pathlib import Path
from statistics import median

from schedtui.locations import StateDir

HERE = Path(__file__).parent
SCHEDTUI = (sys.executable, "-m", "schedtui_tui")
QUIET_S = 0.06
PATIENCE_S = 120.0
MINIMAL_CPU_S = 0.14  # to the first paint of the minimal app, where the aims are to be met
Cost = tuple[float, float]
"""Seconds on the wall, and of CPU."""
FRAMES_WHOLE = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
"""How Textual asks whether a terminal takes frames whole, and the answer yes."""
slowness = 1.0
DOWN, PAGE_DOWN, CTRL_HOME, CTRL_END = b"\x1b[B", b"\x1b[6~", b"\x1b[1;5H", b"\x1b[1;5F"

JOBS = """
from schedtui import Group

nightly = Group("nightly")

def job(name: str, seconds: int) -> None:
    def work() -> None: ...

    work.__name__ = work.__qualname__ = name
    nightly.job(every=seconds)(work)

for number in range(COUNT):
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
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
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
        self.until(lambda: text in self.written(0.0), repr(text))
        return time.monotonic()

    def wait(self, text: bytes, *, since: float = 0.0) -> float:
        """Until the paint that holds ``text`` is complete; when its last byte came."""
        self.until(lambda: text in self.written(since), repr(text))
        return self.painted(since)

    def painted(self, since: float) -> float:
        """Until something was painted after ``since``, and nothing more; when the last of it."""
        self.until(lambda: self._last() > since, "anything")
        self.until(lambda: time.monotonic() - self._last() > QUIET_S, "a still screen")
        return self._last()

    def _last(self) -> float:
        with self._news:
            return self._chunks[-1][0] if self._chunks else 0.0

    def until(self, true: Callable[[], bool], wanted: str) -> None:
        """Wait until it holds; ``wanted`` says what that is."""
        end = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > end or self.process.poll() is not None:
                tail = self.written(0.0)[-500:]
                raise SystemExit(f"waited for {wanted} of {self.process.args!r}:\n{tail!r}")
            with self._news:
                self._news.wait(0.01)

    def press(self, key: bytes) -> Cost:
        """Press a key and wait until the paint is complete."""
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
        for file, count in (("jobs.py", "3"), ("many.py", "1000")):
            (folder / file).write_text(JOBS.replace("COUNT", count))
        screen = Screen(command, folder=folder)
        try:
            yield screen, folder
        finally:
            screen.close()


def program(name: str, count: int = 0, *more: str) -> tuple[str, ...]:
    """The command line of a program of `console_apps.py`."""
    return sys.executable, str(HERE / "console_apps.py"), name, "note", str(count), *more


def load(screen: Screen, folder: Path, text: bytes) -> Cost:
    """Wait for ``text`` to be painted after the moment that the program noted."""
    note = folder / "note"
    screen.until(note.exists, "the note")
    began = json.loads(note.read_text())
    painted = screen.wait(text, since=began["at"])
    return painted - began["at"], cpu_of(screen.pid) - began["cpu"]


# --- the table that is printed


def heading(title: str, *columns: str) -> None:
    """Begin a case."""
    names = "".join(f"{column:>26}" for column in columns)
    print(f"\n{title:44}{'ours':>10}{names}{'aim':>10}", flush=True)


def line(
    title: str, ours: float, peers: Sequence[float], *, unit: str = "ms", aim: float | None = None
) -> None:
    """A figure, beside what the peers take and how many times ours that is."""
    columns = "".join(
        f"{f'{peer:,.1f} {unit}  x{peer / ours:.2f}':>26}" if ours else "" for peer in peers
    )
    verdict = ""
    if aim is not None:
        scaled = ours if unit == "kB" else ours / slowness
        met = "met" if ours <= aim else f"{'met' if scaled <= aim else 'MISSED'} at {scaled:.1f}"
        verdict = f"{aim:8g} {met}"
    print(f"  {title:40}{ours:9,.1f} {unit}{columns}  {verdict}", flush=True)


def lines(
    title: str, ours: list[Cost], peers: Sequence[list[Cost]], *, aim: float, times: int = 1
) -> None:
    """The medians in milliseconds, of the wall and of CPU; the first peer's multiplied."""
    for index, suffix in enumerate(("", ", CPU")):
        figures = [median(cost[index] for cost in each) * 1e3 for each in peers]
        figures[0] *= times
        mine = median(cost[index] for cost in ours) * 1e3
        line(title + suffix, mine, figures, aim=None if index else aim)


# --- the cases


def measure_slowness() -> float:
    """How much slower this machine is now than the one the aims are set for."""
    cpu = []
    for _ in range(3):
        with shown(*program("minimal")) as (screen, _folder):
            screen.seen(b"job-000000")
            cpu.append(cpu_of(screen.pid))
    return median(cpu) / MINIMAL_CPU_S


def first_paint(rounds: int) -> None:
    """From the start of the process to text on the screen."""
    contenders = {
        "demo": ((*SCHEDTUI, "demo"), b"Starting the engine"),
        "jobs.py": ((*SCHEDTUI, "jobs.py"), b"Starting the engine"),
        "minimal": (program("minimal"), b"job-000000"),
        "table": (program("table", 100), b"job-000000"),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    jobs: list[float] = []
    for _ in range(rounds):
        for name, (command, text) in contenders.items():
            with shown(*command) as (screen, _folder):
                wall = screen.seen(text) - screen.started
                costs[name].append((wall, cpu_of(screen.pid)))
                if name == "demo":
                    jobs.append(screen.seen(b"count_visitors") - screen.started)
    heading("first paint", "minimal Textual app", "DataTable, 100 rows")
    for name in ("demo", "jobs.py"):
        lines(f"schedtui {name}", costs[name], [costs["minimal"], costs["table"]], aim=250)
    line("schedtui demo, its jobs on the screen", median(jobs) * 1e3, [])


def many_jobs(rounds: int, count: int, seconds: float) -> None:
    """From the engine's answer to the paint, and the seconds after it."""
    costs: dict[str, list[Cost]] = {"console": [], "console-http": [], "table": []}
    rests: dict[str, tuple[float, int]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, served(count, Path(folder)) as at:
        for _ in range(rounds):
            for name in costs:
                with shown(*program(name, count, str(at))) as (screen, place):
                    costs[name].append(load(screen, place, b"job-000000"))
                    if name not in rests and name != "console-http":
                        time.sleep(2)
                        rests[name] = screen.rest(seconds)
    heading(f"{count:,} jobs", "DataTable")
    lines("answer there to painted", costs["console"], [costs["table"]], aim=300)
    lines("asked over HTTP to painted", costs["console-http"], [costs["table"]], aim=300)
    ours, peer = rests["console"], rests["table"]
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
    costs: dict[tuple[str, str], list[Cost]] = {}
    contenders = ("console", "still-table")
    for column, name in enumerate(contenders):
        with shown(*program(name, count)) as (screen, folder):
            load(screen, folder, b"job-000000")
            for _ in range(presses):
                for title, both in cases.items():
                    time.sleep(0.3)  # what a row under the cursor asks for comes in between
                    costs.setdefault((title, name), []).append(screen.press(both[column]))
    heading(f"key to paint, {count:,} jobs", "DataTable, no countdowns")
    for title in cases:
        ours, peer = (costs[title, name] for name in contenders)
        lines(title, ours, [peer], aim=30)


def logs(rounds: int, count: int) -> None:
    """Many lines at once."""
    few = count // 10  # RichLog takes its time, and as much for each line
    counts = {"log-view": count, "console-log": count, "rich-log": few, "plain-log": count}
    costs: dict[str, list[Cost]] = {name: [] for name in counts}
    for _ in range(rounds):
        for name, many in counts.items():
            with shown(*program(name, many)) as (screen, folder):
                if name == "console-log":
                    screen.wait(b"job-000000")
                    screen.press(b"l")
                costs[name].append(load(screen, folder, b"the last line"))
    heading(f"{count:,} lines of log", f"RichLog, {few:,} times 10", "Log, no colours")
    peers = [costs["rich-log"], costs["plain-log"]]
    lines("the log view alone", costs["log-view"], peers, aim=200, times=10)
    lines("the console, following a run", costs["console-log"], peers, aim=200, times=10)


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
            time.sleep(3)  # the engine still imports its API
            used[name] = screen.rest(seconds if name == "1,000 jobs" else 5)[0] * 100
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
        "paint": lambda: first_paint(3 if quick else 5),
        "jobs": lambda: many_jobs(1 if quick else 3, 1_000 if quick else 10_000, 5 if quick else 8),
        "keys": lambda: keys(5 if quick else 7, 10_000 if quick else 100_000),
        "logs": lambda: logs(1 if quick else 3, 10_000 if quick else 100_000),
        "idle": lambda: idle(4 if quick else 10),
    }
    global slowness
    slowness = measure_slowness()
    print(f"This machine is now x{slowness:.2f} as slow as the one for which the aims are set.")
    for name in [options.case] if options.case else cases:
        cases[name]()


if __name__ == "__main__":
    main()
