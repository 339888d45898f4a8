"""Docstrings taken apart."""

from __future__ import annotations

import dataclasses

import pytest

from schedtui.schema import parse_docstring


class TestDocstring:
    def test_google(self) -> None:
        found = parse_docstring(
            """Send it.

            To everybody
            who wants it.

            Args:
                to: Whom,
                    by name: first and last.
                n (int, optional): How often.
                **more: The rest.

            Returns:
                Nothing much.

            Note:
                Slow.
            """
        )
        assert found.text == "Send it.\n\nTo everybody\nwho wants it.\n\nNote:\n    Slow."
        assert found.summary == "Send it."
        assert found.parameters == {
            "to": "Whom, by name: first and last.",
            "n": "How often.",
            "more": "The rest.",
        }

    def test_sphinx(self) -> None:
        found = parse_docstring(
            """Send it.

            :param to: whom,
                by name
            :param int n: how often
            :type n: int
            :returns: nothing
            :raises ValueError: when
                it must
            """
        )
        assert found.text == "Send it."
        assert found.parameters == {"to": "whom, by name", "n": "how often"}

    @pytest.mark.parametrize("doc", [None, "", "   \n  "])
    def test_none(self, doc: str | None) -> None:
        assert dataclasses.astuple(parse_docstring(doc)) == ("", {})

    @pytest.mark.parametrize(
        "doc",
        [
            "Args:",
            "Args:\n\nnothing",
            "Args:\n    \n  \nnothing",
            ":param: x",
            "Args:\n    no entry",
        ],
    )
    def test_what_is_not_understood_does_no_harm(self, doc: str) -> None:
        assert parse_docstring(doc).parameters == {}
