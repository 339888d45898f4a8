"""How the connection is, for the status bar and for whoever wants to act."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from schedtui.models import EngineInfo


class LinkState(StrEnum):
    """Where the connection stands."""

    STARTING = "starting"
    """The first connection is being made."""
    LIVE = "live"
    LOST = "lost"
    """It was there, and is tried again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """The connection at one moment. Monotonic seconds are those of ``time.monotonic``."""

    state: LinkState = LinkState.STARTING
    address: str = ""
    """What the client calls its place."""
    latency_s: float = 0.0
    """Of the last answer."""
    lost_at: float = 0.0
    """Monotonic seconds when it was lost."""
    retry_at: float = 0.0
    """Monotonic seconds of the next try."""
    reason: str = ""
    """Why it was lost; not cleaned."""
    engine: EngineInfo | None = None
    """The engine as it last was."""

    @property
    def live(self) -> bool:
        """Whether commands can be given."""
        return self.state is LinkState.LIVE

    def up(self, engine: EngineInfo, latency_s: float) -> Connection:
        """It answered."""
        return replace(
            self, state=LinkState.LIVE, engine=engine, latency_s=latency_s, reason="", lost_at=0.0
        )

    def down(self, reason: str, now: float, retry_s: float) -> Connection:
        """It was lost, or is still not back."""
        return replace(
            self,
            state=LinkState.LOST,
            reason=reason,
            lost_at=self.lost_at or now,
            retry_at=now + retry_s,
        )
