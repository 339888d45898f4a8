"""``schedtui create``: a job of a registered function."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui.models import JobSpec
from schedtui.models.after import after_words
from schedtui_tui.after_text import read_after
from schedtui_tui.commands.arguments import (
    add_arguments_options,
    in_words_of_the_shell,
    read_arguments,
)
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.definition import (
    add_definition_options,
    schedule_option,
    typed_trigger,
)
from schedtui_tui.commands.policies import add_policy_options, read_policies
from schedtui_tui.exits import Exit, UsageError
from schedtui_tui.tables import moment, print_json, print_line

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui create``."""
    parser.add_argument(
        "function", metavar="GROUP/FUNCTION", help="`schedtui functions` lists them"
    )
    parser.add_argument("--name", metavar="[GROUP/]NAME", help="default: the function's name")
    add_definition_options(parser)
    parser.add_argument("--paused", action="store_true", help="create it paused")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="where a dynamic job has the name already, let that one become this one: its id, "
        "history and pauses stay. Needs --name",
    )
    add_arguments_options(parser)
    add_policy_options(parser)
    parser.add_argument("--json", action="store_true", help="print the job as one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Create the job."""
    own = read_policies(args)
    if not (schedule_option(args) or args.after):
        raise UsageError(
            "expected one of --cron, --every, --at, --calendar and --trigger, or --after, or both"
        )

    if args.replace and args.name is None:
        raise UsageError("--replace needs --name: without one each call makes another job")

    async def work(client: EngineClient) -> int:
        group, name = _names(args.name)
        spec = JobSpec(
            function=args.function,
            trigger=typed_trigger(args),
            group=group,
            name=name,
            timezone=args.timezone,
            kwargs=await read_arguments(client, args.function, args.arg, args.args),
            policies=own,
            after=read_after(args.after or ()),
            tags=tuple(args.tag or ()),
            description=args.description or "",
            owner=args.owner or "",
            expected=args.expected or "",
            runbook=args.runbook or "",
            rollback=args.rollback or "",
            paused=args.paused,
        )
        with in_words_of_the_shell(trigger=schedule_option(args)):
            job = await client.create_job(spec, replace=args.replace)
        if args.json:
            print_json(job)
        else:
            due = moment(job.next_due, job.timezone) or after_words(job.after) or "never"
            done = "is as it was asked for" if args.replace else "is created"
            print_line(f"{job.full_name} {done}; next due: {due}")
        return Exit.DONE

    return with_engine(args, work)


def _names(full: str | None) -> tuple[str | None, str | None]:
    if full is None:
        return None, None
    group, slash, name = full.rpartition("/")
    if slash and not (group and name):
        raise UsageError(f"--name: got {full!r}; expected NAME or GROUP/NAME")
    return group or None, name
