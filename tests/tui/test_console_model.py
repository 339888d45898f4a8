"""The list of jobs and its filter."""

from __future__ import annotations

import pytest
from console_doubles import summary

from schedtui.models import Changes, JobState, RunState
from schedtui_tui.filters import FilterError, parse
from schedtui_tui.model import JobList, Sort


def loaded() -> JobList:
    jobs = JobList()
    jobs.load(
        [
            summary(1, "daily", tags=("nightly",)),
            summary(2, "backup", group="etl", last_state=RunState.FAILED, tags=()),
            summary(3, "Zeta", state=JobState.PAUSED, next_due_us=None, tags=("billing",)),
            summary(4, "alpha", active=1, running_id=9, running_since_us=1, tags=()),
        ]
    )
    return jobs


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [4, 2, 1, 3]),
        ("dai", [1]),
        ("REPORTS/daily", [1]),
        ("!dai", [4, 2, 3]),
        ("tag:night", [1]),
        ("!tag:nightly", [4, 2, 3]),
        ("state:failed", [2]),
        ("state:paused", [3]),
        ("state:running", [4]),
        ("group:etl", [2]),
        ("/^reports.*a$/", [4, 3]),
        ("/(a", None),
        ("group:reports state:succ !zeta", [4, 1]),
        ("[red]", []),
        ("\\", []),
    ],
)
def test_filters(text: str, ids: list[int] | None) -> None:
    jobs = loaded()
    if ids is None:
        with pytest.raises(FilterError, match="not a regular expression"):
            parse(text)
        return
    jobs.narrow(parse(text))
    assert jobs.view == ids


def test_orders() -> None:
    jobs = loaded()
    jobs.order(Sort.STATE, inverted=False)
    assert jobs.view == [2, 4, 1, 3]
    jobs.order(Sort.NAME, inverted=True)
    assert jobs.view == [3, 1, 2, 4]
    jobs.order(Sort.NEXT, inverted=False)
    assert jobs.view[-1] == 3


def test_counts_follow_changes() -> None:
    jobs = loaded()
    assert (jobs.counts["running"], jobs.counts["failed"], jobs.counts["paused"]) == (1, 1, 1)
    jobs.apply(Changes(cursor="", jobs=(summary(2, "backup", group="etl"),), removed=(3,)))
    assert (jobs.counts["running"], jobs.counts["failed"], jobs.counts["paused"]) == (1, 0, 0)
    assert jobs.groups["etl"] == 1


def test_a_change_that_moves_nothing_reorders_nothing() -> None:
    jobs = loaded()
    delta = jobs.apply(Changes(cursor="", jobs=(summary(1, "daily", active=1, running_id=5),)))
    assert delta.changed == {1}
    assert not delta.reordered


def test_an_order_by_time_waits_for_its_moment() -> None:
    jobs = loaded()
    jobs.order(Sort.NEXT, inverted=False)
    last = jobs.view[-2]
    soonest = jobs.rows[last]._replace(next_due_us=0)
    assert not jobs.apply(Changes(cursor="", jobs=(soonest,))).reordered
    assert jobs.resort()
    assert jobs.view[0] == last
    assert not jobs.resort()


def test_a_changed_row_may_leave_the_filter() -> None:
    jobs = loaded()
    jobs.narrow(parse("state:failed"))
    delta = jobs.apply(Changes(cursor="", jobs=(summary(2, "backup", group="etl"),)))
    assert delta.reordered
    assert jobs.view == []
