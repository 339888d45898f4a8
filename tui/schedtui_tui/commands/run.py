"""``schedtui run``: run a function now, without a job."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.arguments import (
    add_arguments_options,
    in_words_of_the_shell,
    read_arguments,
)
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.outcome import add_key_option, add_outcome_options, tell_outcome

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui run``."""
    parser.add_argument(
        "function", metavar="GROUP/FUNCTION", help="`schedtui functions` lists them"
    )
    add_arguments_options(parser)
    add_key_option(parser)
    add_outcome_options(parser)
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run it, and say what came of it."""

    async def work(client: EngineClient) -> int:
        kwargs = await read_arguments(client, args.function, args.arg, args.args)
        with in_words_of_the_shell():
            run = await client.run_function(args.function, kwargs, idempotency_key=args.key)
        return await tell_outcome(client, run, args)

    return with_engine(args, work)
