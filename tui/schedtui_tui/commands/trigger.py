"""``schedtui trigger``: run a job now."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui_tui.commands.arguments import add_arguments_options, read_arguments
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.outcome import add_outcome_options, tell_outcome

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui trigger``."""
    parser.add_argument("job", metavar="GROUP/NAME")
    add_arguments_options(parser)
    add_outcome_options(parser)
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Trigger, and say what came of it."""

    async def work(client: EngineClient) -> int:
        kwargs = None
        if args.arg or args.args is not None:
            function = (await client.job(args.job)).function
            kwargs = await read_arguments(client, function, args.arg, args.args)
        run = await client.trigger_job(args.job, kwargs=kwargs)
        return await tell_outcome(client, run, args)

    return with_engine(args, work)
