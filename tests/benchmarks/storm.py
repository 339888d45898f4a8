"""A storm of changes, and consoles that watch it: is each told at most twenty times a second?

    python tests/benchmarks/storm.py              # 10,000 changes a second, about two minutes
    python tests/benchmarks/storm.py --extra 0    # all of them by runs, where the machine can

A real engine on SQLite with its full history fires jobs that are due all the time; each run is two
changes, its start and its end. In turns it does so alone, and with twenty `HttpClient`s that follow
its changes over real HTTP, in four other processes. The engine has one processor and these have the
others, for they stand for other machines; when it is alone they read frames that they have already,
so that the machine has as much to do. A part of the changes (``--extra``, half of them unless
said otherwise) is told to the engine's hub of events alone, because 5,000 durable runs a second are
all that such a processor can do. At the end of each turn the engine rests, and each console's
table must be that of a fresh snapshot. Linux only.

What is aimed at: each console is told at most 20 times in any second, and is right at the end; the
engine's memory stays flat; it fires at most 10 % later than alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

PARTS = Path(__file__).with_name("storm_parts.py")
PROCESSES = 4
SETTLE_S = 3
Answer = dict[str, Any]


class Part:
    """One of the processes of `storm_parts.py`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.said: Answer = self._hear()

    def _hear(self) -> Answer:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a process of the benchmark has ended; what it said stands above")
        answer: Answer = json.loads(line)
        return answer

    def tell(self, command: str) -> None:
        """Give a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def ask(self, command: str) -> Answer:
        """The answer to a command."""
        self.tell(command)
        return self._hear()

    def heard(self) -> Answer:
        """The answer to what it was told."""
        return self._hear()


@contextlib.contextmanager
def part(*arguments: object) -> Iterator[Part]:
    """A process, which ends with its input."""
    process = subprocess.Popen(
        [sys.executable, str(PARTS), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    try:
        yield Part(process)
        process.stdin.close()
        process.wait(30)
    finally:
        process.kill()
        process.wait()


def sides(stack: contextlib.ExitStack, side: str, engine: Part, consoles: int) -> list[Part]:
    """So many consoles, or their likes, in several processes."""
    share = [len(range(first, consoles, PROCESSES)) for first in range(PROCESSES)]
    where = engine.said["url"], engine.said["token"]
    return [stack.enter_context(part(side, count, *where)) for count in share if count]


def turn(engine: Part, seconds: float, consoles: int, *, watched: bool) -> Answer:
    """Some seconds of the storm, with consoles that watch it or that do not."""
    with contextlib.ExitStack() as stack:
        watchers = sides(stack, "consoles" if watched else "decoders", engine, consoles)
        engine.ask("go")
        engine.ask(f"measure {SETTLE_S}")
        result = engine.ask(f"measure {seconds}")
        rest = engine.ask("rest")
        result["used_mib"] = rest["used_mib"]
        if not watched:
            return result
        for watcher in watchers:
            watcher.tell(f"end {rest['cursor']}")
        told = [one for watcher in watchers for one in watcher.heard()["consoles"]]
    result["most"] = max(one["most"] for one in told)
    result["rate"] = median(one["rate"] for one in told)
    result["wrong"] = sum(one["wrong"] > 0 for one in told)
    return result


def show(title: str, turns: list[Answer]) -> None:
    """A line of the table: medians of the turns, and what was worst."""
    middle = {name: median(turn[name] for turn in turns) for name in turns[0]}
    line = (
        f"{title:<18}{middle['changes']:>10,.0f}{middle['runs']:>9,.0f}"
        f"{middle['p50_ms']:>9.1f}{middle['p99_ms']:>9.1f}{middle['cost']:>8.1f}"
        f"{turns[0]['rss_mib']:>9.0f}{turns[-1]['rss_mib']:>7.0f}"
    )
    if "most" in middle:
        wrong = max(turn["wrong"] for turn in turns)
        line += f"{middle['rate']:>10.1f}{max(turn['most'] for turn in turns):>6}{wrong:>7}"
    print(line, flush=True)


def main() -> None:
    """Measure in turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, default=1_000)
    parser.add_argument("--changes", type=int, default=10_000, help="a second, of the runs")
    parser.add_argument("--extra", type=int, default=5_000, help="of them, told to the hub alone")
    parser.add_argument("--consoles", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10, help="of each turn")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    every_s = 2 * options.jobs / (options.changes - options.extra)
    turns: dict[str, list[Answer]] = {"alone": [], "watched": []}
    with tempfile.TemporaryDirectory(prefix="s-") as folder:
        store = Path(folder) / "state.db"
        with part("engine", store, options.jobs, every_s, options.extra) as engine:
            for _ in range(options.turns):  # in turns, so that a slower machine slows both
                for name, made in turns.items():
                    watched = name == "watched"
                    made.append(turn(engine, options.seconds, options.consoles, watched=watched))
    print(
        f"{'':<18}{'changes/s':>10}{'runs/s':>9}{'late p50':>9}{'p99 ms':>9}{'us each':>8}"
        f"{'MiB from':>9}{'to':>7}{'told/s':>10}{'most':>6}{'wrong':>7}"
    )
    show("alone", turns["alone"])
    show(f"{options.consoles} consoles", turns["watched"])
    pairs = list(zip(turns["watched"], turns["alone"], strict=True))
    for name, title in (("used_mib", "MiB in use"), ("rss_mib", "RSS, MiB,")):
        told = [f"{one[name]:.0f}" for pair in pairs for one in reversed(pair)]
        print(f"{title} after each turn, the first alone:", *told)
    for name, title in (("p50_ms", "lateness p50"), ("p99_ms", "lateness p99"), ("cost", "CPU")):
        ratio = median(one[name] / other[name] for one, other in pairs)
        print(f"{title} with consoles: x{ratio:.2f}, aimed at x1.10")


if __name__ == "__main__":
    main()
