"""How often watchers are told of a storm."""

from __future__ import annotations

from itertools import pairwise

import pytest
from api_rows import make_row

from schedtui.client.beat import BEATS_S, ROWS_PER_S, beat_s, until_next_s
from schedtui.models import Changes


def frame(rows: int) -> Changes:
    return Changes(cursor="b:1", jobs=tuple(make_row(number) for number in range(rows)))


@pytest.mark.parametrize(
    ("rows", "beat"),
    [(0, 0.1), (300, 0.1), (301, 0.2), (1_000, 0.5), (1_501, 1.0), (20_000, 1.0)],
)
def test_frames_of_many_rows_are_fewer_and_there_is_one_a_second_at_least(
    rows: int, beat: float
) -> None:
    assert beat_s(frame(rows)) == beat
    assert 0 < until_next_s(frame(rows)) <= beat


def test_nobody_is_told_more_than_ten_times_a_second_and_all_beats_meet() -> None:
    assert BEATS_S[0] == 0.1
    assert all(first < second for first, second in pairwise(BEATS_S))
    assert all(round(beat * 10) == pytest.approx(beat * 10) for beat in BEATS_S)
    assert all(beat * ROWS_PER_S >= 300 for beat in BEATS_S)
