"""Failed logins get slower answers; a right token is never held up."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable

FREE = 3  # failures of one address that cost nothing: typing errors
FIRST_S = 0.25  # the first delay, doubled with each further failure
LONGEST_S = 4.0
FORGET_S = 60.0  # without a failure, an address starts afresh
WAITING = 10  # requests of one address held at once; more are held longest and sent away
REMEMBERED = 1_000  # addresses


class SlowDown:
    """Counts the failures of each address.

    Args:
        pause: Waits for so many seconds, or less when the server closes.
        monotonic: Seconds.
    """

    def __init__(
        self,
        pause: Callable[[float], Awaitable[object]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause = pause
        self._monotonic = monotonic
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._waiting: Counter[str] = Counter()

    async def failed(self, address: str) -> bool:
        """Hold up the answer to a wrong token; none past the first few comes at once.

        Returns:
            False where so many were held already that this one is to be sent away.
        """
        now = self._monotonic()
        count, last = self._failures.pop(address, (0, now))
        count = 1 if now - last > FORGET_S else count + 1
        self._failures[address] = (count, now)
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)
        if count <= FREE:
            return True
        fits = self._waiting[address] < WAITING
        delay_s = min(FIRST_S * 2 ** min(count - FREE - 1, 10), LONGEST_S) if fits else LONGEST_S
        self._waiting[address] += 1
        try:
            await self._pause(delay_s)
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]
        return fits
