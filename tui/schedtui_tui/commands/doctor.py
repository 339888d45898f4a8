"""``schedtui doctor``: what is wrong here, and the command that mends it."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from schedtui.errors import SchedtuiError, TargetError
from schedtui.locations import StateDir
from schedtui_tui import checks
from schedtui_tui.checks import Finding, Level
from schedtui_tui.commands.connect import answers, folder_of, local
from schedtui_tui.commands.console import add_store_options, check_target, target_is_here
from schedtui_tui.commands.host import named_store
from schedtui_tui.commands.serve import DEFAULT_LISTEN
from schedtui_tui.commands.which_store import database_of, of_engine, settings_of
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.models import EngineInfo
    from schedtui.target import Target
    from schedtui.target.settings import Settings

_SQLITE = "sqlite:///"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui doctor``."""
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="as of `schedtui serve`; it is loaded"
    )
    add_store_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Look at everything, and say what is wrong; exit code 1 where something does not work."""
    if not _is_elsewhere(args, StateDir.beside(Path.cwd())):
        check_target(args.target)
    found = list(_findings(args))
    if args.json:
        print_json(found)
    else:
        for one in found:
            print_line(f"{one.level:5} {one.what}: {one.found}")
            if one.remedy:
                print_line(f"      {one.remedy}")
    return Exit.FAILED if any(one.level is Level.FAIL for one in found) else Exit.DONE


def _findings(args: argparse.Namespace) -> Iterator[Finding]:
    from schedtui.target import load_target
    from schedtui.target.settings import Settings

    yield from checks.versions()
    folder = folder_of(args.target)
    state = StateDir.beside(folder)
    target: Target | None = None
    if _is_elsewhere(args, state):
        told = "none is named; the engine here is part of a program that is started otherwise"
        yield checks.ok("target", told)
    else:
        try:
            target = load_target(args.target, cwd=Path.cwd())
        except TargetError as error:
            remedy = "mend it there; `schedtui init` writes a first one"
            yield checks.fail("target", str(error), remedy)
        else:
            yield checks.target(target)
    settings = _settings(folder) if target is None else target.settings
    if args.timezone or settings is not None:
        yield from checks.zones(args.timezone or (settings or Settings()).timezone)
    else:
        yield _not_looked_at("time zone")
    yield from checks.state_folder(state)
    yield from _store(args, target, settings, state)


def _is_elsewhere(args: argparse.Namespace, state: StateDir) -> bool:
    """Whether nothing that could be loaded is named or here, and an engine was."""
    return args.target is None and not target_is_here() and state.path.is_dir()


def _settings(folder: Path) -> Settings | None:
    """Of the folder's schedtui.toml; None where it cannot be read, which the target's look told."""
    try:
        return settings_of(folder)
    except TargetError:
        return None


def _not_looked_at(what: str) -> Finding:
    return checks.warn(what, "not looked at: schedtui.toml cannot be read", "mend that file first")


def _store(
    args: argparse.Namespace, target: Target | None, settings: Settings | None, state: StateDir
) -> Iterator[Finding]:
    failed: SchedtuiError | None = None
    info: EngineInfo | None = None
    try:
        info = _engine(state)
    except SchedtuiError as error:
        failed = error
    tokens = 0
    try:
        url = args.store or _url(target, settings, state, info)
    except TargetError as error:
        yield checks.fail("store", str(error), "mend it in schedtui.toml")
        return
    if url is None:
        yield _not_looked_at("store")
    elif url.startswith(_SQLITE):
        found = list(_file(url))
        yield from found
        # what is not well would fail once more, or hang
        well = all(one.level is not Level.FAIL for one in found)
        tokens = _tokens(url) if well and database_of(url).exists() else 0
    else:
        yield checks.ok("store", f"{url}: in no file that could be looked at")
    if failed is not None:
        yield checks.fail("engine", str(failed), f"rm {state.socket}")
    elif info is not None:
        yield from checks.engine(info)
    else:
        yield checks.ok("engine", "none runs here; `schedtui` and `schedtui serve` start one")
        if settings is None:
            yield _not_looked_at("port")
        else:
            yield from checks.port(settings, settings.listen or DEFAULT_LISTEN, tokens)


def _url(
    target: Target | None, settings: Settings | None, state: StateDir, info: EngineInfo | None
) -> str | None:
    """The engine's store; None where schedtui.toml would have to say."""
    if info is not None:
        return info.store
    of_code = None if target is None else of_engine(target)
    if of_code is not None or settings is None:
        return of_code
    return named_store(settings) or state.left_store() or state.store_url


def _file(url: str) -> Iterator[Finding]:
    """What is wrong with the file of a store."""
    try:
        database = database_of(url)
    except (OSError, RuntimeError) as error:  # links that lead round
        remedy = "rm the link, or give a store elsewhere with --store"
        yield checks.fail("store", f"{url}: {error}", remedy)
    else:
        yield from checks.store(url, database)


def _tokens(url: str) -> int:
    from schedtui.store import open_store

    try:
        with closing(open_store(url)) as store:
            store.open(None)
            return len(store.tokens())
    except SchedtuiError:
        return 0  # told by the look at the store


def _engine(state: StateDir) -> EngineInfo | None:
    if not os.path.lexists(state.socket) or not answers(state.socket):
        return None

    async def ask() -> EngineInfo:
        client = local(state.socket)
        try:
            return await client.info()
        finally:
            await client.aclose()

    return asyncio.run(ask())
