"""Policies: their defaults, how a job's, its group's and its engine's add up, and their checks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Unpack, cast

from schedtui.errors import FieldError, InvalidError, shorten_value
from schedtui.models import CatchUp, OnLost, Overlap, Policies
from schedtui.models.at_once import check_at_once
from schedtui.models.names import check_name
from schedtui.models.policy_words import PolicyWords as PolicyWords

DEFAULTS: Final = Policies(
    overlap=Overlap.SKIP,
    concurrency=1,
    grace_s=60.0,
    catch_up=CatchUp.SKIP,
    catch_up_limit=100,
    retries=0,
    retry_delay_s=1.0,
    retry_backoff=2.0,
    retry_max_delay_s=300.0,
    retry_jitter=0.1,
    retry_on=(),
    timeout_s=0.0,
    on_lost=OnLost.IGNORE,
    start_within_s=0.0,
    jitter_s=0.0,
    priority=0,
    pool="",
    max_runs=0,
    run_on_startup=False,
    pause_after_failures=0,
    run_once_key="",
    keep_runs=1_000,
    keep_s=90 * 86_400.0,
    keep_failures_s=180 * 86_400.0,
    keep_logs_s=30 * 86_400.0,
)
"""What holds where neither job, group nor engine says anything."""

IMPLIED_RETRIES: Final = 3
"""What a delay or a factor alone means."""

YEAR_S: Final = 366 * 86_400.0
MAX_GRACE_S: Final = YEAR_S

RANGES: Final[Mapping[str, tuple[float, float, str]]] = {
    "concurrency": (1, 10_000, "a whole number"),
    "grace_s": (0, MAX_GRACE_S, "seconds"),
    "catch_up_limit": (1, 1_000, "a whole number"),
    "retries": (0, 1_000, "a whole number"),
    "retry_delay_s": (0, YEAR_S, "seconds"),
    "retry_backoff": (1, 100, "a factor"),
    "retry_max_delay_s": (0, YEAR_S, "seconds"),
    "retry_jitter": (0, 1, "a share"),
    "timeout_s": (0, YEAR_S, "seconds, where 0 is no timeout,"),
    "start_within_s": (0, YEAR_S, "seconds, where 0 is no limit,"),
    "jitter_s": (0, 86_400, "seconds"),
    "priority": (-100, 100, "a whole number"),
    "max_runs": (0, 10**12, "a whole number, where 0 is no end,"),
    "pause_after_failures": (0, 1_000_000, "a whole number, where 0 is never,"),
    "keep_runs": (100, 10_000_000, "a whole number"),
    "keep_s": (0, 100 * YEAR_S, "seconds, where 0 is for ever,"),
    "keep_failures_s": (0, 100 * YEAR_S, "seconds, where 0 is for ever,"),
    "keep_logs_s": (0, 100 * YEAR_S, "seconds, where 0 is for ever,"),
}
_WORDS: Final[Mapping[str, type[StrEnum]]] = {
    "overlap": Overlap,
    "catch_up": CatchUp,
    "on_lost": OnLost,
}
MAX_RETRY_ON: Final = 50
MAX_PERIOD: Final = 100
PERIOD_DIRECTIVES: Final = "YymdHMSjUWGVuw"
"""Of ``strftime``: those that are numbers, and so the same on every machine in every language."""
_PERIOD: Final = (
    f"at most {MAX_PERIOD} characters that name a period, such as %Y-%m-%d, %G-W%V or %Y-%m, with "
    f"one or more of {', '.join(f'%{one}' for one in PERIOD_DIRECTIVES)}"
)


_TEXTS: Final = {"pool": "the name of a pool of the engine", "run_once_key": _PERIOD}


@dataclass(frozen=True, kw_only=True, slots=True)
class Effective:
    """The policies that rule one job, nothing left open; in the units of the tick."""

    overlap: Overlap
    concurrency: int
    """0: any number."""
    grace_us: int
    """Microseconds a due time may be found late and still run as if on time."""
    catch_up: CatchUp
    catch_up_limit: int
    retries: int
    retry_delay_s: float
    retry_backoff: float
    retry_max_delay_s: float
    retry_jitter: float
    retry_on: frozenset[str]
    """Empty: all."""
    timeout_s: float
    on_lost: OnLost
    start_within_us: int
    jitter_us: int
    priority: int
    pool: str
    max_runs: int
    run_on_startup: bool
    pause_after_failures: int
    run_once_key: str
    """Empty: its runs have no period."""
    keep_runs: int
    keep_s: float
    """0: for ever; as for the next two."""
    keep_failures_s: float
    keep_logs_s: float


@lru_cache(maxsize=1_024)
def resolve(*levels: Policies) -> Effective:
    """What rules a job, given its own policies, its group's and its engine's, nearest first."""
    own = {}
    for field in _FIELDS:
        for level in levels:
            value = getattr(level, field)
            if value is not None:
                own[field] = value
                break
        else:
            own[field] = getattr(DEFAULTS, field)
    return Effective(
        overlap=own["overlap"],
        concurrency=0 if own["overlap"] is Overlap.ALLOW else own["concurrency"],
        grace_us=_us(own["grace_s"]),
        catch_up=own["catch_up"],
        catch_up_limit=own["catch_up_limit"],
        retries=_retries(levels, own["retries"]),
        retry_delay_s=own["retry_delay_s"],
        retry_backoff=own["retry_backoff"],
        retry_max_delay_s=own["retry_max_delay_s"],
        retry_jitter=own["retry_jitter"],
        retry_on=frozenset(own["retry_on"]),
        timeout_s=own["timeout_s"],
        on_lost=own["on_lost"],
        start_within_us=_us(own["start_within_s"]),
        jitter_us=_us(own["jitter_s"]),
        priority=own["priority"],
        pool=own["pool"],
        max_runs=own["max_runs"],
        run_on_startup=own["run_on_startup"],
        pause_after_failures=own["pause_after_failures"],
        run_once_key=own["run_once_key"],
        keep_runs=own["keep_runs"],
        keep_s=own["keep_s"],
        keep_failures_s=own["keep_failures_s"],
        keep_logs_s=own["keep_logs_s"],
    )


@lru_cache(maxsize=1_024)
def spell(rules: Effective) -> Policies:
    """What rules a job in the words and units of people; see `schedtui.models.Job.effective`."""
    return Policies(
        overlap=rules.overlap,
        concurrency=rules.concurrency or None,
        grace_s=rules.grace_us / 1e6,
        catch_up=rules.catch_up,
        catch_up_limit=rules.catch_up_limit,
        retries=rules.retries,
        retry_delay_s=rules.retry_delay_s,
        retry_backoff=rules.retry_backoff,
        retry_max_delay_s=rules.retry_max_delay_s,
        retry_jitter=rules.retry_jitter,
        retry_on=tuple(sorted(rules.retry_on)),
        timeout_s=rules.timeout_s,
        on_lost=rules.on_lost,
        start_within_s=rules.start_within_us / 1e6,
        jitter_s=rules.jitter_us / 1e6,
        priority=rules.priority,
        pool=rules.pool,
        max_runs=rules.max_runs,
        run_on_startup=rules.run_on_startup,
        pause_after_failures=rules.pause_after_failures,
        run_once_key=rules.run_once_key,
        keep_runs=rules.keep_runs,
        keep_s=rules.keep_s,
        keep_failures_s=rules.keep_failures_s,
        keep_logs_s=rules.keep_logs_s,
    )


def inherited(own: Policies, rules: Policies) -> Policies:
    """What a job has from its group or its engine and is not the default.

    Args:
        own: What the job says itself.
        rules: All that rules it; `Job.effective`.
    """
    found = {}
    for field in _FIELDS:
        value = getattr(rules, field)
        if getattr(own, field) is None and value != getattr(DEFAULTS, field):
            found[field] = value
    return Policies(**found)


def check(policies: Policies) -> None:
    """Refuse values that no engine could follow.

    Raises:
        InvalidError: with every field that is out of its range, and the range.
    """
    problems = []
    for field, (low, high, what) in RANGES.items():
        value = getattr(policies, field)
        if value is not None and not low <= value <= high:
            problems.append(
                InvalidError.one(field, value, f"{what} from {low:g} to {_number(high)}")
            )
    if policies.pool:
        try:
            check_name("pool", policies.pool)
        except InvalidError as error:
            problems.append(error)
    if policies.run_once_key and not _is_period(policies.run_once_key):
        problems.append(InvalidError.one("run_once_key", policies.run_once_key, _PERIOD))
    names = policies.retry_on or ()
    if len(names) > MAX_RETRY_ON or any(not _is_dotted(name) for name in names):
        expected = f"at most {MAX_RETRY_ON} names of exceptions, such as 'ConnectionError'"
        problems.append(InvalidError.one("retry_on", list(names), expected))
    if problems:
        errors = tuple(error for problem in problems for error in problem.errors)
        raise InvalidError("; ".join(str(problem) for problem in problems), errors)


def make(**words: Unpack[PolicyWords]) -> Policies:
    """Policies from what people write in code.

    Raises:
        InvalidError: a word that is no policy, or a value of the wrong kind or out of range.
    """
    values: dict[str, Any] = {}
    for field, value in words.items():
        if field not in _FIELDS:
            raise InvalidError.one(field, value, f"a policy: {', '.join(_FIELDS)}")
        if value is not None:
            values[field] = _read(field, value)
    policies = Policies(**values)
    check(policies)
    as_float = {f: float(v) for f, v in values.items() if f in _FLOATS}
    return Policies(**{**values, **as_float})


def merge(nearest: Policies, beyond: Policies) -> Policies:
    """What ``nearest`` says, and what ``beyond`` says where it says nothing."""
    return make(**(words(beyond) | words(nearest)))


def words(policies: Policies) -> PolicyWords:
    """What `make` makes the same policies of."""
    said = {field: getattr(policies, field) for field in _FIELDS}
    return cast("PolicyWords", {field: v for field, v in said.items() if v is not None})


def check_pools(pools: Mapping[str, int]) -> dict[str, int]:
    """The named pools of an engine and their limits.

    Raises:
        InvalidError: a name or a limit that cannot be.
    """
    for name, limit in pools.items():
        check_name("pools", name)
        check_at_once(f"pools.{name}", limit)
    return dict(pools)


def worth_retrying(names: frozenset[str], raised: Iterable[str]) -> bool:
    """Whether an exception is worth a retry.

    Args:
        names: What `Effective.retry_on` says.
        raised: The qualified names of its class and of the classes above it.
    """
    if not names:
        return True
    return any(name in names or name.rpartition(".")[2] in names for name in raised)


def _read(field: str, value: Any) -> Any:
    if field in _WORDS:
        return _choice(field, _WORDS[field], value)
    if field == "retry_on":
        return _exceptions(value)
    if field == "run_on_startup":
        if not isinstance(value, bool):
            raise InvalidError.one(field, value, "True or False")
        return value
    if field in _TEXTS:
        if not isinstance(value, str):
            raise InvalidError.one(field, value, _TEXTS[field])
        return value
    seconds = field.endswith("_s")
    if seconds and isinstance(value, timedelta):
        return value.total_seconds()
    kind: Any = int | float if field in _FLOATS else int
    if isinstance(value, bool) or not isinstance(value, kind):
        what = "seconds, as a number or a timedelta" if seconds else RANGES[field][2]
        raise InvalidError.one(field, value, what.rstrip(","))
    return value


def _choice(field: str, kind: type[StrEnum], value: Any) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(repr(one.value) for one in kind)
        error = FieldError(field=field, got=shorten_value(value), expected=f"one of {allowed}")
        message = f"{field}: got {value!r}; expected {error.expected}"
        raise InvalidError(message, (error,)) from None


def _exceptions(value: Any) -> tuple[str, ...]:
    expected = "a list of exceptions or their names, such as [ConnectionError, 'TimeoutError']"
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidError.one("retry_on", value, expected)
    names = []
    for one in value:
        if isinstance(one, type) and issubclass(one, BaseException):
            names.append(qualified(one))
        elif isinstance(one, str):
            names.append(one)
        else:
            raise InvalidError.one("retry_on", one, expected)
    return tuple(names)


def qualified(kind: type) -> str:
    """The name of an exception's class: bare for a built-in one, else with its module."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_dotted(name: object) -> bool:
    return isinstance(name, str) and all(part.isidentifier() for part in name.split("."))


def _is_period(template: str) -> bool:
    if len(template) > MAX_PERIOD or not (template.isascii() and template.isprintable()):
        return False
    directives = re.findall(r"%(.?)", template)
    known = all(one == "%" or (one and one in PERIOD_DIRECTIVES) for one in directives)
    return known and any(one != "%" for one in directives)


def _retries(levels: Iterable[Policies], decided: int) -> int:
    for level in levels:
        if level.retries is not None:
            return level.retries
        if level.retry_delay_s is not None or level.retry_backoff is not None:
            return IMPLIED_RETRIES
    return decided


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


def _number(value: float) -> str:
    return f"{value:.0f}" if math.isclose(value, round(value)) else f"{value:g}"


_FIELDS: Final = tuple(field.name for field in fields(Policies))
_FLOATS: Final = frozenset(f for f in _FIELDS if f.endswith("_s")) | {
    "retry_backoff",
    "retry_jitter",
}
