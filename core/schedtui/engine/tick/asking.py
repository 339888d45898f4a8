"""Questions about due times that code of the user's answers: off the loop, and not for ever.

Our own triggers answer by arithmetic, at once. One of the user's, or of APScheduler, may ask a
calendar service or hang: it has a thread of its own, and the loop, its other jobs and the service
around it go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from schedtui.errors import ForeignTriggerError
from schedtui.execution import late
from schedtui.triggers import Trigger

T = TypeVar("T")

ANSWER_S: Final = 30.0
"""All answers that one decision needs; a trigger object has a shorter limit for each of them."""
AT_ONCE: Final = 16
"""Questions that are under way together; the others wait, in their order."""


class Asking:
    """Asks triggers; on the engine's loop."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._open = 0

    @property
    def busy(self) -> bool:
        """Whether a trigger has a question to answer."""
        return self._open > 0

    async def ask(self, trigger: Trigger | None, question: Callable[[], T]) -> T:
        """What a question about the due times of a trigger gives.

        One to a trigger of ours is answered at once, without a turn of the loop.

        Raises:
            ForeignTriggerError: the user's code took too long; or whatever it raised.
        """
        if trigger is None or not trigger.foreign:
            return question()
        self._open += 1
        try:
            async with self._places:
                return await _in_time(trigger, question)
        finally:
            self._open -= 1


async def _in_time(trigger: Trigger, question: Callable[[], T]) -> T:
    deadline = asyncio.timeout(ANSWER_S)
    try:
        async with deadline:
            return await late.begin_in_thread(partial(_answered, trigger, question))
    except TimeoutError as error:
        if not deadline.expired():
            raise  # its own
        raise ForeignTriggerError(
            f"the trigger {trigger.short()!r} did not answer within {ANSWER_S:g} s"
        ) from error


def _answered(trigger: Trigger, question: Callable[[], T]) -> T:
    """Answer a question, in its thread; what would end that ends neither the loop nor its task."""
    try:
        return question()
    except Exception:
        raise
    except BaseException as error:
        text = f"the trigger {trigger.short()!r} raised {type(error).__name__}: {error}"
        raise ForeignTriggerError(text) from error
