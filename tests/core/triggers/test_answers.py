"""What a trigger class of the user's own answers is taken, or it is told what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from schedtui.errors import ForeignTriggerError
from schedtui.triggers import Every


class Said(Every):
    """One that answers what it was told to."""

    def __init__(self, answer: Any) -> None:
        super().__init__(10)
        self.answer = answer

    def next_after_us(self, us: int) -> Any:  # noqa: ARG002 - whatever it is asked
        return self.answer

    def newest(self, after_us: int, until_us: int, limit: int) -> Any:  # noqa: ARG002 - as above
        return self.answer

    def count(self, after_us: int, until_us: int) -> Any:  # noqa: ARG002 - as above
        return self.answer


@pytest.mark.parametrize("answer", [None, 11, 10**15])
def test_a_later_time_or_none_is_a_next_due_time(answer: object) -> None:
    assert Said(answer).next_after_us(10) is answer


@pytest.mark.parametrize("answer", [10, 9, True, 11.0, "11", 10**25])
def test_nothing_else_is(answer: object) -> None:
    with pytest.raises(ForeignTriggerError, match=r"^the trigger .*: next_after_us answered .*;"):
        Said(answer).next_after_us(10)


@pytest.mark.parametrize("answer", [[], [11], [11, 12, 20]])
def test_rising_times_of_the_stretch_are_the_newest_ones(answer: list[int]) -> None:
    assert Said(answer).newest(10, 20, 5) == answer


@pytest.mark.parametrize("answer", [None, 11, [10], [21], [12, 12], [12, 11], [11.0], [11, "12"]])
def test_no_others_are(answer: object) -> None:
    with pytest.raises(ForeignTriggerError, match="newest answered"):
        Said(answer).newest(10, 20, 5)


@pytest.mark.parametrize("answer", [-1, None, 1.0, True])
def test_a_count_is_a_number(answer: object) -> None:
    assert Said(3).count(10, 20) == 3
    with pytest.raises(ForeignTriggerError, match="count answered"):
        Said(answer).count(10, 20)
