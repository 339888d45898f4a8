"""Which store a command means that works on the store itself and not on an engine."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from schedtui.errors import SchedtuiError, StoreUnavailableError
from schedtui.locations import StateDir
from schedtui_tui.commands.connect import answers, folder_of, local
from schedtui_tui.commands.host import named_store
from schedtui_tui.exits import UsageError


def add_store_place(parser: argparse.ArgumentParser) -> None:
    """``--store`` and ``--target``."""
    where = parser.add_argument_group("which store")
    where.add_argument("--store", metavar="URL", help="such as sqlite:////srv/jobs/state.db")
    where.add_argument(
        "--target",
        metavar="TARGET",
        help="the store beside this target; default: this directory",
    )


def store_url(args: argparse.Namespace) -> str:
    """The store that ``args`` mean: the one they name, else that of the settings or the folder."""
    from schedtui.target.find import show
    from schedtui.target.settings import FILE_NAME, read_settings, settings_in

    if args.store:
        return str(args.store)
    folder = folder_of(args.target)
    shown = show(folder / FILE_NAME, Path.cwd())
    settings = settings_in(folder, shown)
    named = None if settings is None else named_store(read_settings(settings, shown))
    return named or StateDir.beside(folder).store_url


def made_store_url(args: argparse.Namespace) -> str:
    """`used_store_url`, and the state folder is there if the store is to be in it.

    Raises:
        StoreUnavailableError: it cannot be made.
    """
    url = used_store_url(args)
    state = StateDir.beside(folder_of(args.target))
    if url == state.store_url:
        try:
            state.create()
        except OSError as error:
            raise StoreUnavailableError(f"{state.path}: {error.strerror}") from error
    return url


def used_store_url(args: argparse.Namespace) -> str:
    """The store of the engine that runs here, else `store_url`."""
    socket = StateDir.beside(folder_of(args.target)).socket
    if args.store or not answers(socket):
        return store_url(args)

    async def ask() -> str:
        client = local(socket)
        try:
            return (await client.info()).store
        finally:
            await client.aclose()

    try:
        return asyncio.run(ask())
    except SchedtuiError:
        return store_url(args)  # the file is there all the same


def database_of(url: str) -> Path:
    """The file of a store.

    Raises:
        UsageError: it has none.
    """
    from schedtui.store.sql.url import parse

    if not url.startswith("sqlite:"):
        raise UsageError(f"{url}: only a store in an SQLite file can be copied by this command")
    return parse(url).path
