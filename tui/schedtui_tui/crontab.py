"""What a crontab says: Debian's crontab(5), and the ``CRON_TZ`` of cronie's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from schedtui.errors import InvalidError

_SETTING = re.compile(r"""(["']?)([A-Za-z_]\w*)\1\s*=\s*(.*)""", re.DOTALL)
_ENTRY = "five fields (or @daily and its like) and a command"
_SYSTEM_ENTRY = "five fields (or @daily and its like), a user and a command"
_ZONE = "CRON_TZ"
_NOT_A_NAME = re.compile(r"[^\w.@+-]+")
_PREFACES = {"cd", "test", "[", "[[", "sleep", "export", ".", "source", "umask", "true", "set"}
_WRAPPERS = {"sudo", "nice", "ionice", "nohup", "env", "exec", "chronic", "setsid", "time"}
_INTERPRETERS = re.compile(r"(ba|da|z|k)?sh|python[\d.]*|perl|php[\d.]*|ruby|node")
_MOST_NAME = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A line that runs something."""

    line: int
    """Its number in the file, from 1."""
    schedule: str
    """Five fields, or a word such as ``@daily`` or ``@reboot``."""
    command: str
    """For the shell, with what stands behind a ``%`` taken off."""
    stdin: str = ""
    """What the command is given to read."""
    user: str = ""
    """As whom it runs; empty: the owner of the crontab."""
    timezone: str = ""
    """In which the schedule is meant; empty: that of the machine."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What was set above it."""
    comment: str = ""
    """What the line right above it says of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Crontab:
    """A file's lines that run something, and those that cannot be read."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]
    """``line 7: ...``."""


def read(text: str, *, system: bool = False) -> Crontab:
    """Read a crontab.

    Args:
        text: Of the file.
        system: Whether it has a column for the user, as ``/etc/crontab`` does.
    """
    entries: list[Entry] = []
    problems: list[str] = []
    environment: dict[str, str] = {}
    comment = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        setting = _SETTING.fullmatch(line)
        if not line or line.startswith("#"):
            comment = line.removeprefix("#").strip()
            continue
        if setting:
            environment[setting[2]] = _unquoted(setting[3])
        else:
            try:
                entries.append(_entry(number, line, environment, comment, system=system))
            except InvalidError as error:
                problems.append(f"line {number}: {error}")
        comment = ""
    return Crontab(entries=tuple(entries), problems=tuple(problems))


def _entry(
    number: int, line: str, environment: Mapping[str, str], comment: str, *, system: bool
) -> Entry:
    from schedtui.triggers import Cron, check_timezone  # not needed for --help

    columns = (1 if line.startswith("@") else 5) + system
    parts = line.split(None, columns)
    if len(parts) <= columns:
        raise InvalidError.one("entry", line, _SYSTEM_ENTRY if system else _ENTRY)
    schedule = " ".join(parts[: columns - system]).lower()
    if schedule != "@reboot":
        Cron(schedule)
    zone = environment.get(_ZONE, "")
    if zone:
        check_timezone(zone)
    command, stdin = split_command(parts[-1])
    return Entry(
        line=number,
        schedule=schedule,
        command=command,
        stdin=stdin,
        user=parts[-2] if system else "",
        timezone=zone,
        environment={name: value for name, value in environment.items() if name != _ZONE},
        comment=comment,
    )


def split_command(text: str) -> tuple[str, str]:
    r"""What the shell runs and what it reads: the first bare ``%`` ends the one, others end lines.

    As cron's ``do_command.c`` does it: ``\%`` is a ``%``, and every other backslash stays.
    """
    parts = [""]
    escaped = False
    for char in text:
        if escaped:
            parts[-1] += char if char == "%" else f"\\{char}"
        elif char == "%":
            parts.append("")
        elif char != "\\":
            parts[-1] += char
        escaped = char == "\\" and not escaped
    parts[-1] += "\\" if escaped else ""
    stdin = "\n".join(parts[1:])
    return parts[0].strip(), stdin if not stdin or stdin.endswith("\n") else f"{stdin}\n"


def name_of(command: str) -> str:
    """What a job that runs ``command`` may be called: the program that matters in it."""
    for part in re.split(r"&&|\|\||[;|]", command):
        words = [word for word in _words(part) if not re.match(r"\w+=|-|\(", word)]
        while words and words[0].rpartition("/")[2] in _WRAPPERS:
            del words[0]
        if not words or words[0].rpartition("/")[2] in _PREFACES:
            continue
        first = words[0].rstrip("/").rpartition("/")[2]
        if _INTERPRETERS.fullmatch(first) and len(words) > 1:
            first = words[1].rstrip("/").rpartition("/")[2]
        name = _NOT_A_NAME.sub("-", first).strip("-.")[:_MOST_NAME]
        if name:
            return name
    return "command"


def _words(part: str) -> list[str]:
    try:
        return shlex.split(part)
    except ValueError:  # a quote that the split above, or the line itself, has left open
        return part.split()


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
