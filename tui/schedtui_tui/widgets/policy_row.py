"""A policy in a form."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Select

from schedtui.errors import InvalidError
from schedtui_tui.policy_text import Kind, Option, read
from schedtui_tui.widgets.form_row import FormRow
from schedtui_tui.widgets.text_input import TextInput

_OTHERWISE = "the group's, else the engine's"
_PLACEHOLDERS = {
    Kind.COUNT: "a whole number",
    Kind.DURATION: "90s, 5m, 2h",
    Kind.NAME: "a name",
    Kind.PERIOD: "%Y-%m-%d, %G-W%V, %Y-%m",
}


class PolicyRow(FormRow):
    """One policy; what is left empty is not decided by the job."""

    def __init__(self, option: Option) -> None:
        self.option = option
        super().__init__(f"policies.{option.field}", option.form, _control(option))

    def typed(self) -> str:
        """What the person typed or chose; empty for nothing."""
        if isinstance(self.control, Input):
            return self.control.value
        chosen = self.control
        return "" if not isinstance(chosen, Select) or chosen.is_blank() else str(chosen.value)

    def wrong(self) -> str:
        """What no engine would take."""
        try:
            read({self.option.field: self.typed()})
        except InvalidError as error:
            return f"expected {error.errors[0].expected}"
        return ""


def _control(option: Option) -> Widget:
    if option.kind is Kind.CHOICE:
        choices = [(Content(choice), choice) for choice in option.choices]
        return Select(choices, prompt=_OTHERWISE, compact=True)
    return TextInput(placeholder=_PLACEHOLDERS[option.kind])
