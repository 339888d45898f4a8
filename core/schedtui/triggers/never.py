"""No due times."""

from __future__ import annotations

from typing import Any

from schedtui.triggers.base import Trigger


class Never(Trigger):
    """Never due: for jobs that run by hand, or after another job."""

    __slots__ = ()

    @property
    def dueless(self) -> bool:
        """It is so on purpose."""
        return True

    def next_after_us(self, us: int) -> None:  # noqa: ARG002 - whatever the moment
        """None."""
        return

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:  # noqa: ARG002 - as above
        """None at all."""
        return []

    def count(self, after_us: int, until_us: int) -> int:  # noqa: ARG002 - as above
        """0."""
        return 0

    def day_key(self, start_us: int) -> int:  # noqa: ARG002 - as above
        """All days are alike."""
        return 0

    def describe(self) -> str:
        """``never by itself``."""
        return "never by itself"

    def short(self) -> str:
        """``never``."""
        return "never"

    def to_json(self) -> dict[str, Any]:
        """``{"type": "never"}``."""
        return {"type": "never"}

    def _key(self) -> tuple[object, ...]:
        return ()

    def __repr__(self) -> str:
        return "Never()"
