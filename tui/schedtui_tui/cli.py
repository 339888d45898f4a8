"""The `schedtui` command: which word was said, and how its errors leave.

Imports argparse only. Everything else is imported by the command that needs it, so that
``schedtui --version`` and ``--help`` cost no more than Python itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

COMMANDS = {
    "demo": ("demo", "the console on a living example; leaves nothing behind"),
    "init": ("init", "write a first jobs.py and schedtui.toml"),
    "serve": ("serve", "an engine without a screen, with its HTTP API"),
    "jobs": ("jobs", "list jobs, or show one"),
    "runs": ("runs", "list runs, newest first"),
    "stats": ("stats", "count runs and their times, by job or function"),
    "logs": ("logs", "show what a run wrote"),
    "functions": ("functions", "list the registered functions"),
    "next": ("next", "show a job's next due times"),
    "explain": ("explain", "say why a job ran, or did not, at a moment"),
    "trigger": ("trigger", "run a job, or many, now, once"),
    "backfill": ("backfill", "run a job for due times of the past"),
    "run": ("run", "run a function now, once, without a job"),
    "create": ("create", "create a job"),
    "edit": ("edit", "change a job; what is not given stays"),
    "pause": ("pause", "disable a job, many, or all: stop firing it"),
    "resume": ("resume", "fire what is paused again"),
    "revert": ("revert", "let a job be what the code says again"),
    "reload": ("reload", "load the code again"),
    "cancel": ("cancel", "end a run before its time"),
    "rerun": ("rerun", "run what a run ran once more"),
    "dead": ("dead", "list what failed for good, replay or dismiss it"),
    "delete": ("delete", "delete jobs that were created at run time"),
    "export": ("export", "write the jobs as a file"),
    "plan": ("plan", "say what applying a file would change"),
    "apply": ("apply", "make the jobs what a file says"),
    "rollback": ("rollback", "make the jobs what they were at a revision"),
    "import": ("importing", "make jobs of a crontab, or of fastapi-task-manager"),
    "revisions": ("revisions", "list the revisions of the jobs"),
    "backup": ("backup", "copy the store, while an engine uses it or not"),
    "restore": ("restore", "put a copy of a store where an engine finds it"),
    "context": ("context", "give names to remote engines"),
    "completion": ("completion", "let a shell complete all this"),
    "doctor": ("doctor", "say what is wrong here, and what mends it"),
    "token": ("token", "make, list and take back access tokens for the HTTP API"),
}
"""What may be said as the first word: its module in `commands`, and what it does."""

_OTHER_WORDS = {"disable": "pause", "enable": "resume"}
"""What elsewhere is called otherwise."""
VALUED = ("--connect", "--token-file", "--store", "--timezone")
"""Options before the word that take a value of their own."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are clean lines and exit code 2."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, which would take what follows an unknown option for something else."""
        for word in args or ():
            if word == "--":
                break
            if (
                word.startswith("--")
                and " " not in word
                and not self._knows(word.partition("=")[0])
            ):
                self.error(f"there is no option {word.partition('=')[0]}")
        return super().parse_known_args(args, namespace)

    def _knows(self, option: str) -> bool:
        actions = self._actions  # argparse shows them nowhere else
        if any(action.nargs in (argparse.PARSER, argparse.REMAINDER) for action in actions):
            return True  # it may be one of the verb's
        known = [name for action in actions for name in action.option_strings]
        return option in known or (
            self.allow_abbrev and any(name.startswith(option) for name in known)
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is; exit 2."""
        from schedtui_tui.exits import Exit, tell

        tell(f"{message}\nTry `{self.prog} --help`.")
        raise SystemExit(Exit.USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `schedtui` with these arguments and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except SystemExit as leaving:  # argparse leaves so, after --help as after an error
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except KeyboardInterrupt:
        return 130
    except BaseException as leaving:
        from schedtui_tui.exits import CutShort, Exit

        if isinstance(leaving, CutShort):
            os._exit(Exit.INTERRUPTED)
        raise
    except BrokenPipeError:
        # The reader has enough (`| head`): nobody is left to hear about it, nor at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _dispatch(arguments: list[str]) -> int:
    from schedtui.errors import SchedtuiError

    at = word_at(arguments)
    word = arguments[at] if at < len(arguments) else None
    if word == "help":
        return _dispatch([*arguments[:at], *arguments[at + 1 :], "--help"])
    if word in COMMANDS:
        name = COMMANDS[word][0]
        del arguments[at]
    elif word is None or "--" in arguments[:at] or looks_like_target(word):
        name, word = "console", None
    else:
        return _unknown(word)
    if word is None and any(option in arguments for option in ("--version", "-V")):
        sys.stdout.write(f"schedtui {_version()}\n")
        return 0
    command = import_module(f"schedtui_tui.commands.{name}")
    parser = parser_of(word)
    parsed = parser.parse_args(arguments)
    try:
        return int(command.run(parsed))
    except SchedtuiError as error:
        from schedtui_tui.exits import report

        return int(report(error))


def word_at(arguments: list[str]) -> int:
    """The index of the first argument that is no option and no option's value; else the length."""
    skip = False
    for index, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument == "--":
            return index + 1
        elif argument.startswith("-"):
            skip = argument in VALUED
        else:
            return index
    return len(arguments)


def looks_like_target(word: str) -> bool:
    """Whether a first word is a target; every other word is meant as a command."""
    return any(mark in word for mark in "./:") or os.path.isdir(word)  # noqa: PTH112 - pathlib costs 5 ms


def _unknown(word: str) -> int:
    from difflib import get_close_matches

    from schedtui_tui.exits import Exit, tell

    near = [_OTHER_WORDS[word]] if word in _OTHER_WORDS else []
    near = near or get_close_matches(word, [*COMMANDS, "help"], n=1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    tell(f"'{word}' is not a command{meant}")
    tell("a target is a file, a folder or a module: it holds '.', '/' or ':', or is a folder here")
    return Exit.USAGE


def parser_of(word: str | None) -> Parser:
    """The parser of a command; None: of the console."""
    parser = _parser(word)
    name = "console" if word is None else COMMANDS[word][0]
    import_module(f"schedtui_tui.commands.{name}").configure(parser)
    return parser


def _parser(word: str | None) -> Parser:
    if word is not None:
        from schedtui_tui.examples import epilog

        return Parser(
            prog=f"schedtui {word}",
            description=_sentence(COMMANDS[word][1]),
            epilog=epilog(word),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
    width = max(map(len, COMMANDS)) + 2
    listing = "\n".join(f"  {name:{width}}{what}" for name, (_, what) in COMMANDS.items())
    parser = Parser(
        prog="schedtui",
        usage="schedtui [TARGET] [OPTION...]\n       schedtui COMMAND [OPTION...]",
        description="The console on the jobs of TARGET, or on a remote engine.",
        epilog=f"commands (`schedtui COMMAND --help` says more):\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="store_true", help="print the version and exit")
    return parser


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _version() -> str:
    from schedtui import __version__

    return __version__
