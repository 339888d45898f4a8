"""What went wrong in the user's code, in one sentence: the file, the line and the reason."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from schedtui.errors import SchedtuiError, TargetError
from schedtui.target.find import Source, show
from schedtui.target.imports import is_library

_OURS = Path(__file__).resolve().parents[1]
_LONGEST = 500


def explain(error: BaseException, source: Source, cwd: Path) -> TargetError:
    """The error to raise instead of what running ``source`` raised.

    Its place is the deepest line that is neither in a library nor in schedtui: the line the user
    can change.
    """
    if isinstance(error, TargetError):
        return error
    if isinstance(error, SyntaxError) and _is_of_file(error):
        return _explain_syntax(error, source, cwd)
    file, line = _place(error)
    if isinstance(error, ModuleNotFoundError) and _is_itself(error, source, file):
        part = "" if error.name == source.module else f" (there is no {error.name!r})"
        return TargetError(
            f"there is no module {source.module!r}{part}",
            hint=f"It was looked for in {cwd} and among the installed packages of {sys.prefix}",
        )
    if isinstance(error, OSError) and file is None:
        return TargetError(f"it cannot be read: {error.strerror}", file=source.shown)
    shown = show(Path(file), cwd) if file else source.shown
    reason, hint = _reason(error)
    return TargetError(reason, file=shown, line=line, hint=hint)


def _explain_syntax(error: SyntaxError, source: Source, cwd: Path) -> TargetError:
    shown = show(Path(error.filename), cwd) if error.filename else source.shown
    reason = error.msg or "invalid syntax"
    if "'utf-8' codec" in reason:
        return TargetError(
            f"it is not UTF-8 ({reason})", file=shown, line=error.lineno, hint="Save it as UTF-8"
        )
    code = f": {error.text.strip()}" if error.text and error.text.strip() else ""
    return TargetError(
        _cut(f"{type(error).__name__}: {reason}{code}"), file=shown, line=error.lineno or None
    )


def _reason(error: BaseException) -> tuple[str, str]:
    """The sentence, and what to do."""
    if isinstance(error, ModuleNotFoundError) and error.name and "." not in error.name:
        return (
            f"it imports {error.name!r}, and there is no such module",
            f"Install it for {sys.executable}, or correct the import",
        )
    if isinstance(error, SystemExit):
        return (
            f"it ends the program, by SystemExit: {error.code!r}",
            "Move that below: if __name__ == '__main__':",
        )
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - exceptions of the user may raise anything here
        text = ""
    if isinstance(error, SchedtuiError):
        return text, ""
    name = type(error).__name__
    return _cut(f"{name}: {text}" if text else name), ""


def _place(error: BaseException) -> tuple[str | None, int | None]:
    """The deepest line of the user's; failing that, of a library."""
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith("<")
        and not str(frame.f_globals.get("__name__")).startswith("importlib")
        and not Path(frame.f_code.co_filename).is_relative_to(_OURS)
    ]
    own = [(file, line) for file, line in frames if not is_library(file)] or frames
    return own[-1] if own else (None, None)


def _is_of_file(error: SyntaxError) -> bool:
    """Whether a file is wrong, and not a text that the code gave to ``eval`` or ``compile``."""
    return not error.filename or not error.filename.startswith("<")


def _is_itself(error: ModuleNotFoundError, source: Source, file: str | None) -> bool:
    """Whether it is the target that is missing, and not something it imports."""
    return (
        file is None
        and source.module is not None
        and error.name is not None
        and f"{source.module}.".startswith(f"{error.name}.")
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
