"""What a caller of the API may do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The role of an access token, or the one that an action needs; in rising order."""

    VIEWER = "viewer"
    """Reads."""
    OPERATOR = "operator"
    """Also triggers, pauses and resumes jobs and the engine, cancels runs and runs them again."""
    ADMIN = "admin"
    """Also creates, edits and deletes jobs, and runs functions without one."""

    def covers(self, needed: Role) -> bool:
        """Whether who has this role may do what needs the other one."""
        order = tuple(Role)
        return order.index(self) >= order.index(needed)
