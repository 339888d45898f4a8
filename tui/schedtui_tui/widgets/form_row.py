"""One field of a form: its label, its input, a hint, and what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from schedtui_tui.fields import MISSING, Field, Kind
from schedtui_tui.text import clean, cut, fit
from schedtui_tui.widgets.text_input import TextInput

_LABEL = 17


class FormRow(Vertical):
    """A labelled input."""

    def __init__(self, field: str, label: str, control: Widget, *, hint: str = "") -> None:
        """Make the row.

        Args:
            field: The name by which errors refer to it: ``name``, ``kwargs.recipient``.
            label: Cleaned here, as is the hint.
            control: An `Input` or a `Select`.
            hint: A line below the input.
        """
        super().__init__()
        self.field = field
        self.control = control
        self._label = label
        self._hint = hint
        self._error = Static(classes="error")

    def compose(self) -> ComposeResult:
        """Label and input on one line, hint and error below."""
        with Horizontal():
            yield Static(Content(cut(self._label, _LABEL)), classes="label")
            yield self.control
        if self._hint:
            yield Static(Content(cut(self._hint, 160)), classes="hint")
        yield self._error

    def wrong(self) -> str:
        """What is certainly wrong with what was typed, before the engine is asked; else empty."""
        return ""

    def complain(self, text: str) -> None:
        """Show what is wrong; nothing for an empty text."""
        self.set_class(bool(text), "-wrong")
        self._error.update(Content(cut(text, 200)))
        if text:
            self.call_after_refresh(self.scroll_visible, animate=False)


class ArgumentRow(FormRow):
    """An argument of the function."""

    def __init__(self, argument: Field) -> None:
        self.argument = argument
        mark = " *" if argument.required else ""
        name = fit(argument.name, _LABEL - len(mark)).rstrip()
        super().__init__(
            f"kwargs.{argument.name}",
            f"{name}{mark}",
            _control(argument),
            hint=argument.description.partition("\n")[0],
        )

    def value(self) -> Any:
        """What the person chose, or `MISSING`.

        Raises:
            FieldTextError: it cannot be understood.
        """
        argument, control = self.argument, self.control
        if isinstance(control, Input):
            return argument.read(self._typed(control))
        if not isinstance(control, Select) or control.is_blank():
            return MISSING
        chosen = argument.choices[int(str(control.value))]
        unchanged = argument.default is not MISSING and chosen == argument.default
        return MISSING if unchanged else chosen

    def wrong(self) -> str:
        """As `Field.wrong`."""
        control = self.control
        return self.argument.wrong(self._typed(control)) if isinstance(control, Input) else ""

    def _typed(self, control: Input) -> str:
        initial = self.argument.initial()
        return initial if control.value == clean(initial) else control.value


def _control(argument: Field) -> Widget:
    """The input for an argument; what comes from its schema is given as `Content`."""
    choices = argument.choices
    if argument.kind is Kind.CHOICE:
        options = [
            (Content(cut(_shown(choice), 60)), number) for number, choice in enumerate(choices)
        ]
        default = next((n for n, choice in enumerate(choices) if choice == argument.default), None)
        blank = default is None
        return Select(
            options,
            prompt="choose",
            allow_blank=blank,
            value=Select.NULL if default is None else default,
            compact=True,
        )
    placeholder = argument.kind.value
    if argument.default is None or argument.optional:
        placeholder = f"{placeholder}, or nothing"
    control = TextInput(argument.initial(), placeholder=placeholder)
    control.password = argument.secret
    return control


def _shown(choice: object) -> str:
    if isinstance(choice, bool):
        return "yes" if choice else "no"
    return choice if isinstance(choice, str) else json.dumps(choice, default=str)
