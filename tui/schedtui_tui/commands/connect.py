"""How a command finds its engine: the URL it was given, or the engine of this directory."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket as sockets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from schedtui.errors import UnauthorizedError, UnreachableError
from schedtui.locations import StateDir, check_own_socket
from schedtui_tui.exits import UsageError, note

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


_STARTING_S = 5.0
"""Seconds that an engine gets from taking its store to opening its socket."""
_PAUSE_S = 0.05


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which engine is meant."""
    group = parser.add_argument_group("which engine")
    add_remote_options(group)
    group.add_argument(
        "--target",
        metavar="TARGET",
        help="the engine that runs beside this file or folder; default: beside this directory",
    )


def add_remote_options(parser: argparse._ActionsContainer) -> None:
    """``--connect`` and where its token is."""
    parser.add_argument(
        "--connect",
        metavar="URL|CONTEXT",
        help="a remote engine: http(s)://HOST:PORT, or the name of a context",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        type=Path,
        help="a file that holds the access token; default: $SCHEDTUI_TOKEN, else asked for",
    )


def with_engine(args: argparse.Namespace, work: Callable[[EngineClient], Awaitable[int]]) -> int:
    """Run ``work`` on the engine that ``args`` mean, and return its exit code.

    Raises:
        UnreachableError: no engine runs there.
        RefusedError: the engine there may be another user's.
        UsageError: the options contradict each other.
    """
    client = find_engine(args)  # before the loop runs: it may have to ask for a token

    async def run() -> int:
        try:
            return await work(client)
        finally:
            await client.aclose()

    return asyncio.run(run())


def find_engine(args: argparse.Namespace) -> EngineClient:
    """A client of the engine that ``args`` mean. Not to be called on a running event loop."""
    if args.connect:
        if args.target:
            raise UsageError("--connect and --target name two engines; give one of them")
        return remote(args.connect, args.token_file)
    if not args.target and (used := used_context()) is not None:
        return remote(used, args.token_file)
    folder = folder_of(args.target)
    state = StateDir.beside(folder)
    if not answers(state.socket):
        _wait_for(state)
    return local(state.socket)


def used_context() -> str | None:
    """The name of the context that is in use; a person is told that it is."""
    from schedtui_tui import contexts

    used = contexts.read().used
    if used is None:
        return None
    if sys.stderr.isatty():
        note(f"on {used.name} ({used.url})")
    return used.name


def _wait_for(state: StateDir) -> None:
    """Return once the engine of a folder answers: it has its store before it has its socket.

    Raises:
        UnreachableError: none runs there, or it does not answer.
    """
    from schedtui.store.sql.lock import read_owner  # only where nobody answers at once

    until = monotonic() + _STARTING_S
    while (owner := read_owner(state.database)) is not None:
        if monotonic() >= until:
            who = f"process {owner.pid}" if owner.pid else "another process"
            raise UnreachableError(
                f"the engine of {who} has {state.database} and does not answer on {state.socket}: "
                "it is starting, stopping, or part of a program that does not open it to others; "
                "try again in a moment"
            )
        sleep(_PAUSE_S)
        if answers(state.socket):
            return
    raise UnreachableError(
        f"no engine runs for {state.path.parent}; start one with `schedtui` or `schedtui serve`, "
        "or name one with --connect URL"
    )


def folder_of(target: str | None) -> Path:
    """The folder beside which a target keeps its state, without loading the target."""
    if target is None:
        return Path.cwd()
    path = Path(target.partition(":")[0])
    if path.is_dir():
        return path.resolve()
    if path.suffix == ".py" or path.parent != Path():
        return path.resolve().parent
    return Path.cwd()


def answers(path: Path) -> bool:
    """Whether an engine of this user listens on this Unix socket.

    Raises:
        RefusedError: it, or its folder, is not this user's alone.
    """
    check_own_socket(path)
    with sockets.socket(sockets.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True


def local(path: Path) -> EngineClient:
    """The engine behind a Unix socket of this user.

    Raises:
        RefusedError: the socket, or its folder, is not this user's alone.
    """
    from schedtui.client.http import HttpClient

    check_own_socket(path)
    return HttpClient("http://localhost", socket=path)


def remote(named: str, token_file: Path | None) -> EngineClient:
    """The engine at a URL or of a context, with its token: given, kept, or now asked for.

    Raises:
        InvalidError: this is no URL.
        UsageError: there is no such context, or the token file is of no use.
        UnauthorizedError: there is no token and nobody to ask.
    """
    from schedtui.client.http import HttpClient
    from schedtui_tui import contexts

    context = contexts.meant(named)
    token = given_token(token_file)
    if token is None and context.token_file is not None:
        token = given_token(context.token_file)
    return HttpClient(context.url, token=token or _kept_or_asked(context.url))


def given_token(token_file: Path | None) -> str | None:
    """The token of ``--token-file``, else of ``SCHEDTUI_TOKEN``."""
    if token_file is None:
        return os.environ.get("SCHEDTUI_TOKEN", "").strip() or None
    try:
        token = token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file {token_file}: {error}") from error
    if not token:
        raise UsageError(f"--token-file {token_file}: is empty; expected an access token")
    return token


def _kept_or_asked(url: str) -> str | None:
    from schedtui_tui.commands import kept_tokens

    kept = kept_tokens.find(url)
    if asyncio.run(_is_accepted(url, kept)):
        return kept
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UnauthorizedError(f"{url} asks for an access token and none was given")
    from getpass import getpass

    token = getpass(f"Access token for {url}: ").strip()
    if not asyncio.run(_is_accepted(url, token)):
        raise UnauthorizedError(f"{url} does not know this token")
    kept_tokens.keep(url, token)
    return token


async def _is_accepted(url: str, token: str | None) -> bool:
    from schedtui.client.http import HttpClient

    client = HttpClient(url, token=token)
    try:
        await client.info()
    except UnauthorizedError:
        return False
    finally:
        await client.aclose()
    return True
