"""Textual's bindings out of the registry of actions, and keys as people write them."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from schedtui_tui.actions import ACTIONS, Action

_NAMES = {
    "enter": "⏎",
    "escape": "Esc",
    "slash": "/",
    "question_mark": "?",
    "space": "Space",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "down": "↓",
    "up": "↑",
    "tab": "Tab",
    "f1": "F1",
    "f5": "F5",
}


_BUILT_IN = frozenset({"details", "command_palette"})
"""Textual binds these by itself."""


def bindings(scope: str) -> list[BindingType]:
    """The bindings of a screen, a widget or the app."""
    return [
        Binding(
            action.keys,
            action.id,
            action.label,
            show=False,
            tooltip=action.help,
            priority=action.priority,
            id=f"{action.scope}.{action.id}",
        )
        for action in ACTIONS
        if action.scope == scope and action.id not in _BUILT_IN
    ]


def key_name(action: Action, *, every: bool = False, last: bool = False) -> str:
    """The key of an action as it is printed: ``Ctrl+D``, ``⏎``, ``t``.

    Args:
        action: Of the registry.
        every: All of its keys, not only the first.
        last: The last one instead of the first.
    """
    keys = action.keys.split(",")
    return " ".join(_one(key) for key in (keys if every else keys[-1:] if last else keys[:1]))


def _one(key: str) -> str:
    *modifiers, last = key.split("+")
    name = _NAMES.get(last, last.upper() if modifiers else last)
    return "+".join([*(modifier.capitalize() for modifier in modifiers), name])
