"""``schedtui dead``: runs that failed, and that nobody has replayed or dismissed since."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schedtui.models import RunFilter, RunState
from schedtui_tui.commands.arguments import in_words_of_the_shell
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.commands.outcome import add_key_option
from schedtui_tui.commands.runs import newest, positive
from schedtui_tui.commands.window import add_window_options, read_window
from schedtui_tui.exits import Exit, UsageError, tell
from schedtui_tui.tables import moment, print_json, print_line, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schedtui.models import Letter, Letters, Run
    from schedtui.protocols import EngineClient

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
_STATES = (RunState.FAILED.value, RunState.TIMED_OUT.value, RunState.LOST.value)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui dead``."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|replay|dismiss")
    listing = verbs.add_parser("list", help="the dead letters there are, newest first")
    listing.add_argument("job", nargs="?", metavar="GROUP/NAME", help="those of this job only")
    listing.add_argument(
        "-n", "--limit", type=positive, default=20, metavar="N", help="at most so many (20)"
    )
    replay = verbs.add_parser("replay", help="run them once more, with their arguments")
    dismiss = verbs.add_parser("dismiss", help="say that nothing more is to be done about them")
    dismiss.add_argument("--note", default="", help="why; kept with the runs")
    for verb in (replay, dismiss):
        verb.add_argument("runs", nargs="*", metavar="RUN", type=positive, help="their numbers")
        verb.add_argument("--job", metavar="GROUP/NAME", help="all of this job")
        verb.add_argument("--all", action="store_true", help="all there are")
        verb.add_argument(
            "--limit", type=positive, default=1_000, metavar="N",
            help="take the oldest that many (%(default)s, which is the most)",
        )  # fmt: skip
        verb.add_argument("--dry-run", action="store_true", help="do nothing, say what would be")
    add_key_option(replay)
    for verb in (listing, replay, dismiss):
        verb.add_argument("--group", help="those of this group's jobs")
        verb.add_argument("--tag", help="those of living jobs with this tag")
        verb.add_argument("--function", metavar="GROUP/FUNCTION", help="those of this function")
        verb.add_argument("--error", metavar="TYPE", help="those that ended with it: ValueError")
        verb.add_argument("--state", choices=_STATES, help="those in this state")
        add_window_options(verb, "those claimed then or later", "those claimed before then")
        verb.add_argument("--json", action="store_true", help="print one JSON document")
        add_engine_options(verb)


def run(args: argparse.Namespace) -> int:
    """List, replay or dismiss."""
    work = {"list": _list, "replay": _replay, "dismiss": _dismiss}[args.verb]
    return with_engine(args, lambda client: work(client, args))


async def _list(client: EngineClient, args: argparse.Namespace) -> int:
    runs = await newest(client, await _where(client, args), args.limit)
    if args.json:
        print_json(runs)
    else:
        headers = ("RUN", "JOB", "STATE", "ATTEMPT", "ENDED", "WHY")
        print_table(headers, map(_row, runs), empty="no dead letters")
    return Exit.DONE


async def _replay(client: EngineClient, args: argparse.Namespace) -> int:
    which = await _which(client, args)
    with in_words_of_the_shell():
        answer = await client.replay_runs(
            which, limit=args.limit, dry_run=args.dry_run, idempotency_key=args.key
        )
    return _told(answer, args, "replayed")


async def _dismiss(client: EngineClient, args: argparse.Namespace) -> int:
    which = await _which(client, args)
    with in_words_of_the_shell():
        answer = await client.dismiss_runs(
            which, note=args.note, limit=args.limit, dry_run=args.dry_run
        )
    return _told(answer, args, "dismissed")


async def _which(client: EngineClient, args: argparse.Namespace) -> Sequence[int] | RunFilter:
    where = await _where(client, args)
    chosen = (bool(args.runs), not where.empty, args.all)
    if sum(chosen) != 1:
        what = "RUN ..., or a filter such as --since 6h or --job GROUP/NAME, or --all"
        raise UsageError(f"{'name one of' if any(chosen) else 'expected'} {what}")
    if args.all:
        return RunFilter(dead=True, since=_ALWAYS)
    return args.runs or where


async def _where(client: EngineClient, args: argparse.Namespace) -> RunFilter:
    since, until = await read_window(client, args)
    return RunFilter(
        job=args.job,
        group=args.group,
        tag=args.tag,
        function=args.function,
        error_type=args.error,
        state=RunState(args.state) if args.state else None,
        since=since,
        until=until,
        dead=True,
    )


def _told(answer: Letters, args: argparse.Namespace, done: str) -> int:
    refused = [one for one in answer.letters if not one.done]
    if args.json:
        print_json(answer)
    else:
        for one in answer.letters:
            if one.done:
                new = f": run {one.new_run}" if one.new_run is not None else ""
                print_line(f"run {one.run} of {one.job} {_would(answer)} {done}{new}")
        for one in refused:
            tell(one.problem)
        if (untold := answer.found - answer.done - answer.left - len(refused)) > 0:
            tell(f"{untold:,} others cannot be {done} either")
        if answer.left:
            more = "" if answer.dry_run else ": give the command again to take those"
            print_line(f"{answer.left:,} more are left{more}")
        if not answer.found:
            tell("no dead letter matches; `schedtui dead list` lists them")
        if answer.replayed:
            print_line("an earlier call with this key did this")
    return _code(answer, refused, bool(args.runs))


def _code(answer: Letters, refused: Sequence[Letter], named: bool) -> Exit:
    """As of one run where runs were named and nothing was done; else as of many jobs."""
    if not answer.found or (named and all(not one.job for one in answer.letters)):
        return Exit.NOT_FOUND
    if named and not answer.done:
        return Exit.REFUSED
    return Exit.FAILED if refused else Exit.DONE


def _would(answer: Letters) -> str:
    return "would be" if answer.dry_run else "is"


def _row(run: Run) -> tuple[str, ...]:
    error = ": ".join(part for part in (run.error_type, run.error) if part)
    why = (error or run.reason).partition("\n")[0]
    ended = moment(run.finished_at)
    return (str(run.id), run.job, run.state.value, str(run.attempt), ended, why)
