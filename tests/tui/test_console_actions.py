"""What is made from the registry of actions."""

from __future__ import annotations

from pathlib import Path

import pytest
from console_driver import console, three

from schedtui.models import Role
from schedtui_tui.actions import ACTIONS, find
from schedtui_tui.keys import key_name


async def test_read_only_hides_every_change() -> None:
    async with console(three(), read_only=True) as driver:
        await driver.press("t", "p", "b", "D", "n", "x", "P")
        assert len(driver.app.screen_stack) == 1
        changing = {"trigger_job", "pause_job", "delete_job", "functions"}
        assert not changing & {call[0] for call in driver.engine.calls}
        await driver.shows("read-only")
        assert "Trigger" not in driver.text()
        await driver.press("question_mark")
        await driver.shows("Filter: text")
        assert "trigger" not in driver.text()


async def test_help_is_made_from_the_registry() -> None:
    async with console(three(), size=(100, 120)) as driver:
        await driver.press("question_mark")
        await driver.shows("Keys")
        shown = driver.text()
        for action in ACTIONS:
            if action.scope in ("jobs", "table", "app"):
                assert f"{key_name(action, every=True):<10} {action.help[:40]}" in shown
                assert action.command in shown
        await driver.press("escape")
        await driver.press("j")
        assert driver.table.cursor_id == 2


def test_no_two_actions_of_a_view_share_a_key() -> None:
    views = [("jobs", "table", "app"), ("job", "table", "app"), ("run", "log", "app")]
    for scopes in views:
        keys = [key for one in ACTIONS if one.scope in scopes for key in one.keys.split(",")]
        assert len(keys) == len(set(keys))


def test_an_action_asks_for_the_role_that_the_api_asks_for() -> None:
    roles = {one.id: one.role for one in ACTIONS if one.role is not Role.VIEWER}
    assert roles == {
        "trigger": Role.OPERATOR,
        "backfill": Role.OPERATOR,
        "pause": Role.OPERATOR,
        "cancel": Role.OPERATOR,
        "halt": Role.OPERATOR,
        "rerun": Role.OPERATOR,
        "letters": Role.OPERATOR,
        "mark": Role.OPERATOR,
        "unmark": Role.OPERATOR,
        "create": Role.ADMIN,
        "submit": Role.ADMIN,
        "delete": Role.ADMIN,
    }
    for scope in ("jobs", "job"):
        assert all(find(scope, id_) for id_ in ("trigger", "pause", "backfill", "delete"))
        assert find(scope, "delete").role is Role.ADMIN  # type: ignore[union-attr]  # it is there


def test_the_manual_has_every_key() -> None:
    rows = (Path(__file__).parents[2] / "tui" / "README.md").read_text("utf-8").splitlines()
    for action in ACTIONS:
        keys = " ".join(f"`{key}`" for key in key_name(action, every=True).split(" "))
        assert f"| {keys} | {action.help} |" in rows


def test_what_changes_something_needs_a_role_and_has_a_command() -> None:
    for action in ACTIONS:
        if action.role is not Role.VIEWER and action.id not in {"mark", "unmark"}:
            assert action.command.startswith("schedtui ")


@pytest.mark.parametrize("width", [40, 60, 80, 140])
async def test_the_footer_fits_and_ends_with_help(width: int) -> None:
    async with console(three(), size=(width, 24)) as driver:
        last = driver.text().splitlines()[-1]
        assert last.rstrip().endswith("? Help")


async def test_palette_runs_actions() -> None:
    async with console(three()) as driver:
        await driver.press("ctrl+p")
        await driver.shows("Trigger")
        await driver.press(*"trigger")
        await driver.shows("Run it now, once")
        await driver.press("down", "enter")
        await driver.until(lambda: driver.engine.named("trigger_job"))
