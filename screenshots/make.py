"""Make the pictures of README.md from the real program: `python screenshots/make.py`.

Starts `schedtui demo` in a pty, presses keys, and draws what a terminal (pyte) then shows as SVG.
Needs the extra ``dev``.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path

from pyte.screens import Char
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from terminal_driver import SCHEDTUI as PROGRAM  # noqa: E402 - found on the path set above
from terminal_driver import Terminal, environment  # noqa: E402

SCHEDTUI = (*PROGRAM, "demo")
TRUE_COLOUR = {"COLORTERM": "truecolor"}
SOME_HISTORY_S = 40
PLACE = f"{HERE.parent / 'tui'}/"
FORM = ("anna@example.com", "tab", "tab", "tab", "0 9 * * mon-fri")


def colour(name: str) -> Color | None:
    """A colour as pyte names it."""
    if name == "default":
        return None
    if len(name) == 6:
        return Color.parse(f"#{name}")
    return Color.parse({"brown": "yellow"}.get(name, name).replace("bright", "bright_"))


def without_place(cells: list[Char]) -> list[Char]:
    """A row without the folder that a traceback names: it is another one on every machine."""
    at = "".join(cell.data for cell in cells).find(PLACE)
    if at < 0:
        return cells
    return cells[:at] + cells[at + len(PLACE) :] + cells[-1:] * len(PLACE)


def draw(terminal: Terminal, name: str, title: str) -> None:
    """Write the terminal's screen as ``name``.svg."""
    screen = terminal.screen
    console = Console(
        width=screen.columns,
        record=True,
        file=io.StringIO(),
        color_system="truecolor",
        force_terminal=True,
        legacy_windows=False,
    )
    for y in range(screen.lines):
        line = Text(no_wrap=True, end="")
        cells = without_place([screen.buffer[y][x] for x in range(screen.columns)])
        for look, alike in groupby(cells, lambda cell: cell._replace(data="")):
            style = Style(
                color=colour(look.fg),
                bgcolor=colour(look.bg),
                bold=look.bold,
                italic=look.italics,
                underline=look.underscore,
                reverse=look.reverse,
            )
            line.append("".join(cell.data for cell in alike), style)
        console.print(line)
    svg = console.export_svg(title=title, theme=DIMMED_MONOKAI, unique_id=name)
    (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")


def main() -> None:
    """Make all of them."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        wide = Terminal(SCHEDTUI, cwd=home, env=environment(home, **TRUE_COLOUR))
        narrow = Terminal(
            SCHEDTUI, cwd=home, env=environment(home, **TRUE_COLOUR), columns=80, rows=24
        )
        try:
            narrow.wait("import_prices")
            wide.wait("import_prices")
            time.sleep(SOME_HISTORY_S)
            wide.send("/", "check", "enter")
            wide.wait("1 of")
            wide.send("esc")
            wide.wait("count_visitors")
            time.sleep(1)
            draw(wide, "jobs", "schedtui demo")
            draw(narrow, "narrow", "schedtui demo, 80x24")
            wide.send("/", "import_prices", "enter")
            wide.wait("1 of")
            wide.send("l")
            wide.wait(lambda screen: "✗ failed" in screen and "cannot read the price" in screen)
            time.sleep(1)
            draw(wide, "log", "l: the last log")
            wide.send("esc")
            wide.wait("1 of")
            wide.send("n")
            wide.wait("send_report")
            wide.send("send_report", "enter")
            wide.wait("recipient")
            wide.send(*FORM)
            wide.wait("Mon")
            time.sleep(1)
            draw(wide, "create", "n: a new job")
        finally:
            wide.close()
            narrow.close()


if __name__ == "__main__":
    main()
