"""What widgets have been sent and have not handled yet."""

from __future__ import annotations

import asyncio
import contextlib

from textual.widget import Widget

_AT_MOST_S = 2.0  # a widget that is being removed handles nothing any more


async def caught_up(root: Widget) -> None:
    """Until ``root`` and all below it have handled the keys they have, and what came of them.

    Keys of one burst wait in the widget that they were typed into, whereas a key of high priority
    acts at once.
    """
    widgets = root.walk_children(Widget, with_self=True, reverse=True)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_AT_MOST_S):
            for widget in widgets * 2:  # the keys, then the messages about what they changed
                handled = asyncio.Event()
                if widget.call_later(handled.set):
                    await handled.wait()
