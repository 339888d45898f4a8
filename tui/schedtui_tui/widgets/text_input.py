"""An input field that holds clean text only, whatever is pasted or prefilled."""

from __future__ import annotations

from textual.widgets import Input

from schedtui_tui.text import clean


class TextInput(Input):
    """One line to type into; compact."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(value, placeholder=clean(placeholder), id=id, compact=True)

    def validate_value(self, value: str) -> str:
        """Make what a terminal would act on visible."""
        return clean(value)
