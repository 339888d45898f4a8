"""``schedtui jobs``: the jobs of an engine."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from schedtui.clock import from_us
from schedtui.models import Job, JobFilter, JobState, JobSummary, Policies, RunState
from schedtui.models.notes import notes_of
from schedtui.models.wire import to_wire
from schedtui.policies import inherited
from schedtui_tui.commands.connect import add_engine_options, with_engine
from schedtui_tui.exits import Exit
from schedtui_tui.looks import job_look
from schedtui_tui.tables import moment, moment_us, print_json, print_line, print_table, took_us

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient


_STATES = list(dict.fromkeys(state.value for state in (*JobState, *RunState)))


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui jobs``."""
    parser.add_argument("job", nargs="?", metavar="GROUP/NAME", help="all there is of this job")
    parser.add_argument("--group", help="jobs of this group only")
    parser.add_argument("--tag", help="jobs with this tag only")
    parser.add_argument(
        "--state", choices=_STATES, help="jobs that are so, or whose last run became so"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the jobs."""

    async def work(client: EngineClient) -> int:
        if args.job:
            return await _show(client, args.job, as_json=args.json)
        where = JobFilter(group=args.group, tag=args.tag)
        jobs = [job for job in (await client.snapshot(where)).jobs if _is_meant(job, args)]
        if args.json:
            print_json([as_object(job) for job in jobs])
        else:
            headers = ("JOB", "SCHEDULE", "STATE", "NEXT", "LAST", "TOOK", "FUNCTION")
            print_table(headers, map(_row, jobs), empty="no jobs")
        return Exit.DONE

    return with_engine(args, work)


async def _show(client: EngineClient, name: str, *, as_json: bool) -> int:
    """One job whole, and when it is due."""
    job = await client.job(name)
    due = await client.next_due(name)
    if as_json:
        print_json({**to_wire(job), "due": to_wire(due)})
        return Exit.DONE
    facts = {
        "job": job.full_name,
        "function": job.function,
        "description": job.description,
        **notes_of(job),
        "trigger": f"{due.description}  {json.dumps(dict(job.trigger))}",
        "after": ", ".join(map(str, job.after)),
        "time zone": job.timezone,
        "arguments": json.dumps(dict(job.kwargs)),
        "policies": _policies(job.policies) or "the defaults",
        "inherited": _policies(inherited(job.policies, job.effective or job.policies)),
        "tags": ", ".join(job.tags),
        "declared": "in code" + (", overridden" if job.overridden else "") if job.static else "",
        "paused": _paused(job),
        "reason": job.pause_reason,
        "failures": f"{job.failures} in a row" if job.failures else "",
        "next": ", ".join(one.local for one in due.next) if not job.paused else "",
        "version": str(job.version),
    }
    for label, fact in facts.items():
        if fact:
            print_line(f"{label:12} {fact}")
    return Exit.DONE


def _policies(policies: Policies) -> str:
    return ", ".join(f"{k} {v}" for k, v in to_wire(policies).items() if v is not None)


def _paused(job: Job) -> str:
    if not job.paused:
        return ""
    until = moment(job.paused_until, job.timezone)
    return f"by {job.paused_by or 'its declaration'}{f', until {until}' if until else ''}"


def _is_meant(job: JobSummary, args: argparse.Namespace) -> bool:
    return args.state in (None, job.state.value, job_look(job).word)


def _row(job: JobSummary) -> tuple[str, ...]:
    return (
        job.full_name,
        job.schedule,
        job_look(job).word,
        moment_us(job.next_due_us, job.timezone),
        moment_us(job.last_at_us, job.timezone),
        took_us(job.last_duration_us),
        job.function,
    )


def as_object(job: JobSummary) -> dict[str, Any]:
    """A summary for programs: names instead of places, ISO times instead of microseconds."""
    taken = dict(job._asdict())
    for name in ("next_due_us", "running_since_us", "last_at_us"):
        us = taken.pop(name)
        taken[name.removesuffix("_us")] = None if us is None else from_us(us)
    last = taken.pop("last_duration_us")
    taken["last_duration_s"] = None if last is None else last / 1e6
    taken["recent"] = [
        {"state": state, "duration_s": None if us is None else us / 1e6} for state, us in job.recent
    ]
    return taken
