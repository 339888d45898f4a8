"""Which store a command means that works on the store itself and not on an engine."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from schedtui.errors import SchedtuiError, StoreUnavailableError
from schedtui.locations import StateDir
from schedtui_tui.commands.connect import answers, folder_of, local
from schedtui_tui.commands.host import named_store
from schedtui_tui.exits import UsageError

if TYPE_CHECKING:
    from schedtui.target import Target
    from schedtui.target.settings import Settings


def add_store_place(parser: argparse.ArgumentParser) -> None:
    """``--store`` and ``--target``."""
    where = parser.add_argument_group("which store")
    where.add_argument("--store", metavar="URL", help="such as sqlite:////srv/jobs/state.db")
    where.add_argument(
        "--target",
        metavar="TARGET",
        help="the store of the engine beside this target; of module:engine, the one that its code "
        "names; default: this directory",
    )


def store_url(args: argparse.Namespace) -> str:
    """The store that ``args`` mean.

    The one they name, else that of the engine that runs there, of the engine in the code of
    ``--target module:engine``, of schedtui.toml, of the engine that ran there last, or the folder's
    own.

    Raises:
        TargetError: the code of the target cannot be loaded, or schedtui.toml is wrong.
    """
    if args.store:
        return str(args.store)
    state = StateDir.beside(folder_of(args.target))
    return (
        _of_running(state.socket)
        or _of_code(args.target)
        or named_store(settings_of(folder_of(args.target)))
        or state.left_store()
        or state.store_url
    )


def made_store_url(args: argparse.Namespace) -> str:
    """`store_url`, and the state folder is there if the store is to be in it.

    Raises:
        StoreUnavailableError: it cannot be made.
    """
    url = store_url(args)
    state = StateDir.beside(folder_of(args.target))
    if url == state.store_url:
        try:
            state.create()
        except OSError as error:
            raise StoreUnavailableError(f"{state.path}: {error.strerror}") from error
    return url


def _of_running(socket: Path) -> str | None:
    if not answers(socket):
        return None

    async def ask() -> str:
        client = local(socket)
        try:
            return (await client.info()).store
        finally:
            await client.aclose()

    try:
        return asyncio.run(ask())
    except SchedtuiError:
        return None  # the file is there all the same


def _of_code(target: str | None) -> str | None:
    """Only where an engine is named: other code makes none, or is not loaded for its place."""
    if target is None or ":" not in target:
        return None
    from schedtui.target import load_target

    return of_engine(load_target(target, cwd=Path.cwd()))


def of_engine(target: Target) -> str | None:
    """The store of the engine that a target's code makes; None where it makes none."""
    from schedtui import Engine
    from schedtui.store import open_store

    engine = target.engine
    if not isinstance(engine, Engine):
        return None
    url = engine.store_url
    # As it will say itself once it runs: absolute, without options; of a store of the program's
    # own, the kind alone.
    return open_store(url).url if url.startswith("sqlite:") else f"{url.partition(':')[0]}://"


def settings_of(folder: Path) -> Settings:
    """What the schedtui.toml of a folder says; the defaults where there is none.

    Raises:
        TargetError: it cannot be read, or is wrong.
    """
    from schedtui.target.find import show
    from schedtui.target.settings import FILE_NAME, Settings, read_settings, settings_in

    shown = show(folder / FILE_NAME, Path.cwd())
    settings = settings_in(folder, shown)
    return Settings() if settings is None else read_settings(settings, shown)


def database_of(url: str) -> Path:
    """The file of a store.

    Raises:
        UsageError: it has none.
    """
    from schedtui.store.sql.url import parse

    if not url.startswith("sqlite:"):
        raise UsageError(f"{url}: only a store in an SQLite file can be copied by this command")
    return parse(url).path
