"""Jitter as a function of a job and a due time."""

from __future__ import annotations

import subprocess
import sys

from schedtui.triggers import jitter_us


def test_it_lies_within_its_bounds_and_spreads_evenly() -> None:
    most = 10_000_000
    delays = [jitter_us(7, second * 1_000_000, most) for second in range(2_000)]
    assert min(delays) >= 0
    assert max(delays) <= most
    tenths = [
        sum(part * most <= delay * 10 < (part + 1) * most for delay in delays) for part in range(10)
    ]
    assert min(tenths) > 140, "an even spread has about 200 in each tenth"


def test_it_depends_on_the_job_and_the_due_time_alone() -> None:
    delays = {jitter_us(job, due, 1 << 40) for job in range(30) for due in range(30)}
    assert len(delays) == 900
    code = "from schedtui.triggers import jitter_us; print(jitter_us(3, -5, 10**9))"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(other.stdout) == jitter_us(3, -5, 10**9), "another process, another hash seed"


def test_every_value_of_a_small_range_comes_up_and_none_is_none() -> None:
    assert {jitter_us(1, due, 3) for due in range(200)} == {0, 1, 2, 3}
    assert jitter_us(1, 5, 0) == 0
    assert jitter_us(1, 5, -1) == 0
