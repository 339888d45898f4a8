"""``schedtui completion``: what lets a shell complete `schedtui`, and its answers to the shell."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from schedtui.errors import SchedtuiError
from schedtui.locations import StateDir
from schedtui_tui.exits import Exit

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient

_ASK_S = 1.0
"""Seconds that a person waits for names at most."""

SCRIPTS = {
    "bash": r"""# bash completion of schedtui: eval "$(schedtui completion bash)" in ~/.bashrc
_schedtui() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$(printf '%q' "${line%%$'\t'*}")")
    done < <(schedtui completion words "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
}
complete -o bashdefault -o default -F _schedtui schedtui
""",
    "zsh": r"""#compdef schedtui
# zsh completion of schedtui: save as _schedtui in a folder of $fpath
_schedtui() {
    local -a found
    local line
    while IFS= read -r line; do
        found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done < <(schedtui completion words "${(@Q)words[1,CURRENT]}" 2>/dev/null)
    if (( $#found )); then
        _describe schedtui found
    else
        _files
    fi
}
if [ "$funcstack[1]" = "_schedtui" ]; then
    _schedtui "$@"
else
    compdef _schedtui schedtui
fi
""",
    "fish": r"""# fish completion of schedtui: save as ~/.config/fish/completions/schedtui.fish
function __schedtui_words
    set -l line (commandline -opc) (commandline -ct)
    schedtui completion words $line 2>/dev/null
end
complete -c schedtui -a '(__schedtui_words)'
""",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui completion``."""
    parser.add_argument("shell", choices=[*SCRIPTS, "words"], help="words: for these scripts only")
    # The line as it is typed, from the program on, so that no word of it is an option here.
    parser.add_argument("line", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Print the script, or what may be typed next."""
    if args.shell != "words":
        sys.stdout.write(SCRIPTS[args.shell])
        return Exit.DONE
    from schedtui_tui.text import clean

    for word, what in _candidates(args.line[1:] or [""]):
        sys.stdout.write(f"{clean(word)}\t{clean(what)}\n")
    return Exit.DONE


def _candidates(words: list[str]) -> list[tuple[str, str]]:
    from schedtui_tui import cli, contexts
    from schedtui_tui.completing import complete

    *before, prefix = words
    at = cli.word_at(before)
    valued = before[-1:] and before[-1] in cli.VALUED
    if at == len(before) and not valued and not prefix.startswith("-"):
        known = [(word, what) for word, (_, what) in cli.COMMANDS.items()]
        return [(word, what) for word, what in known if word.startswith(prefix)]
    word = before[at] if at < len(before) and before[at] in cli.COMMANDS else None
    rest = words if word is None else [*words[:at], *words[at + 1 :]]
    here = not {"--connect", "--target"} & set(words)
    return complete(
        cli.parser_of(word),
        rest,
        jobs=lambda: _names(_jobs) if here else (),
        functions=lambda: _names(_functions) if here else (),
        contexts=lambda: contexts.read().by_name,
    )


def _names(ask: Callable[[EngineClient], Awaitable[list[str]]]) -> Iterable[str]:
    """Names of the engine of this directory; none where it does not say them at once."""
    from schedtui_tui.commands.connect import answers, local

    async def work() -> list[str]:
        client = local(socket)
        try:
            return await asyncio.wait_for(ask(client), _ASK_S)
        finally:
            await client.aclose()

    try:
        socket = StateDir.beside(Path.cwd()).socket
        return asyncio.run(work()) if answers(socket) else ()
    except (SchedtuiError, OSError, TimeoutError):
        return ()


async def _jobs(client: EngineClient) -> list[str]:
    return [row.full_name for row in (await client.snapshot()).jobs]


async def _functions(client: EngineClient) -> list[str]:
    return [info.full_name for info in await client.functions()]
