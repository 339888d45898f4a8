"""Answers of trigger classes that are not ours: as the contract of `Trigger` has them, or none.

A due time that is not after the moment asked about would be found again and again, for ever.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from itertools import pairwise
from typing import Any, Final

from schedtui.clock import MAX_US
from schedtui.errors import ForeignTriggerError


def checked(kind: type) -> None:
    """Let the questions that a class answers itself fail where the answer is none.

    They raise `ForeignTriggerError` then, as an object of APScheduler does.
    """
    for name, check in _CHECKS.items():
        method = vars(kind).get(name)
        if inspect.isfunction(method):
            setattr(kind, name, _checked(method, check))


def _checked(method: Callable[..., Any], check: Callable[..., str]) -> Callable[..., Any]:
    @wraps(method)
    def ask(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = method(self, *args, **kwargs)
        wrong = check(answer, *args, **kwargs)
        if wrong:
            raise ForeignTriggerError(
                f"the trigger {self.short()!r}: {method.__name__} answered {wrong}"
            )
        return answer

    return ask


def _next(answer: object, us: int) -> str:
    return "" if answer is None else _wrong((answer,), us, MAX_US)


def _newest(answer: object, after_us: int, until_us: int, limit: int) -> str:  # noqa: ARG001 - as it is asked
    if not isinstance(answer, list | tuple):
        return f"{type(answer).__name__}; expected a list"
    if any(type(one) is int and type(two) is int and two <= one for one, two in pairwise(answer)):
        return "times that do not increase"
    return _wrong(answer, after_us, until_us)


def _count(answer: object, after_us: int, until_us: int) -> str:  # noqa: ARG001 - as it is asked
    whole = isinstance(answer, int) and not isinstance(answer, bool) and answer >= 0
    return "" if whole else f"{_shown(answer)}; expected a number of due times"


def _wrong(answers: list[Any] | tuple[Any, ...], after_us: int, until_us: int) -> str:
    for one in answers:
        if not isinstance(one, int) or isinstance(one, bool):
            return f"{_shown(one)}; expected integer microseconds since 1970"
        if not after_us < one <= until_us:
            last = "the year 9999" if until_us == MAX_US else until_us
            return f"{_shown(one)}; expected a time after {after_us} and up to {last}"
    return ""


def _shown(answer: object) -> str:
    return f"{type(answer).__name__} {answer!r:.60}"


_CHECKS: Final[dict[str, Callable[..., str]]] = {
    "next_after_us": _next,
    "newest": _newest,
    "count": _count,
}
