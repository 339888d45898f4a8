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
from schedtui_tui.commands.console import add_store_options, check_target
from schedtui_tui.commands.host import named_store
from schedtui_tui.commands.serve import DEFAULT_LISTEN
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.models import EngineInfo
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
    settings = Settings()
    try:
        target = load_target(args.target, cwd=Path.cwd())
    except TargetError as error:
        yield checks.fail("target", str(error), "mend it there; `schedtui init` writes a first one")
    else:
        settings = target.settings
        yield checks.target(target)
    yield from checks.zones(args.timezone or settings.timezone)
    state = StateDir.beside(folder_of(args.target))
    yield from checks.state_folder(state)
    yield from _store(args, settings, state)


def _store(args: argparse.Namespace, settings: Settings, state: StateDir) -> Iterator[Finding]:
    try:
        url = args.store or named_store(settings) or state.store_url
    except TargetError as error:
        yield checks.fail("store", str(error), "mend it in schedtui.toml")
        return
    tokens = 0
    if url.startswith(_SQLITE):
        from schedtui.store.sql.url import parse

        try:
            database = parse(url).path
        except (OSError, RuntimeError) as error:  # links that lead round
            remedy = "rm the link, or give a store elsewhere with --store"
            yield checks.fail("store", f"{url}: {error}", remedy)
        else:
            found = list(checks.store(url, database))
            yield from found
            # what is not well would fail once more, or hang
            well = all(one.level is not Level.FAIL for one in found)
            tokens = _tokens(url) if well and database.exists() else 0
    try:
        info = _engine(state)
    except SchedtuiError as error:
        yield checks.fail("engine", str(error), f"rm {state.socket}")
        return
    if info is None:
        yield checks.ok("engine", "none runs here; `schedtui` and `schedtui serve` start one")
        yield from checks.port(settings, settings.listen or DEFAULT_LISTEN, tokens)
    else:
        yield from checks.engine(info)


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
