"""The one cleaner: whatever comes from outside passes here before it is drawn.

Textual hands ESC and C1 on to the terminal from nearly every widget, and a name of a job, an
argument, an exception or a line of a log may hold any character. What could steer a terminal,
reorder a line or upset its columns is replaced by a visible stand-in of one cell.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

ELLIPSIS = "…"
STAND_IN = "·"
MAX_LINE = 10_000
"""Characters of one log line that are shown."""
_MAX_CELL = 512  # characters of one table cell that are looked at

# Format characters (category Cf), separators and fillers of no width. Terminals disagree about the
# width that a variation selector or a skin tone leaves behind; without these all of them agree.
_FORMAT = (
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff"
)
_DROPPED = "\u180b-\u180d\u180f\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef"
_COMBINING = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_BAD = re.compile(
    f"[\\x00-\\x1f\\x7f-\\x9f\ud800-\udfff{_FORMAT}{_DROPPED}]|(?:^|(?<=[{_COMBINING}]{{2}}))[{_COMBINING}]+"
)
_BAD_BUT_NEWLINE = re.compile(_BAD.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))
_IS_DROPPED = re.compile(f"[{_DROPPED}{_COMBINING}]")
_SGR = re.compile(r"\x1b\[([0-9;:]{0,64})m")


def _picture(found: re.Match[str]) -> str:
    """A stand-in for one bad character, or nothing where it only decorated its neighbour."""
    char = found.group()
    code = ord(char[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return "" if _IS_DROPPED.match(char) else STAND_IN


def clean(text: object, *, lines: bool = False) -> str:
    """``text`` with nothing in it that a terminal would act on.

    Args:
        text: Anything; made a string first.
        lines: Keep line feeds, for text that is drawn in several lines. Otherwise they too become
            visible, and tabs become one space.
    """
    plain = str(text)
    if plain.isascii() and plain.isprintable():
        return plain
    if lines:
        plain = plain.replace("\r\n", "\n").expandtabs(4)
        return _BAD_BUT_NEWLINE.sub(_picture, plain)
    return _BAD.sub(_picture, plain.replace("\t", " "))


def fit(text: object, width: int, *, right: bool = False) -> str:
    """``text`` cleaned, cut with an ellipsis, and padded to exactly ``width`` cells.

    Args:
        text: Anything; made a string first.
        width: Cells; wide characters count two.
        right: Push it to the right.
    """
    plain = str(text)
    if len(plain) > _MAX_CELL:
        plain = plain[:_MAX_CELL] + ELLIPSIS
    return _fit(plain, max(width, 0), right)


@lru_cache(maxsize=16_384)
def _fit(text: str, width: int, right: bool) -> str:
    cleaned = clean(text)
    cells = cell_len(cleaned)
    if cells > width:
        return set_cell_size(cleaned, width - 1) + ELLIPSIS if width else ""
    padding = " " * (width - cells)
    return padding + cleaned if right else cleaned + padding


def cells(text: str) -> int:
    """Cells that a text takes once it is cleaned."""
    return len(text) if text.isascii() else cell_len(clean(text))


def cut(text: object, width: int) -> str:
    """Like `fit`, without the padding."""
    return fit(text, width).rstrip(" ")


def block(text: object, *, max_lines: int = 200, max_chars: int = 20_000) -> str:
    """``text`` cleaned for several lines, and cut where it is longer than anyone reads.

    Args:
        text: Anything; made a string first.
        max_lines: Lines that are kept, from the start.
        max_chars: Characters that are kept.
    """
    plain = str(text)
    rows = plain[:max_chars].split("\n")
    more = len(plain) > max_chars or len(rows) > max_lines
    cleaned = clean("\n".join(rows[:max_lines]), lines=True)
    return f"{cleaned}\n{ELLIPSIS}" if more else cleaned


def is_marks(line: str) -> bool:
    """Whether ``line`` only points at the code above it, as lines of a traceback do."""
    return "^" in line and not line.strip(" ~^")


def without_lost_marks(text: str, width: int) -> str:
    """A traceback without the marks that would no longer be below the code they mean.

    Args:
        text: The traceback.
        width: Cells after which lines wrap.
    """
    kept: list[str] = []
    for line in text.split("\n"):
        wraps = len(line) > width or (bool(kept) and cell_len(kept[-1]) > width)
        if not (wraps and is_marks(line)):
            kept.append(line)
    return "\n".join(kept)


def clean_log(text: str) -> Text:
    """A line of a log: SGR sequences become styles, everything else is cleaned.

    Concealed and blinking text stay plain: a reader must see what is there, at rest.
    """
    from rich.style import Style
    from rich.text import Text

    if len(text) > MAX_LINE:
        text = text[:MAX_LINE] + ELLIPSIS
    text = _tabs(text)
    if "\x1b" not in text:
        return Text(clean(text), end="")
    result = Text(end="")
    style = Style.null()
    position = 0
    for found in _SGR.finditer(text):
        result.append(clean(text[position : found.start()]), style)
        style = _sgr(style, found.group(1))
        position = found.end()
    result.append(clean(text[position:]), style)
    return result


def _tabs(text: str) -> str:
    """Tabs as spaces; their columns cannot be counted across sequences of no width."""
    return text.replace("\t", "    ") if "\x1b" in text else text.expandtabs(8)


def log_cells(text: str) -> int:
    """Cells that a line of a log takes when it is drawn, or a few more."""
    if text.isascii() and text.isprintable():
        return len(text) if len(text) <= MAX_LINE else MAX_LINE + 1
    plain = clean(_SGR.sub("", _tabs(text[:MAX_LINE])))
    cells = len(plain) if plain.isascii() else cell_len(plain)
    return cells + (len(text) > MAX_LINE)


_ATTRIBUTES: dict[int, dict[str, bool]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    9: {"strike": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"reverse": False},
    29: {"strike": False},
}


@lru_cache(maxsize=1024)
def _sgr(style: Style, parameters: str) -> Style:
    """``style`` after one SGR sequence (ECMA-48 8.3.117; colours as in xterm's ctlseqs)."""
    from rich.color import Color
    from rich.style import Style

    codes = [min(int(code or 0), 999) for code in re.split("[;:]", parameters[:64])]
    while codes:
        code = codes.pop(0)
        if code == 0:
            style = Style.null()
        elif code in _ATTRIBUTES:
            style += Style(**_ATTRIBUTES[code])  # type: ignore[arg-type] # flags only
        elif code in (38, 48):
            color = _extended(codes)
            if color is not None:
                style += Style(color=color) if code == 38 else Style(bgcolor=color)
        elif code in (39, 49):
            plain = Color.default()
            style += Style(color=plain) if code == 39 else Style(bgcolor=plain)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style += Style(color=Color.from_ansi(code - 30 if code < 90 else code - 82))
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style += Style(bgcolor=Color.from_ansi(code - 40 if code < 100 else code - 92))
    return style


def _extended(codes: list[int]) -> Color | None:
    """The colour that follows 38 or 48, taken off the front of ``codes``; None when it is none."""
    from rich.color import Color

    kind = codes.pop(0) if codes else None
    if kind == 5 and codes:
        return Color.from_ansi(min(codes.pop(0), 255))
    if kind == 2 and len(codes) >= 3:
        red, green, blue = (min(codes.pop(0), 255) for _ in range(3))
        return Color.from_rgb(red, green, blue)
    codes.clear()
    return None
