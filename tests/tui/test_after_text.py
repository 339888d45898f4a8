"""What a job runs after, as it is typed."""

from __future__ import annotations

import pytest

from schedtui.models import After
from schedtui_tui.after_text import read_after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("g/a", After(job="g/a")),
        (" g/a:success ", After(job="g/a")),
        ("g/a:failure", After(job="g/a", on="failure")),
        ("g/a:end", After(job="g/a", on="end")),
        ("g/a:b", After(job="g/a:b")),
        ("g/a:end:failure", After(job="g/a:end", on="failure")),
        (":end", After(job=":end")),
    ],
)
def test_a_word_behind_the_name_says_which_ends_count(text: str, after: After) -> None:
    assert read_after([text]) == (after,)


def test_what_is_empty_says_nothing() -> None:
    assert read_after(["", " "]) == ()
