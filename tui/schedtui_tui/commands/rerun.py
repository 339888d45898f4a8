"""``schedtui rerun``: run what a run ran once more."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.arguments import in_words_of_the_shell
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.outcome import add_key_option, add_outcome_options, tell_outcome
from schedtui_tui.commands.runs import positive

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui rerun``."""
    parser.add_argument("run", metavar="RUN", type=positive, help="its number; it must have ended")
    add_key_option(parser)
    add_outcome_options(parser)
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run it again, and say what came of it."""

    async def work(client: EngineClient) -> int:
        with in_words_of_the_shell():
            run = await client.rerun(args.run, idempotency_key=args.key)
        return await tell_outcome(client, run, args)

    return with_engine(args, work)
