"""What has to be done so that living jobs become what a file says; done off the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schedtui import policies as policy_rules
from schedtui.engine.revisions.content import (
    DEFAULTS,
    NEVER,
    PAUSE,
    Known,
    changed_of,
    content_of,
    same,
)
from schedtui.errors import FieldError, InvalidError
from schedtui.models import ChangeKind, FieldChange, Job, JobChange, Policies
from schedtui.models.gathering import gathered, refuse
from schedtui.models.jobs_file import Content, JobsFile, shown
from schedtui.models.wire import from_wire, to_wire
from schedtui.triggers import check_timezone, parse_trigger

ZoneOf = Callable[[str | None, str], str]
"""The zone of a new job, where its file names none: of its group, else of its engine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What becomes of one job."""

    place: str
    """Where the file says so: ``jobs.Reports/monday``."""
    name: str
    """As the file calls it."""
    old: Job | None
    """None: there is none yet."""
    before: Content | None = None
    """All that a file says of it as it is; None where there is none, or it is to go."""
    new: Content | None
    """All that it is to be; None: it is to go."""
    reverted: bool = False
    """Declared in code, and to be what that says, but for a pause."""
    change: JobChange


@dataclass(frozen=True, kw_only=True, slots=True)
class Moves:
    """All that has to be done."""

    moves: tuple[Move, ...]
    """In the order of the names."""
    unchanged: int
    """Jobs that are so already."""


def moves(file: JobsFile, state: Known, zone_of: ZoneOf, now_us: int) -> Moves:
    """What has to be done so that the jobs become what a file says.

    Raises:
        InvalidError: with all that the file says and no job can be, as ``jobs.Reports/x.timezone``.
    """
    wrong: list[FieldError] = []
    found: list[Move] = []
    for name, said in file.jobs.items():
        place, old = f"jobs.{name}", state.jobs.get(name)
        with gathered(wrong, place):
            _refuse_static(name, old, state)
            found.append(_move(place, name, old, _whole(name, said, zone_of), DEFAULTS, now_us))
    for name, job in state.jobs.items():
        place = f"overrides.{name}"
        if job.static:
            base = state.declared[name]
            with gathered(wrong, place):
                said = file.overrides.get(name, {})
                found.append(_move(place, name, job, {**base, **said}, base, now_us))
        elif name not in file.jobs:
            found.append(_removal(name, job))
    for name in file.overrides.keys() - state.declared.keys():
        expected = "a job that is declared in code now; one made at run time belongs under jobs"
        wrong.append(FieldError(field=f"overrides.{name}", got=None, expected=expected))
    refuse(wrong)
    done = [move for move in found if move.change.fields or move.new is None or move.old is None]
    mentioned = len(file.jobs) + len(file.overrides)
    touched = sum(move.name in file.jobs or move.name in file.overrides for move in done)
    return Moves(moves=tuple(sorted(done, key=_by_name)), unchanged=mentioned - touched)


def _by_name(move: Move) -> str:
    return move.name


def _refuse_static(name: str, old: Job | None, state: Known) -> None:
    if name in state.others:
        told = "another name: an orphaned job has it, which the code declared once; delete that"
        raise InvalidError.one("", name, told)
    if old is not None and old.static:
        told = f'[overrides."{name}"], with what is to differ: it is declared in code'
        raise InvalidError.one("", name, told)


def _whole(name: str, said: Content, zone_of: ZoneOf) -> Content:
    if "function" not in said:
        raise InvalidError.one("function", None, "'group/name' of a registered function")
    if "trigger" not in said and not said.get("after"):
        raise InvalidError.one("cron", None, "cron, every, at, calendar or trigger; or after")
    whole = {**DEFAULTS, **said}
    if "timezone" not in said:
        whole["timezone"] = zone_of(None, name.partition("/")[0])
    return whole


def _move(place: str, name: str, old: Job | None, new: Content, base: Content, now_us: int) -> Move:
    before = None if old is None else content_of(old)
    new = _read(new, (before or {}, base), now_us)
    static = old is not None and old.static
    kind = ChangeKind.ADDED if before is None else ChangeKind.CHANGED
    fields = _differences(base if before is None else before, new)
    if before is None:
        lone = ("function", "timezone")
        fields = (*(FieldChange(field=one, new=new[one]) for one in lone), *fields)
        fields = tuple({change.field: change for change in fields}.values())
    return Move(
        place=place,
        name=name,
        old=old,
        before=before,
        new=new,
        reverted=static and not (changed_of(new, base).keys() - set(PAUSE)),
        change=JobChange(job=name, kind=kind, static=static, fields=fields),
    )


def _removal(name: str, job: Job) -> Move:
    fields = _differences(content_of(job), DEFAULTS)
    change = JobChange(job=name, kind=ChangeKind.REMOVED, fields=fields)
    return Move(place=f"jobs.{name}", name=name, old=job, new=None, change=change)


def _read(new: Content, standing: tuple[Content, ...], now_us: int) -> Content:
    """A content as the engine keeps it; what stands already is not read again."""
    wrong: list[FieldError] = []
    zone = "UTC"
    try:
        zone = check_timezone(new["timezone"])
    except InvalidError as error:
        wrong += error.errors
    trigger = new["trigger"]
    stands = [one["trigger"] for one in standing if one and one["trigger"] == trigger]
    if stands:
        trigger = stands[0]  # 300 where a person wrote 300.0
    else:
        with gathered(wrong, "trigger"):
            trigger = parse_trigger(trigger, zone, now_us).to_json()
    policies = new["policies"]
    if not any(same(policies, one.get("policies")) for one in standing):
        with gathered(wrong, "policies"):
            own = policy_rules.make(**policy_rules.words(from_wire(Policies, policies)))
            policies = {f: value for f, value in to_wire(own).items() if value is not None}
    refuse(wrong)
    return {**new, "trigger": trigger, "policies": policies}


def _differences(old: Content, new: Content) -> tuple[FieldChange, ...]:
    before, after = _flat(old), _flat(new)
    return tuple(
        FieldChange(field=field, old=before.get(field), new=after.get(field))
        for field in dict.fromkeys([*before, *after])
        if not same(before.get(field), after.get(field)) or (field in before) != (field in after)
    )


def _flat(content: Content) -> dict[str, Any]:
    """A content as it stands in a file, tables of policies and arguments by their keys."""
    found: dict[str, Any] = {}
    for field, value in shown(content).items():
        if field in ("policies", "kwargs", "kwargs_json") and isinstance(value, Mapping):
            found |= {f"{field}.{key}": item for key, item in value.items()}
        elif field == "trigger" and value == NEVER:
            continue
        else:
            found[field] = value
    return found
