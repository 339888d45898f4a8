"""All due times of a job up to a moment, each by what ruled it, as its trigger names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from schedtui.clock import from_us
from schedtui.engine.jobs.idle import Stretch
from schedtui.engine.tick.decide import FINISHED, Decision, Verdict, account
from schedtui.errors import ForeignTriggerError
from schedtui.models import RunState, Source
from schedtui.triggers import Trigger

Accounting = Callable[[Trigger, int, int], tuple[Verdict, ...]]
"""Rows for the due times from one moment up to another."""


class Listed(NamedTuple):
    """What becomes of the due times up to a moment."""

    verdicts: tuple[Verdict, ...]
    next_us: int | None
    """The first due time after them."""


def by_stretch(
    trigger: Trigger, due_us: int | None, stretches: Sequence[Stretch], fires: Accounting
) -> Listed:
    """Each due time from one on, by what ruled it.

    Where one of the user's goes on is asked from the last due time that has a row, so that no
    answer hides another.

    Raises:
        ForeignTriggerError: the answers contradict each other, so that some may be left out.
    """
    found: list[Verdict] = []
    theirs = trigger.foreign
    for stretch in stretches:
        if due_us is None or due_us > stretch.until_us:
            continue
        if stretch.reason:
            state = RunState.SKIPPED
            found += account(trigger, due_us, stretch.until_us, state, stretch.reason)
        else:
            found += fires(trigger, due_us, stretch.until_us)
        if not theirs:  # a search of ours may give up before it has come so far
            due_us = trigger.next_after_us(stretch.until_us)
            continue
        due_us = trigger.next_after_us(found[-1].scheduled_for_us)
        if due_us is not None and due_us <= stretch.until_us:
            raise _contradiction(trigger, due_us)
    until_us = stretches[-1].until_us
    if due_us is None:
        due_us = trigger.next_after_us(until_us)
        if theirs and due_us is not None:
            raise _contradiction(trigger, due_us)
    return Listed(tuple(found), due_us)


def _contradiction(trigger: Trigger, due_us: int) -> ForeignTriggerError:
    name = f"the trigger {trigger.short()!r}"
    return ForeignTriggerError(f"{name} did not name {from_us(due_us):%FT%TZ} before it did")


def after(
    trigger: Trigger, after_us: int, stretches: Sequence[Stretch], fires: Accounting
) -> Listed:
    """`by_stretch`, from the first due time after a moment on."""
    return by_stretch(trigger, trigger.next_after_us(after_us), stretches, fires)


def finished(trigger: Trigger, last_us: int, until_us: int) -> Listed:
    """The due times after the last one of a job that has run as often as it is to."""
    if last_us >= until_us:
        return Listed((), trigger.next_after_us(last_us))
    fires = partial(account, state=RunState.SKIPPED, reason=FINISHED)
    return after(trigger, last_us, [Stretch(last_us + 1, until_us, "")], fires)


def alike(
    trigger: Trigger,
    due_us: int,
    until_us: int,
    *,
    state: RunState,
    reason: Callable[[Verdict], str],
) -> tuple[Verdict, ...]:
    """Due times that nobody decides: what they are is the same for all of them, why may differ."""
    found = account(trigger, due_us, until_us, state, "")
    return tuple(one._replace(reason=reason(one)) for one in found)


def late(
    trigger: Trigger,
    due_us: int,
    until_us: int,
    *,
    found: Callable[..., Decision],
    state: RunState,
    reason: Callable[[Verdict], str],
) -> tuple[Verdict, ...]:
    """Due times that wait for the end of a pause of the engine: late ones are missed.

    Nothing is claimed before that end, so that the others do not run (as what, why).
    """
    verdicts = found(trigger, due_us, until_us=until_us).verdicts
    return tuple(
        one
        if one.state is RunState.MISSED
        else one._replace(state=state, source=Source.SCHEDULE, reason=reason(one))
        for one in verdicts
    )
