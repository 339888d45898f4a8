"""Reading a docstring: what the function does, and what its parameters mean.

Two styles are known: Google's ``Args:`` section, and Sphinx's ``:param name: text`` fields.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_ARGUMENTS = ("args", "arguments", "keyword args", "keyword arguments", "parameters")
_LEFT_OUT = ("returns", "return", "yields", "yield", "raises")
_SECTION = re.compile(rf"({'|'.join((*_ARGUMENTS, *_LEFT_OUT))})\s*:\s*", re.IGNORECASE)
_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
_FIELD = re.compile(r":(\w+)(?:\s+([^:]*))?:\s*(.*)")
_PARAMETER_FIELDS = ("param", "parameter", "arg", "argument", "key", "keyword")
_OTHER_FIELDS = ("type", "return", "returns", "rtype", "raise", "raises", "except", "exception")


@dataclass(frozen=True, kw_only=True, slots=True)
class Docstring:
    """A docstring taken apart."""

    text: str = ""
    """Summary and description, without what is said of arguments, results and exceptions."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The description of each parameter that has one, on one line."""

    @property
    def summary(self) -> str:
        """The first paragraph, on one line."""
        return " ".join(self.text.partition("\n\n")[0].split())


def parse_docstring(doc: str | None) -> Docstring:
    """Take a docstring apart; what is not understood stays in the text."""
    if not doc:
        return Docstring()
    lines = [line.rstrip() for line in inspect.cleandoc(doc).splitlines()]
    text: list[str] = []
    parameters: dict[str, str] = {}
    at = 0
    while at < len(lines):
        section = _SECTION.fullmatch(lines[at])
        found = _FIELD.fullmatch(lines[at])
        end = _block_end(lines, at + 1)
        if section and end > at + 1:
            if section[1].lower() in _ARGUMENTS:
                parameters |= _entries(lines[at + 1 : end])
        elif found and found[1] in _PARAMETER_FIELDS and found[2]:
            name = found[2].split()[-1].lstrip("*")
            parameters[name] = _one_line([found[3], *lines[at + 1 : end]])
        elif not (found and found[1] in _OTHER_FIELDS):
            text.append(lines[at])
            end = at + 1
        at = end
    return Docstring(
        text=re.sub(r"\n{3,}", "\n\n", "\n".join(text)).strip(),
        parameters={name: words for name, words in parameters.items() if words},
    )


def _block_end(lines: list[str], start: int) -> int:
    """Where the indented block that starts at ``start`` ends."""
    end = start
    for at in range(start, len(lines)):
        if lines[at].startswith((" ", "\t")):
            end = at + 1
        elif lines[at]:
            break
    return end


def _entries(block: list[str]) -> dict[str, str]:
    """The ``name (type): text`` entries of an ``Args:`` section."""
    margin = min(len(line) - len(line.lstrip()) for line in block if line.strip())
    entries: dict[str, list[str]] = {}
    current: list[str] = []
    for line in block:
        found = _ENTRY.fullmatch(line.strip()) if line[margin : margin + 1].strip() else None
        if found:
            current = entries[found[1]] = [found[2]]
        else:
            current.append(line)
    return {name: _one_line(words) for name, words in entries.items()}


def _one_line(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())
