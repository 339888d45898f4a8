"""The fields of a cron expression: checked one by one, with messages that name what is wrong.

The grammar is crontab(5)'s, extended by a leading seconds field, ``L``, ``LW`` (day of month),
``5L`` and ``mon#1`` (day of week). cronsim reads the result.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from schedtui.errors import FieldError, InvalidTriggerError, shorten

LONGEST: Final = 1_000
"""The longest expression that is looked at, in characters."""

MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
"""crontab(5)'s words for whole expressions, except ``@reboot``."""

_VALUE: Final = r"(?:[0-9]+|[A-Z]{3})"
_RANGE: Final = re.compile(rf"(\*|({_VALUE})(?:-({_VALUE}))?)(?:/([0-9]+))?")
_LAST: Final = re.compile(rf"({_VALUE})L")
_NTH: Final = re.compile(rf"({_VALUE})#([0-9]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of an expression."""

    name: str
    """As it is called in messages."""
    low: int
    """The least value."""
    high: int
    """The greatest value."""
    extras: str = ""
    """What else is allowed, for messages; follows the range directly."""
    names: tuple[str, ...] = ()
    """The names of the values from ``low`` on, in capitals."""

    @property
    def expected(self) -> str:
        """What is allowed, for messages."""
        return f"{self.low}-{self.high}{self.extras}, *, a list, a range or a step"


MINUTE: Final = Field(name="minute", low=0, high=59)
HOUR: Final = Field(name="hour", low=0, high=23)
DAY: Final = Field(name="day of month", low=1, high=31, extras=", L, LW")
MONTH: Final = Field(
    name="month",
    low=1,
    high=12,
    extras=", jan-dec",
    names=("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
WEEKDAY: Final = Field(
    name="day of week",
    low=0,
    high=7,
    extras=" (0 and 7 are Sunday), sun-sat, 5L, mon#1",
    names=("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
)
SECOND: Final = Field(name="second", low=0, high=59)
FIELDS: Final = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)


def read_fields(expression: object) -> tuple[str, ...]:
    """The six fields of an expression as cronsim reads them, seconds first, macros expanded.

    Raises:
        InvalidTriggerError: with every field that is wrong.
    """
    return _read(expression) if isinstance(expression, str) else _read.__wrapped__(expression)


@lru_cache(maxsize=1_024)
def _read(expression: object) -> tuple[str, ...]:
    """What `read_fields` gives: one expression is read several times until its job is made."""
    parts = _split(expression)
    problems: list[_Problem] = []
    read: list[str] = []
    for field, part in zip(FIELDS, parts, strict=True):
        terms: list[str] = []
        for term in part.split(","):
            problem, as_read = _check(field, term.upper())
            if problem:
                problems.append(_Problem(field=field, got=term or "nothing", expected=problem))
                break
            terms.append(as_read)
        read.append(",".join(terms))
    if problems:
        raise InvalidTriggerError(
            "; ".join(str(problem) for problem in problems),
            tuple(problem.as_error() for problem in problems),
        )
    return tuple(read)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Problem:
    field: Field
    got: str
    expected: str

    def __str__(self) -> str:
        return f"{self.field.name}: got {shorten(self.got)}; expected {self.expected}"

    def as_error(self) -> FieldError:
        return FieldError(
            field="expression", got=self.got[:80], expected=f"{self.field.name}: {self.expected}"
        )


def _split(expression: object) -> list[str]:
    wanted = (
        "5 fields (minute, hour, day of month, month, day of week), 6 with a leading second, "
        "or a macro such as @daily"
    )
    if not isinstance(expression, str):
        raise InvalidTriggerError.one("expression", expression, f"text: {wanted}")
    if len(expression) > LONGEST:
        raise InvalidTriggerError.one(
            "expression", expression, f"at most {LONGEST:,} characters (got {len(expression):,})"
        )
    if not expression.isascii() or not expression.strip().replace("\t", " ").isprintable():
        raise InvalidTriggerError.one("expression", expression, f"plain ASCII text: {wanted}")
    text = expression.strip()
    if text.startswith("@"):
        text = _expand(text)
    parts = text.split()
    if len(parts) not in (5, 6):
        count = f"{len(parts)} field{'' if len(parts) == 1 else 's'}"
        raise InvalidTriggerError.one("expression", expression, f"{wanted} (got {count})")
    return parts if len(parts) == 6 else ["0", *parts]


def _expand(text: str) -> str:
    macro = text.lower()
    if macro == "@reboot":
        raise InvalidTriggerError.one(
            "expression",
            text,
            "a time, which @reboot is not: call the function where the program starts",
        )
    if macro not in MACROS:
        raise InvalidTriggerError.one("expression", text, f"one of {', '.join(MACROS)}")
    return MACROS[macro]


def _check(field: Field, term: str) -> tuple[str, str]:
    """What was expected, when the term of a list is wrong; and the term as cronsim wants it."""
    if field is DAY and term in ("L", "LW"):
        return "", term
    if field is WEEKDAY and (last := _LAST.fullmatch(term)):
        day = _number(field, last[1])
        return ("", f"{day}L") if day is not None else (field.expected, term)
    if field is WEEKDAY and (nth := _NTH.fullmatch(term)):
        if _number(field, nth[1]) is None:
            return field.expected, term
        return ("", term) if 1 <= int(nth[2]) <= 5 else ("#1 to #5 after the day", term)
    found = _RANGE.fullmatch(term)
    if not found:
        return field.expected, term
    problem = _check_range(field, found)
    if not problem and found[2] and found[2] == found[3]:
        return "", found[2]  # cronsim would read a step of one value as going on to the end
    return problem, term


def _check_range(field: Field, found: re.Match[str]) -> str:
    _, first, last, step = found.groups()
    if step is not None and int(step) == 0:
        return "a step of at least 1"
    if first is None:
        return ""
    low = _number(field, first)
    high = low if last is None else _number(field, last)
    if low is None or high is None:
        return field.expected
    if low > high:
        upper, lower = _spell(field, low, field.high), _spell(field, field.low, high)
        return f"a range that goes up; write {upper},{lower} to go round the end"
    return ""


def _number(field: Field, text: str) -> int | None:
    if text in field.names:
        return field.names.index(text) + field.low
    if not text.isdigit():
        return None
    value = int(text)
    return value if field.low <= value <= field.high else None


def _spell(field: Field, low: int, high: int) -> str:
    if field is WEEKDAY:
        high = min(high, 6)
    low_text, high_text = (
        field.names[value - field.low].lower() if field.names else str(value)
        for value in (low, high)
    )
    return low_text if low == high else f"{low_text}-{high_text}"
