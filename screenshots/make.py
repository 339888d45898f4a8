"""Make the pictures of README.md from the real program: `python screenshots/make.py`.

Starts `schedtui demo` in a pty, presses keys, and draws what a terminal (pyte) then shows as SVG.
Needs the extra ``dev``.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from terminal_driver import Terminal  # noqa: E402 - found on the path set above

SCHEDTUI = [sys.executable, "-m", "schedtui_tui", "demo"]


def colour(name: str) -> Color | None:
    """A colour as pyte names it."""
    if name == "default":
        return None
    if len(name) == 6:
        return Color.parse(f"#{name}")
    return Color.parse({"brown": "yellow"}.get(name, name).replace("bright", "bright_"))


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
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            style = Style(
                color=colour(cell.fg),
                bgcolor=colour(cell.bg),
                bold=cell.bold,
                italic=cell.italics,
                underline=cell.underscore,
                reverse=cell.reverse,
            )
            line.append(cell.data, style)
        console.print(line)
    svg = console.export_svg(title=title, theme=DIMMED_MONOKAI, unique_id=name)
    (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")


def main() -> None:
    """Make all of them."""
    with tempfile.TemporaryDirectory() as folder:
        with Terminal(SCHEDTUI, columns=140, lines=40, cwd=Path(folder)) as wide:
            wide.wait_for("rebuild_search_index", "succeeded", "failed")
            wide.idle(12)
            wide.press("j", "j", "j")
            wide.wait_for("count_visitors")
            wide.idle(1)
            draw(wide, "jobs", "schedtui demo")
            wide.press("n")
            wide.wait_for("send_report")
            for key in ("send_report", "enter"):
                wide.press(key)
            wide.idle(1)
            draw(wide, "create", "n: a new job")
            wide.press("escape")
        with Terminal(SCHEDTUI, columns=80, lines=24, cwd=Path(folder)) as narrow:
            narrow.wait_for("import_prices", "failed")
            narrow.idle(6)
            draw(narrow, "narrow", "schedtui demo, 80x24")


if __name__ == "__main__":
    main()
