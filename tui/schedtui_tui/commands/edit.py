"""``schedtui edit``: change a job; what is not given stays as it is."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from schedtui.models import JobPatch, Policies
from schedtui.models.after import After, after_words
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
from schedtui_tui.commands.runs import positive
from schedtui_tui.exits import Exit, UsageError
from schedtui_tui.policy_text import OPTIONS
from schedtui_tui.tables import moment, print_json, print_line

if TYPE_CHECKING:
    from schedtui.models import Job
    from schedtui.protocols import EngineClient

_PLAIN = ("function", "timezone", "description", "owner", "expected", "runbook", "rollback")
_NAMES = {option.flag.removeprefix("--"): option.field for option in OPTIONS}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui edit``."""
    parser.add_argument("job", metavar="GROUP/NAME", help="`schedtui jobs` lists them")
    parser.add_argument("--name", help="a new name within its group; id and history stay")
    parser.add_argument("--function", metavar="GROUP/FUNCTION", help="what it runs from now on")
    add_definition_options(parser)
    parser.add_argument("--no-tags", action="store_true", help="take all tags away")
    parser.add_argument("--no-after", action="store_true", help="let it follow no other job")
    add_arguments_options(parser)
    parser.add_argument(
        "--without-arg",
        action="append",
        default=[],
        metavar="NAME",
        help="the function's own default counts again; may be given again",
    )
    parser.add_argument(
        "--inherit",
        action="append",
        default=[],
        metavar="POLICY",
        choices=sorted(_NAMES),
        help="the group's or the engine's counts again, such as retry-delay; may be given again",
    )
    add_policy_options(parser)
    parser.add_argument(
        "--version",
        type=positive,
        metavar="N",
        help="refuse where the job has another version (`schedtui jobs GROUP/NAME --json`)",
    )
    parser.add_argument("--json", action="store_true", help="print the job as one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Change what was given."""
    given = read_policies(args)
    _check(args)

    async def work(client: EngineClient) -> int:
        job = await client.job(args.job)
        patch = JobPatch(
            **{name: value for name in _PLAIN if (value := vars(args)[name]) is not None},
            name=_new_name(args.name, job),
            trigger=typed_trigger(args),
            kwargs=await _kwargs(client, job, args),
            policies=_policies(job.policies, given, args.inherit),
            after=_after(args),
            tags=() if args.no_tags else None if args.tag is None else tuple(args.tag),
        )
        if patch == JobPatch():
            raise UsageError(
                "nothing to change was given; `schedtui edit --help` lists what can be"
            )
        # What is merged with what the job has must not undo what somebody else did meanwhile.
        version = job.version if args.version is None else args.version
        with in_words_of_the_shell(trigger=schedule_option(args)):
            edited = await client.edit_job(args.job, patch, version=version, expect_id=job.id)
        if args.json:
            print_json(edited)
        else:
            due = moment(edited.next_due, edited.timezone) or after_words(edited.after) or "never"
            print_line(f"{edited.full_name} is changed; next due: {due}")
        return Exit.DONE

    return with_engine(args, work)


def _check(args: argparse.Namespace) -> None:
    for one, other in (("tag", "no_tags"), ("after", "no_after")):
        if vars(args)[one] is not None and vars(args)[other]:
            raise UsageError(f"--{one} and --{other.replace('_', '-')} exclude each other")
    for policy in args.inherit:
        if vars(args)[_NAMES[policy]] is not None:
            raise UsageError(f"--{policy} and --inherit {policy} exclude each other")


def _new_name(typed: str | None, job: Job) -> str | None:
    if typed is None or "/" not in typed:
        return typed
    group, _, name = typed.rpartition("/")
    if group != job.group:
        raise UsageError(f"--name: got {typed!r}; a job stays in its group, which is {job.group!r}")
    return name


async def _kwargs(
    client: EngineClient, job: Job, args: argparse.Namespace
) -> dict[str, Any] | None:
    """All arguments of the job from now on; None where they stay."""
    if not (args.arg or args.args is not None or args.without_arg):
        return None
    given = await read_arguments(client, args.function or job.function, args.arg, args.args)
    kwargs = given if args.args is not None else {**job.kwargs, **given}
    for name in args.without_arg:
        if name not in kwargs:
            raise UsageError(f"--without-arg: {job.full_name} has no argument {name!r}")
        del kwargs[name]
    return kwargs


def _policies(own: Policies, given: Policies, inherit: list[str]) -> Policies | None:
    """All that the job says itself from now on; None where that stays."""
    if given == Policies() and not inherit:
        return None
    dropped = {_NAMES[one] for one in inherit}
    values = {}
    for field in fields(Policies):
        value = getattr(given, field.name)
        old = None if field.name in dropped else getattr(own, field.name)
        values[field.name] = old if value is None else value
    return Policies(**values)


def _after(args: argparse.Namespace) -> tuple[After, ...] | None:
    if args.no_after:
        return ()
    return None if args.after is None else read_after(args.after)
