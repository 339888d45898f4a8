"""``schedtui [TARGET]``: the console, on an engine of its own or on one that runs already."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from schedtui.locations import StateDir
from schedtui_tui.commands.connect import (
    add_remote_options,
    answers,
    folder_of,
    local,
    remote,
    used_context,
)
from schedtui_tui.exits import UsageError
from schedtui_tui.process import can_split, split
from schedtui_tui.terminal import is_terminal

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient
    from schedtui.target import Target


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui`` without a command."""
    parser.add_argument(
        "target",
        nargs="?",
        metavar="TARGET",
        help="a file, a folder, a module or module:engine; default: schedtui.toml or jobs.py here",
    )
    add_remote_options(parser)
    parser.add_argument("--read-only", action="store_true", help="hide everything that changes")
    add_store_options(parser)


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """``--store``, ``--timezone`` and the like, of an engine that is started here."""
    parser.add_argument(
        "--store", metavar="URL", help="where jobs and runs live; default: .schedtui/ beside TARGET"
    )
    parser.add_argument(
        "--timezone", metavar="ZONE", help="of jobs that name none; default: the target's, or UTC"
    )
    parser.add_argument(
        "--no-reload", action="store_true", help="do not load files again when they change"
    )


def run(args: argparse.Namespace) -> int:
    """Open the console."""
    refuse_without_terminal()
    if args.connect:
        if args.target or args.store or args.timezone or args.no_reload:
            raise UsageError(
                "--connect: the engine is there already; TARGET, --store, --timezone and "
                "--no-reload are for one that is started here"
            )
        client = remote(args.connect, args.token_file)
        return _attached(client, client.address, args)
    if not (args.target or args.store or args.timezone or args.no_reload):
        used = used_context()
        if used is not None:
            args.connect = used  # as if it had been typed, for the way back as well
            client = remote(used, args.token_file)
            return _attached(client, client.address, args)
    state = StateDir.beside(folder_of(args.target))
    if args.store is None and answers(state.socket):
        return _attached(local(state.socket), f"{state.path.parent.name} (attached)", args)
    check_target(args.target)
    return _embedded(args, state)


def refuse_without_terminal() -> None:
    """Raise unless a person can see the screen and type.

    Raises:
        UsageError: stdin or stdout is not a terminal.
    """
    if not is_terminal():
        raise UsageError(
            "the console needs a terminal on stdin and stdout; "
            "without one use `schedtui serve`, `schedtui jobs --json` and the like"
        )


def target_is_here() -> bool:
    """Whether something in this directory is loaded where no target is named."""
    # A link that leads nowhere is told when the target is loaded.
    return any(os.path.lexists(name) for name in ("schedtui.toml", "jobs.py"))


def check_target(target: str | None) -> None:
    """Refuse a target that cannot be there, before a screen is opened for it.

    Raises:
        UsageError: there is no such file, or none was named and none is here.
    """
    if target is None:
        if not target_is_here():
            raise UsageError(
                f"no target was given and neither schedtui.toml nor jobs.py is in {Path.cwd()}; "
                "name a file, or try `schedtui demo`"
            )
        return
    file = Path(target.partition(":")[0])
    if (file.suffix == ".py" or "/" in target) and not file.exists():
        raise UsageError(f"{target}: there is no such file or folder")


def _attached(client: EngineClient, title: str, args: argparse.Namespace) -> int:
    from schedtui_tui.commands.session import AttachedSession

    return AttachedSession(client, title=title, read_only=args.read_only, again=_again(args)).run()


def _again(args: argparse.Namespace) -> str:
    """The command line that opens the console on the same engine again."""
    words = ["schedtui", *([args.target] if args.target else [])]
    if args.connect:
        words += ["--connect", args.connect]
    if args.token_file:
        words += ["--token-file", str(args.token_file)]
    return shlex.join(words)


def _embedded(args: argparse.Namespace, state: StateDir) -> int:
    child = split() if can_split() else None
    if isinstance(child, int):
        return child
    from schedtui_tui.commands.host import Host
    from schedtui_tui.commands.session import EmbeddedSession

    def load() -> Target:
        from schedtui.target import load_target

        return load_target(args.target, cwd=Path.cwd())

    host = Host(
        load,
        state=state,
        store=args.store,
        timezone=args.timezone,
        reload=not args.no_reload,
    )
    return EmbeddedSession(
        host,
        child,
        title=args.target or state.path.parent.name,
        read_only=args.read_only,
        again=_again(args),
    ).run()
