"""What a person has switched while looking."""

from __future__ import annotations

from dataclasses import dataclass

from schedtui_tui.times import ZoneMode


@dataclass(kw_only=True, slots=True)
class Prefs:
    """How times are shown, the same in every view."""

    zone: ZoneMode = ZoneMode.JOB
    """In whose zone clock times are meant."""
    absolute: bool = False
    """Clock times instead of countdowns and ages."""

    def next_zone(self) -> ZoneMode:
        """Go on to the next zone mode, and return it."""
        modes = list(ZoneMode)
        self.zone = modes[(modes.index(self.zone) + 1) % len(modes)]
        return self.zone
