"""``schedtui import``: a crontab, fastapi-task-manager or APScheduler as jobs, in one revision."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schedtui.errors import ConflictError, FunctionNotFoundError, InvalidError
from schedtui.models.names import split_name
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.files import print_plan, read_text, summary, tell_applied
from schedtui_tui.exits import Exit, UsageError, note, wrong
from schedtui_tui.tables import print_json, print_line

if TYPE_CHECKING:
    from schedtui.models import FunctionInfo, Plan
    from schedtui.models.jobs_file import JobsFile
    from schedtui.protocols import EngineClient
    from schedtui_tui.crontab import Entry

Jobs = dict[str, dict[str, Any]]
"""What a file says of each job, by ``group/name``; see `schedtui.models.jobs_file`."""
_Find = Callable[[Mapping[str, "FunctionInfo"]], tuple[Jobs, list[str]]]
"""Finds the jobs, knowing the engine's functions; and tells which cannot be."""
_REDIS = ("redis://", "rediss://", "unix://")
_REBOOT = "@reboot"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui import``."""
    sources = parser.add_subparsers(
        dest="source", required=True, metavar="crontab|task-manager|apscheduler"
    )
    crontab = sources.add_parser(
        "crontab", help="each line becomes a job of a function that takes its command"
    )
    crontab.add_argument("file", metavar="FILE", help="as `crontab -l` prints it; -: stdin")
    crontab.add_argument(
        "--function",
        required=True,
        metavar="GROUP/FUNCTION",
        help="what runs the lines. Its parameter `command` takes the command; `stdin`, `user` and "
        "`environment` take the rest, where it has them",
    )
    crontab.add_argument("--group", help="of the jobs; default: the function's")
    crontab.add_argument(
        "--timezone", metavar="ZONE", help="where no CRON_TZ says so; default: this machine's"
    )
    crontab.add_argument(
        "--system", action="store_true", help="there is a column for the user: /etc/crontab"
    )
    tasks = sources.add_parser(
        "task-manager", help="the dynamic tasks of fastapi-task-manager, from its Redis"
    )
    tasks.add_argument(
        "file", metavar="URL|FILE", help="redis://HOST:PORT/DB, or its hash as a JSON file"
    )
    tasks.add_argument("--prefix", help="its redis_key_prefix; default: the only one there")
    scheduler = sources.add_parser(
        "apscheduler", help="the jobs of an attached APScheduler, as `schedtui export` there says"
    )
    scheduler.add_argument("file", metavar="FILE", help="what `schedtui export` printed; -: stdin")
    scheduler.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="MODULE/NAME=GROUP/FUNCTION",
        help="which registered function stands for that one; default: the only one of its name. "
        "Repeat it for several",
    )
    scheduler.add_argument("--group", help="of the jobs; default: what is there, its job store")
    for source in (crontab, tasks, scheduler):
        source.add_argument(
            "--dry-run", action="store_true", help="show what would be made, and make nothing"
        )
        source.add_argument(
            "--toml",
            action="store_true",
            help="print all jobs as they would be, for review and `schedtui apply`; make nothing",
        )
        source.add_argument(
            "--skip", action="store_true", help="leave out what cannot be, and import the rest"
        )
        source.add_argument(
            "--replace", action="store_true", help="also change jobs that have these names already"
        )
        source.add_argument("--json", action="store_true", help="print one JSON document")
        add_engine_options(source)


def run(args: argparse.Namespace) -> int:
    """Read, add to the jobs there are, and apply that."""
    if sum((args.dry_run, args.toml, args.json)) > 1 and not (args.dry_run and args.json):
        raise UsageError("--toml prints a file: give it without --dry-run and --json")
    # Before the loop runs: to read may block.
    find = _SOURCES[args.source](args)

    async def work(client: EngineClient) -> int:
        functions = {info.full_name: info for info in await client.functions()}
        jobs, problems = find(functions)
        for problem in problems:
            note(problem)
        return await _add(client, jobs, len(problems), args)

    return with_engine(args, work)


async def _add(client: EngineClient, jobs: Jobs, refused: int, args: argparse.Namespace) -> int:
    """Import the jobs, unless the engine refuses some as well, or has some.

    Args:
        client: The engine.
        jobs: What could be read.
        refused: How many could not, which were told.
        args: What was typed.

    Raises:
        ConflictError: the engine has some, and is not to change them.
        UsageError: some cannot be, and are not to be left out.
    """
    from schedtui.models.jobs_file import parse

    now = parse((await client.export_jobs()).text)
    # First, so that one try tells all that is to be mended.
    text, plan, left = await _planned(client, now, jobs)
    taken = "" if args.replace else _taken(jobs.keys() & now.jobs.keys())
    refused += len(jobs) - len(left)
    if refused and not args.skip:
        if taken:
            note(taken)
        count = f"{refused} of them" if refused > 1 else "one of them"
        raise UsageError(f"{count} cannot be imported, so nothing was; --skip leaves them out")
    if taken:
        raise ConflictError(f"{taken}; nothing was done")
    if args.toml:
        sys.stdout.write(text)
        return Exit.DONE
    if args.dry_run:
        if args.json:
            print_json(plan)
        else:
            print_plan(plan)
            print_line(f"{summary(plan.changes) or 'nothing would change'}; nothing was done")
        return Exit.DONE
    applied = await client.apply_jobs(
        text, note=f"imported from {_CALLED[args.source]}", plan=plan.id
    )
    if args.json:
        print_json(applied)
    else:
        tell_applied(applied)
    return Exit.DONE


def _taken(names: Collection[str]) -> str:
    """What to say of names that jobs of the engine have; empty where none has."""
    if not names:
        return ""
    there, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return (
        f"there {there} {', '.join(sorted(names))} already; --replace makes {them} what is imported"
    )


async def _planned(client: EngineClient, now: JobsFile, jobs: Jobs) -> tuple[str, Plan, Jobs]:
    """The file of the jobs there are and those that are new, what it would change, and which.

    The engine tells what is wrong with a form before it looks at what is in it, so that it is asked
    until it refuses no more of them.

    Raises:
        InvalidError: it has refused something else.
    """
    from schedtui.models.jobs_file import render

    while True:
        text = render(replace(now, jobs={**now.jobs, **jobs}))
        try:
            return text, await client.plan_jobs(text), jobs
        except InvalidError as error:
            jobs = _without(jobs, error)


def _without(jobs: Jobs, error: InvalidError) -> Jobs:
    """The jobs but for those that the engine has refused, which are told.

    Raises:
        InvalidError: it has refused something else.
    """
    refused: dict[str, str] = {}
    for one in error.errors:
        names = [name for name in jobs if f"{one.field}.".startswith(f"jobs.{name}.")]
        if not names:
            raise error
        refused.setdefault(max(names, key=len), wrong(one))
    for problem in refused.values():
        note(problem)
    return {name: job for name, job in jobs.items() if name not in refused}


def _from_crontab(args: argparse.Namespace) -> _Find:
    from schedtui_tui.commands.init import local_zone
    from schedtui_tui.crontab import read

    function_group, _ = split_name("--function", args.function)
    found = read(read_text(args.file), system=args.system)
    zone = args.timezone or local_zone()

    def find(functions: Mapping[str, FunctionInfo]) -> tuple[Jobs, list[str]]:
        if args.function not in functions:
            raise FunctionNotFoundError(args.function, "`schedtui functions` lists them")
        takes = set(functions[args.function].parameters.get("properties", {}))
        if "command" not in takes:
            raise UsageError(f"--function: {args.function} has no parameter 'command' for a line's")
        jobs: Jobs = {}
        problems = list(found.problems)
        for entry in found.entries:
            if entry.stdin and "stdin" not in takes:
                problems.append(f"line {entry.line}: {args.function} has no parameter 'stdin'")
                continue
            jobs[_name(args.group or function_group, entry, jobs)] = _job(entry, args, takes, zone)
        _tell_left_out(found.entries, takes, args.function)
        return jobs, problems

    return find


def _name(group: str, entry: Entry, taken: Jobs) -> str:
    from schedtui_tui.crontab import name_of

    name = f"{group}/{name_of(entry.command)}"
    number = 2
    while (numbered := name if number == 2 else f"{name}-{number - 1}") in taken:
        number += 1
    return numbered


def _job(entry: Entry, args: argparse.Namespace, takes: set[str], zone: str) -> dict[str, Any]:
    rest = {"stdin": entry.stdin, "user": entry.user, "environment": dict(entry.environment)}
    kwargs = {name: value for name, value in rest.items() if value and name in takes}
    job: dict[str, Any] = {
        "function": args.function,
        "trigger": {"type": "cron", "expression": entry.schedule},
        "timezone": entry.timezone or zone,
        "kwargs": {"command": entry.command, **kwargs},
    }
    if entry.schedule == _REBOOT:
        job |= {"trigger": {"type": "never"}, "policies": {"run_on_startup": True}}
    return job | ({"description": entry.comment} if entry.comment else {})


def _tell_left_out(entries: tuple[Entry, ...], takes: set[str], function: str) -> None:
    names = sorted({name for entry in entries for name in entry.environment})
    if names and "environment" not in takes:
        note(f"{', '.join(names)}: left out, as {function} has no parameter 'environment'")
    users = sorted({entry.user for entry in entries if entry.user})
    if users and "user" not in takes:
        note(f"the users {', '.join(users)}: left out, as {function} has no parameter 'user'")
    if "TZ" in names:
        note(
            "TZ is for the commands and moves no schedule, as with cron; CRON_TZ and --timezone do"
        )
    if any(entry.schedule == _REBOOT for entry in entries):
        note("@reboot: such a job runs whenever its engine starts")


def _from_task_manager(args: argparse.Namespace) -> _Find:
    from schedtui_tui.task_manager_hash import job_of, read_dump, read_redis

    if args.file.startswith(_REDIS):
        found = read_redis(args.file, args.prefix)
    else:
        found = read_dump(Path(args.file))

    def find(functions: Mapping[str, FunctionInfo]) -> tuple[Jobs, list[str]]:
        jobs: Jobs = {}
        problems = []
        for field, value in sorted(found.fields.items()):
            try:
                name, job = job_of(field, value, disabled=field in found.disabled)
            except (ValueError, RecursionError) as error:
                problems.append(f"{field}: {error}")
                continue
            if job["function"] in functions:
                jobs[name] = job
            else:
                problems.append(f"{field}: the engine has no function {job['function']}")
        return jobs, problems

    return find


def _from_apscheduler(args: argparse.Namespace) -> _Find:
    from schedtui.models.jobs_file import parse
    from schedtui_tui.apscheduler_file import named, read_map

    mapped = read_map(args.map)
    file = parse(read_text(args.file))

    def find(functions: Mapping[str, FunctionInfo]) -> tuple[Jobs, list[str]]:
        return named(file.jobs, mapped, functions, args.group)

    return find


_SOURCES: Mapping[str, Callable[[argparse.Namespace], _Find]] = {
    "crontab": _from_crontab,
    "task-manager": _from_task_manager,
    "apscheduler": _from_apscheduler,
}
_CALLED: Mapping[str, str] = {
    "crontab": "a crontab",
    "task-manager": "fastapi-task-manager",
    "apscheduler": "APScheduler",
}
