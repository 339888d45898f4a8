"""What may be typed next, from the commands' own parsers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence

Candidate = tuple[str, str]
"""A word, and what it does."""
Names = Callable[[], Iterable[str]]


def complete(
    parser: argparse.ArgumentParser,
    words: Sequence[str],
    *,
    jobs: Names,
    functions: Names,
    contexts: Names,
) -> list[Candidate]:
    """What may stand where the last of ``words`` is being typed; nothing where files may.

    Args:
        parser: Of the command.
        words: Those behind the command; the last one as far as it is typed.
        jobs: The names of jobs, asked for where one is expected.
        functions: Likewise.
        contexts: Likewise.
    """
    *before, prefix = words
    parser, position, waiting = _walk(parser, before)
    if waiting is not None:
        found = _values(waiting, jobs, functions, contexts)
    elif prefix.startswith("-"):
        found = _options(parser, before)
    else:
        found = []
        for action in _positionals(parser)[position : position + 1]:
            found = _values(action, jobs, functions, contexts)
    return [(word, what) for word, what in found if word.startswith(prefix)]


def _walk(
    parser: argparse.ArgumentParser, words: Sequence[str]
) -> tuple[argparse.ArgumentParser, int, argparse.Action | None]:
    """The parser that ``words`` lead to, how many arguments it has, what wants a value."""
    position, waiting = 0, None
    for word in words:
        if waiting is not None:
            waiting = None
            continue
        if word.startswith("-"):
            action = parser._option_string_actions.get(word)  # noqa: SLF001 - argparse shows them nowhere else
            waiting = action if action is not None and action.nargs != 0 else None
            continue
        positionals = _positionals(parser)
        if position < len(positionals):
            action = positionals[position]
            if isinstance(action, argparse._SubParsersAction) and word in action.choices:  # noqa: SLF001 - likewise
                parser, position = action.choices[word], 0
                continue
            position += action.nargs not in ("*", "+")
    return parser, position, waiting


def _positionals(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [one for one in parser._actions if not one.option_strings]  # noqa: SLF001 - likewise


def _options(parser: argparse.ArgumentParser, given: Sequence[str]) -> list[Candidate]:
    """The long options that were not given yet."""
    found = []
    for action in parser._actions:  # noqa: SLF001 - likewise
        again = type(action).__name__ == "_AppendAction"
        if again or not set(action.option_strings) & set(given):
            found += [(o, _help(action)) for o in action.option_strings if o.startswith("--")]
    return found


def _values(
    action: argparse.Action, jobs: Names, functions: Names, contexts: Names
) -> list[Candidate]:
    if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
        return [(one.dest, _help(one)) for one in action._choices_actions]  # noqa: SLF001 - likewise
    if action.choices is not None:
        return [(str(one), "") for one in action.choices]
    metavar = str(action.metavar or "")
    sources = {"GROUP/NAME": jobs, "GROUP/FUNCTION": functions, "CONTEXT": contexts}
    for mark, names in sources.items():
        if mark in metavar:
            return [(name, "") for name in names()]
    if action.dest == "name" and metavar == "NAME":  # of `schedtui context`
        return [(name, "") for name in contexts()]
    return []


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%")
