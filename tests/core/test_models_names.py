"""Names: the short look takes only what the long one does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedtui.errors import InvalidNameError
from schedtui.models import names

EDGES = st.sampled_from(
    ["", " ", ".", "..", "/", "a", "é", "\x00", "\x1f", "\x7f", "\u202e", "x" * 127]
)


def allowed(name: str) -> bool:
    try:
        return names.check_name("name", name) == name
    except InvalidNameError:
        return False


@given(st.lists(EDGES | st.text(max_size=5), max_size=4).map("".join))
def test_a_plain_name_is_one_that_the_long_look_takes_as_well(name: str) -> None:
    short = allowed(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "_is_plain", lambda _: False)
        assert allowed(name) == short


@pytest.mark.parametrize("name", ["t1", "nightly report", "a.b", "x" * 128])
def test_most_names_are_plain(name: str) -> None:
    assert names._is_plain(name)
