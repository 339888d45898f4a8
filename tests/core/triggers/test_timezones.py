"""Names of time zones."""

from __future__ import annotations

from typing import Any

import pytest

from schedtui.errors import InvalidTriggerError
from schedtui.triggers import check_timezone


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Etc/GMT-14"]
)
def test_a_zone_is_known(name: str) -> None:
    assert check_timezone(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "/",
        "../UTC",
        "Europe/../UTC",
        "./UTC",
        "//UTC",
        "/etc/localtime",
        "Europe",
        "America/Argentina",
        "localtime",
        "UTC\0",
        "UTC ",
        "posix/UTC",
        "right/UTC",
        "posixrules",
        "zone.tab",
        "leapseconds",
        "Nowhere/Nothing",
        "Ünder/Way",
        "\ud800",
        "A" * 100_000,
        "A/" * 1_000,
        None,
        0,
        b"UTC",
        ["UTC"],
    ],
)
def test_what_is_no_zone_is_refused(name: Any) -> None:
    with pytest.raises(InvalidTriggerError) as refused:
        check_timezone(name, "trigger.timezone")
    assert refused.value.errors[0].field == "trigger.timezone"


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Brelin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
    ],
)
def test_a_near_match_is_suggested(name: str, suggested: str) -> None:
    with pytest.raises(InvalidTriggerError, match=f"did you mean '{suggested}'"):
        check_timezone(name)
