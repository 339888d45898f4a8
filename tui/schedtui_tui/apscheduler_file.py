"""Jobs that an attached APScheduler exported, with registered functions in place of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from schedtui.errors import FunctionNotFoundError
from schedtui.models.names import split_name
from schedtui_tui.exits import UsageError

_EXPECTED = "MODULE/NAME=GROUP/FUNCTION, as in reports/send=Reports/send_report"


def read_map(pairs: Sequence[str]) -> dict[str, str]:
    """Which registered function stands for which of the application's.

    Raises:
        UsageError: one is not ``MODULE/NAME=GROUP/FUNCTION``, or a function is named twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        theirs, equals, ours = pair.partition("=")
        if not equals or "/" not in theirs or "/" not in ours:
            raise UsageError(f"--map {pair}: expected {_EXPECTED}")
        if theirs in found:
            raise UsageError(f"--map {pair}: {theirs} is mapped to {found[theirs]} already")
        found[theirs] = ours
    return found


def named(
    jobs: Mapping[str, Mapping[str, Any]],
    mapped: Mapping[str, str],
    functions: Collection[str],
    group: str | None,
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The jobs with functions of this engine.

    Args:
        jobs: As the file has them, by ``group/name``.
        mapped: What `read_map` read.
        functions: All that this engine has, as ``group/name``.
        group: What their groups become; None: they stay.

    Returns:
        The jobs by their new names, and a line for each that cannot be.

    Raises:
        FunctionNotFoundError: one is mapped to what this engine has not.
        UsageError: what is mapped, no job of the file calls.
    """
    for theirs, ours in mapped.items():
        if ours not in functions:
            raise FunctionNotFoundError(ours, "`schedtui functions` lists them")
        if all(job.get("function") != theirs for job in jobs.values()):
            raise UsageError(f"--map {theirs}={ours}: no job of the file calls {theirs}")
    found: dict[str, dict[str, Any]] = {}
    problems = []
    for old, job in sorted(jobs.items()):
        name = old if group is None else f"{group}/{split_name('name', old)[1]}"
        theirs = str(job.get("function", ""))
        meant = [mapped[theirs]] if theirs in mapped else _alike(theirs, functions)
        if name in found:
            problems.append(f"{old}: another job of the file becomes {name} as well")
        elif len(meant) == 1:
            found[name] = {**job, "function": meant[0]}
        elif meant:
            problems.append(
                f"{old}: {theirs} may be any of {', '.join(meant)}; say which with --map"
            )
        else:
            problems.append(
                f"{old}: the engine has no function for {theirs}; register one of that name, or "
                f"say which with --map {theirs}=GROUP/FUNCTION"
            )
    return found, problems


def _alike(theirs: str, functions: Collection[str]) -> list[str]:
    """The registered functions that may be meant: of that very name, else of any group."""
    if theirs in functions:
        return [theirs]
    name = theirs.rpartition("/")[2].rpartition(".")[2]
    return sorted(one for one in functions if one.partition("/")[2] == name)
