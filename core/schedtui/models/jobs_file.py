"""Jobs as the text of a file: TOML, in a stable order, and back without loss.

::

    format = 1

    [jobs."Reports/monday"]                 # made at run time: all that it is
    function = "Reports/send_report"
    cron = "0 9 * * mon"                    # or every = 300 | "5m", at = "2026-12-24T18:00Z",
    timezone = "Europe/Berlin"              # calendar = "every 2 weeks at 9:00", [jobs.….trigger]
    owner = "ann@example.com"

    [jobs."Reports/monday".kwargs]
    recipient = "boss"

    [jobs."Reports/monday".kwargs_json]     # what TOML cannot say, as JSON: null above all
    since = "null"

    [overrides."Reports/cleanup"]           # declared in code: only how it differs from that
    paused = true
    pause_reason = "the disk is full"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final

from schedtui.errors import FieldError, InvalidError
from schedtui.models.after import After, check_after
from schedtui.models.gathering import gathered, refuse
from schedtui.models.jobs_file_values import plain_kwargs, sorted_keys, typed_kwargs
from schedtui.models.names import split_name
from schedtui.models.notes import NOTES
from schedtui.models.policy import Policies
from schedtui.models.toml import loads
from schedtui.models.wire import from_wire, to_wire

FORMAT: Final = 1
"""Grows when an older schedtui could not read a file right."""
HEADER: Final = """\
# The jobs of a schedtui engine: those made at run time whole, and of those declared in code what
# was changed from outside. `schedtui plan FILE` says what this file would change, `schedtui apply
# FILE --note WHY` does it: a job that is not in it is deleted, a job in code is what its code says.
"""

Content = dict[str, Any]
"""What a file says of a job, as JSON values by field: those of `FIELDS` that are said."""
FIELDS: Final = (
    "name",
    "function",
    "trigger",
    "timezone",
    "after",
    "description",
    *NOTES,
    "tags",
    "paused",
    "pause_reason",
    "paused_until",
    "policies",
    "kwargs",
)
"""All fields, in the order of the file; ``name`` is for jobs in code that were renamed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobsFile:
    """What a file says."""

    jobs: Mapping[str, Content] = field(default_factory=dict)
    """Jobs made at run time, by ``group/name``."""
    overrides: Mapping[str, Content] = field(default_factory=dict)
    """What was changed of jobs in code, by the ``group/name`` that they have there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    """A table of the file; the fields of a job, and the short forms of a trigger."""

    name: str | None = None
    function: str | None = None
    cron: str | None = None
    every: int | float | str | None = None
    at: str | None = None
    calendar: str | None = None
    trigger: Mapping[str, Any] | None = None
    timezone: str | None = None
    after: tuple[str | After, ...] | None = None
    description: str | None = None
    owner: str | None = None
    expected: str | None = None
    runbook: str | None = None
    rollback: str | None = None
    tags: tuple[str, ...] | None = None
    paused: bool | None = None
    pause_reason: str | None = None
    paused_until: datetime | None = None
    policies: Policies | None = None
    kwargs: Mapping[str, Any] | None = None
    kwargs_json: Mapping[str, Any] | None = None


def parse(text: str) -> JobsFile:
    """What the text of a file says.

    Raises:
        InvalidError: it is no TOML, or says what no job has; with every field that is wrong, as
            ``jobs.Reports/monday.owner``.
    """
    try:
        data = loads(text)
    except ValueError as error:
        expected = "TOML, as `schedtui export` writes it"
        told = FieldError(field="file", got=None, expected=f"{expected}: {error}")
        raise InvalidError(f"the file is not TOML: {error}", (told,)) from None
    if type(data.get("format")) is not int or data["format"] != FORMAT:
        expected = f"format = {FORMAT}; a file with another one is of another schedtui, or no such"
        raise InvalidError.one("format", data.get("format"), expected)
    wrong: list[FieldError] = [
        FieldError(field=name, got=None, expected="only format, jobs and overrides at the top")
        for name in data.keys() - {"format", "jobs", "overrides"}
    ]
    found: dict[str, dict[str, Content]] = {}
    for part in ("jobs", "overrides"):
        blocks = data.get(part, {})
        if not isinstance(blocks, dict):
            raise InvalidError.one(part, blocks, f'tables, such as [{part}."Reports/monday"]')
        found[part] = {}
        for name, block in blocks.items():
            with gathered(wrong, f"{part}.{name}"):
                split_name("name", name)
                found[part][name] = _read(_texts(block), override=part == "overrides")
    refuse(wrong)
    return JobsFile(jobs=found["jobs"], overrides=found["overrides"])


def render(file: JobsFile) -> str:
    """The text of a file, which `parse` reads back as the same."""
    import tomli_w  # not needed by those who only read jobs

    said: dict[str, Any] = {"format": FORMAT}
    for part, jobs in (("jobs", file.jobs), ("overrides", file.overrides)):
        if jobs:
            said[part] = {name: shown(jobs[name]) for name in sorted(jobs)}
    return f"{HEADER}\n{tomli_w.dumps(said)}"


def shown(content: Content) -> dict[str, Any]:
    """The fields of a job as they stand in a file."""
    said: dict[str, Any] = {}
    for name in (one for one in FIELDS if one in content):
        value = content[name]
        if name == "trigger":
            said |= _short_trigger(value)
        elif name == "after":
            said[name] = [one["job"] if one["on"] == "success" else one for one in value]
        elif name == "kwargs":
            said |= plain_kwargs(value)
        else:
            said[name] = sorted_keys(value)
    return {name: value for name, value in said.items() if value is not None}


def _short_trigger(trigger: Mapping[str, Any]) -> dict[str, Any]:
    short = {"cron": "expression", "every": "seconds", "once": "at"}.get(trigger.get("type", ""))
    if short is None or trigger.keys() != {"type", short}:
        return {"trigger": dict(trigger)}
    return {"at" if short == "at" else str(trigger["type"]): trigger[short]}


def _read(block: Any, *, override: bool) -> Content:
    given = from_wire(_Block, block)
    said = {name: value for name in FIELDS if (value := getattr(given, name)) is not None}
    if given.name is not None and not override:
        raise InvalidError.one("name", given.name, "no such field: a job is named by its table")
    trigger = _trigger(given)
    if trigger is not None:
        said["trigger"] = trigger
    if given.after is not None:
        said["after"] = check_after(given.after)
    if given.policies is not None:
        policies = to_wire(given.policies)
        said["policies"] = {name: value for name, value in policies.items() if value is not None}
    if given.kwargs is not None or given.kwargs_json is not None:
        said["kwargs"] = typed_kwargs(given.kwargs or {}, given.kwargs_json or {})
    if not given.paused:
        for name in ("pause_reason", "paused_until"):
            if said.get(name):
                raise InvalidError.one(name, to_wire(said[name]), "paused = true beside it")
    content: Content = to_wire(said)
    return content


def _trigger(given: _Block) -> dict[str, Any] | None:
    """The trigger's JSON form; what people type is for the engine to read."""
    every = "typed" if isinstance(given.every, str) else "seconds"
    at = "at" if given.at is not None and _is_moment(given.at) else "typed"
    short: dict[str, dict[str, Any] | None] = {
        "cron": {"type": "cron", "expression": given.cron},
        "every": {"type": "every", every: given.every},
        "at": {"type": "once", at: given.at},
        "calendar": {"type": "calendar", "typed": given.calendar},
        "trigger": None if given.trigger is None else dict(given.trigger),
    }
    said = [name for name in short if getattr(given, name) is not None]
    if len(said) > 1:
        expected = f"one of {', '.join(short)}: this job has {' and '.join(said)}"
        raise InvalidError.one(said[1], getattr(given, said[1]), expected)
    return short[said[0]] if said else None


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _texts(block: Any) -> Any:
    """A table with TOML's own dates as text, but for arguments, where they are refused."""
    if not isinstance(block, dict):
        return block
    return {
        name: value if name == "kwargs" else _date_texts(value) for name, value in block.items()
    }


def _date_texts(value: Any) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _date_texts(item) for key, item in value.items()}
    return [_date_texts(item) for item in value] if isinstance(value, list) else value
