"""``schedtui trigger``: run a job now."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui.models import BulkAction
from schedtui_tui.commands.arguments import (
    add_arguments_options,
    in_words_of_the_shell,
    read_arguments,
)
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.many import add_job_or_filter, chosen_filter, to_many
from schedtui_tui.commands.outcome import add_key_option, add_outcome_options, tell_outcome
from schedtui_tui.exits import UsageError

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui trigger``."""
    add_job_or_filter(parser)
    add_arguments_options(parser)
    add_key_option(parser)
    add_outcome_options(parser)
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Trigger, and say what came of it."""
    where = chosen_filter(args)
    if where is not None and (args.arg or args.args is not None or args.wait):
        raise UsageError("--arg, --args and --wait are for one job; name it")

    async def work(client: EngineClient) -> int:
        if where is not None:
            return await to_many(client, args, BulkAction.TRIGGER, where, "triggered", key=args.key)
        kwargs = None
        if args.arg or args.args is not None:
            function = (await client.job(args.job)).function
            kwargs = await read_arguments(client, function, args.arg, args.args)
        with in_words_of_the_shell():
            run = await client.trigger_job(args.job, kwargs=kwargs, idempotency_key=args.key)
        return await tell_outcome(client, run, args)

    return with_engine(args, work)
