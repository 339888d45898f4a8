"""What is remembered as a secret is shown nowhere, however many there are."""

from __future__ import annotations

import gc
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedtui import Secret
from schedtui.models import hidden
from schedtui.models.hidden import MASK, hide, remember

KEY = "the-api-key-of-the-service"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "_KNOWN", hidden._Known())


@given(
    secrets=st.lists(st.text('abc"\n ', min_size=1, max_size=7), max_size=25),
    text=st.text('abc"\n ', max_size=60),
)
def test_it_is_the_leftmost_and_then_the_longest_that_is_hidden(
    secrets: list[str], text: str
) -> None:
    known = hidden._Known()
    for one in secrets:
        known.add(one)
    forms = {form for one in secrets for form in hidden._forms(one)}
    found = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    assert known.hidden(text) == (re.sub(found, MASK, text) if found else text)


def test_one_that_is_held_is_hidden_whatever_comes_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "REMEMBERED", 50)
    held = Secret(KEY)
    passing = str(Secret("a-passing-token"))
    gc.collect()
    for number in range(200):
        remember(f"token-{number:08}")
    assert hide(f"with {KEY}") == f"with {MASK}"
    assert hide("token-00000199 token-00000000") == f"{MASK} token-00000000"
    assert hide(passing) == passing
    del held
    gc.collect()
    for number in range(200, 260):
        remember(f"token-{number:08}")
    assert hide(KEY) == KEY


def test_what_is_seen_again_is_not_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "REMEMBERED", 50)
    for number in range(200):
        remember(KEY)
        remember(f"token-{number:08}")
    assert hide(KEY) == MASK


def test_a_form_of_two_values_is_hidden_until_both_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hidden, "REMEMBERED", 2)
    remember("pass\nword")  # its lines are forms of it
    remember("word")
    remember("another")
    assert hide("word, pass") == f"{MASK}, pass"
    remember("a third")
    assert hide("word") == "word"


def test_one_of_two_holders_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "REMEMBERED", 50)
    first, second = Secret(KEY), Secret(KEY)
    del first
    gc.collect()
    for number in range(60):
        remember(f"token-{number:08}")
    assert hide(second + "") == MASK


def test_many_that_begin_alike_are_told_apart() -> None:
    for number in range(3_000):
        remember(f"eyJhbGciOi{number:08}")
    remember("eyJhbGciOi00000007-longer")
    text = "eyJhbGciOi00000007 eyJhbGciOi00000007-longer eyJhbGciOi99999999 eyJh"
    assert hide(text) == f"{MASK} {MASK} eyJhbGciOi99999999 eyJh"
