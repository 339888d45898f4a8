"""Policies as a person types them: options of ``create`` and ``edit``, fields of the form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from schedtui.errors import FieldError, InvalidError
from schedtui.models import CatchUp, OnLost, Overlap, Policies


class Kind(StrEnum):
    """How a policy is typed."""

    CHOICE = "choice"
    COUNT = "whole number"
    DURATION = "duration"
    NAME = "name"
    NAMES = "names"
    NUMBER = "number"
    PERIOD = "period"
    SWITCH = "switch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """A policy that can be typed."""

    field: str
    """Of `schedtui.models.Policies`."""
    kind: Kind
    help: str
    """For the command line."""
    choices: tuple[str, ...] = ()
    form: str = ""
    """Its label in the form; empty keeps it out of it."""

    @property
    def flag(self) -> str:
        """``--retry-delay`` for ``retry_delay_s``."""
        return "--" + self.field.removesuffix("_s").replace("_", "-")


OPTIONS: tuple[Option, ...] = (
    Option(
        field="overlap",
        kind=Kind.CHOICE,
        choices=tuple(one.value for one in Overlap),
        help="when a run of it is still active",
        form="overlap",
    ),
    Option(
        field="concurrency",
        kind=Kind.COUNT,
        help="runs of it that may be active at once",
    ),
    Option(
        field="retries",
        kind=Kind.COUNT,
        help="attempts after one that failed",
        form="retries",
    ),
    Option(
        field="retry_delay_s",
        kind=Kind.DURATION,
        help="before the first retry; alone it means three retries",
        form="retry delay",
    ),
    Option(
        field="retry_backoff",
        kind=Kind.NUMBER,
        help="by what each further delay is longer; alone it means three retries",
    ),
    Option(
        field="retry_max_delay_s",
        kind=Kind.DURATION,
        help="that no delay before a retry is longer than",
    ),
    Option(
        field="retry_jitter",
        kind=Kind.NUMBER,
        help="0 to 1: the share of a delay by which it is varied at random",
    ),
    Option(
        field="retry_on",
        kind=Kind.NAMES,
        help="exceptions that are worth a retry, with commas between them; '' for all",
    ),
    Option(
        field="timeout_s",
        kind=Kind.DURATION,
        help="that an attempt may take",
        form="timeout",
    ),
    Option(
        field="catch_up",
        kind=Kind.CHOICE,
        choices=tuple(one.value for one in CatchUp),
        help="which due times found too late run",
        form="catch-up",
    ),
    Option(
        field="catch_up_limit",
        kind=Kind.COUNT,
        help="how many of them run with --catch-up all",
    ),
    Option(
        field="grace_s",
        kind=Kind.DURATION,
        help="that a due time may be found late and still run as if on time",
    ),
    Option(
        field="on_lost",
        kind=Kind.CHOICE,
        choices=tuple(one.value for one in OnLost),
        help="a run whose engine died while it ran",
    ),
    Option(
        field="max_runs",
        kind=Kind.COUNT,
        help="due times that run before it is finished",
    ),
    Option(
        field="priority",
        kind=Kind.COUNT,
        help="-100 to 100: who goes first where several wait for a slot",
        form="priority",
    ),
    Option(field="pool", kind=Kind.NAME, help="a named pool of the engine whose limit it shares"),
    Option(field="jitter_s", kind=Kind.DURATION, help="by which its due times are spread"),
    Option(
        field="start_within_s",
        kind=Kind.DURATION,
        help="that a run may wait for its start before it is missed",
    ),
    Option(
        field="pause_after_failures",
        kind=Kind.COUNT,
        help="failures in a row after which it is paused",
    ),
    Option(
        field="run_once_key",
        kind=Kind.PERIOD,
        help="a period, such as %%Y-%%m-%%d, for which it succeeds at most once",
        form="once per",
    ),
    Option(
        field="keep_runs",
        kind=Kind.COUNT,
        help="runs whose rows are kept: so many that failed, and so many others",
    ),
    Option(field="keep_s", kind=Kind.DURATION, help="that the row of a run is kept"),
    Option(field="keep_failures_s", kind=Kind.DURATION, help="the same of one that failed"),
    Option(field="keep_logs_s", kind=Kind.DURATION, help="that the log of a run is kept"),
    Option(field="run_on_startup", kind=Kind.SWITCH, help="also run it when its engine starts"),
)


def read(typed: Mapping[str, str | bool | None]) -> Policies:
    """Policies from what was typed, by field; None, and an empty text but for names, say nothing.

    Raises:
        InvalidError: with every field that is wrong, as ``policies.<field>``.
    """
    from schedtui.policies import make  # with the triggers; not needed for --help

    words: dict[str, Any] = {}
    errors: list[FieldError] = []
    for option in OPTIONS:
        text = typed.get(option.field)
        if text is None or (text == "" and option.kind is not Kind.NAMES):
            continue
        try:
            value = _value(option, text)
            make(**{option.field: value})
            words[option.field] = value
        except InvalidError as error:
            errors += error.below("policies").errors
    if errors:
        first = errors[0]
        message = f"{first.field}: got {first.got!r}; expected {first.expected}"
        raise InvalidError(message, tuple(errors))
    return make(**words)


def _value(option: Option, text: str | bool) -> Any:
    if isinstance(text, bool):
        return text
    text = text.strip()
    if option.kind is Kind.DURATION:
        from schedtui.triggers import parse_duration

        return parse_duration(text, option.field)
    if option.kind is Kind.COUNT:
        digits = text.removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 16 else text
    if option.kind is Kind.NUMBER:
        try:
            return float(text)
        except ValueError:
            return text
    if option.kind is Kind.NAMES:
        return [name for part in text.split(",") if (name := part.strip())]
    return text
