"""Which kind of trigger a text can only mean."""

from __future__ import annotations

import pytest

from schedtui_tui.when import kind_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("*/5 * * * *", "cron"),
        ("0 9 * * mon-fri", "cron"),
        ("*/5", "cron"),
        ("@daily", "cron"),
        ("90s", "every"),
        ("1h30m", "every"),
        ("1.5 h", "every"),
        ("tomorrow 7:30", "once"),
        ("Today", "once"),
        ("in 10m", "once"),
        ("mon 09:00", "once"),
        ("9:00", "once"),
        ("2026-12-24", "once"),
        ("2026-12-24 18:00", "once"),
        ("2026-12-24T18:00:00+01:00", "once"),
        ("every 2 weeks on mon at 9:00", "calendar"),
        ("every month on the last day at 18:00", "calendar"),
        ('{"type": "never"}', "json"),
        ("", None),
        ("5", None),
        ("0 9", None),
        ("int", None),
        ("tomo", None),
        ("5 x", None),
        ("日本", None),
    ],
)
def test_kinds(text: str, kind: str | None) -> None:
    assert kind_of(text) == kind
