"""``schedtui demo``: the console on a small shop's jobs, in a folder that is gone afterwards."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from schedtui.locations import StateDir
from schedtui_tui.commands.console import refuse_without_terminal

if TYPE_CHECKING:
    from schedtui.target import Target


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui demo``."""
    parser.add_argument("--read-only", action="store_true", help="hide everything that changes")


def run(args: argparse.Namespace) -> int:
    """Open the console on the demo."""
    refuse_without_terminal()
    from schedtui_tui.commands.host import Host
    from schedtui_tui.commands.session import EmbeddedSession

    with (
        tempfile.TemporaryDirectory(prefix="schedtui-demo-", ignore_cleanup_errors=True) as name,
        contextlib.ExitStack() as world,
    ):
        folder = Path(name)
        host = Host(lambda: _target(folder, world), state=StateDir(path=folder / ".schedtui"))
        return EmbeddedSession(
            host,
            None,
            title="demo",
            read_only=args.read_only,
            again="schedtui demo",
            demo=True,
        ).run()


def _target(folder: Path, world: contextlib.ExitStack) -> Target:
    """The jobs, and the world they act on; called when the screen is painted."""
    from schedtui.target import Settings, Target
    from schedtui_tui.demo.jobs import GROUPS
    from schedtui_tui.demo.world import open_world

    world.enter_context(open_world(folder))
    return Target(name="demo", folder=folder, groups=GROUPS, engine=None, settings=Settings())
