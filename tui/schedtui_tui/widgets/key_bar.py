"""The footer: the keys of this view, made from the registry; as many as fit."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from schedtui_tui.actions import Action, in_scopes
from schedtui_tui.keys import key_name


class KeyBar(Widget):
    """One line of keys. What does not fit is left out whole, the least needed first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--label"}

    def __init__(self, scopes: tuple[str, ...], *, read_only: bool, typing: bool = False) -> None:
        """Make the footer.

        Args:
            scopes: Of the screen.
            read_only: Leave out what changes something.
            typing: Letters are typed into fields here: name keys that are none.
        """
        super().__init__()
        self._typing = typing
        self._urged = ""
        shown = [action for action in in_scopes(scopes, read_only=read_only) if action.footer]
        self.actions = sorted(shown, key=lambda action: action.footer)

    def urge(self, action_id: str) -> None:
        """Show this one right behind the way back, whatever else fits; empty: none."""
        if action_id != self._urged:
            self._urged = action_id
            self.refresh()

    def render(self) -> Content:
        """The keys that fit."""
        key_style = self.get_visual_style("key-bar--key")
        label_style = self.get_visual_style("key-bar--label")
        parts: list[Content | tuple[str, str | Style]] = []
        for action in self.fitting(self.size.width):
            parts.append((f" {self._key(action)}", key_style))
            parts.append((f" {action.label} ", label_style))
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        left = event.x
        for action in self.fitting(self.size.width):
            left -= self._cells(action)
            if left < 0:
                self.app.simulate_key(action.keys.partition(",")[0])
                return

    def fitting(self, width: int) -> list[Action]:
        """The actions there is room for; the last one, the help, always has its room."""
        if not self.actions:
            return []
        *others, last = self.actions
        others.sort(key=lambda action: action.footer > 1 and action.id != self._urged)
        left = width - self._cells(last)
        fitting = []
        for action in others:
            left -= self._cells(action)
            if left < 0:
                break
            fitting.append(action)
        return [*fitting, last]

    def _key(self, action: Action) -> str:
        return key_name(action, last=self._typing)

    def _cells(self, action: Action) -> int:
        return len(self._key(action)) + len(action.label) + 3
