"""``schedtui trigger``: run a job now."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from schedtui.models import TERMINAL, Run, RunState
from schedtui_tui.commands.arguments import (
    add_arguments_options,
    in_words_of_the_shell,
    read_arguments,
)
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.exits import Exit
from schedtui_tui.tables import print_json, print_line, took

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui trigger``."""
    parser.add_argument("job", metavar="GROUP/NAME")
    add_arguments_options(parser)
    parser.add_argument(
        "--wait", action="store_true", help="until the run has ended; exit 1 unless it succeeded"
    )
    parser.add_argument("--json", action="store_true", help="print the run as one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Trigger, and say what came of it."""

    async def work(client: EngineClient) -> int:
        kwargs = None
        if args.arg or args.args is not None:
            function = (await client.job(args.job)).function
            kwargs = await read_arguments(client, function, args.arg, args.args)
        with in_words_of_the_shell():
            run = await client.trigger_job(args.job, kwargs=kwargs)
        if args.wait and run.state not in TERMINAL:
            if not args.json:
                print_line(_sentence(run))
                sys.stdout.flush()
            async for _ in client.follow(run.id):
                pass
            run = await client.run(run.id)
        if args.json:
            print_json(run)
        else:
            print_line(_sentence(run))
        return _code(run)

    return with_engine(args, work)


def _sentence(run: Run) -> str:
    lasted = f" in {took(run)}" if run.duration_s is not None else ""
    error = ": ".join(part for part in (run.error_type, run.error) if part)
    why = (run.reason or error).partition("\n")[0]
    return f"run {run.id} of {run.job}: {run.state.value}{lasted}{': ' + why if why else ''}"


def _code(run: Run) -> Exit:
    fine = run.state not in TERMINAL or run.state is RunState.SUCCEEDED
    return Exit.DONE if fine else Exit.FAILED
