"""Every store keeps the audit trail alike."""

from __future__ import annotations

import pytest
from store_rows import T0

from schedtui.clock import from_us
from schedtui.models import AuditFilter
from schedtui.protocols import Store


def test_the_audit_trail_is_paged_newest_first(store: Store) -> None:
    with store.transaction() as tx:
        for i in range(5):
            tx.audit(T0 + i, "ada\udcff", f"job.{i}", "Reports/clean", f'{{"i": {i}}}')

    newest = store.audit_trail(limit=2, before=None)
    older = store.audit_trail(limit=9, before=newest[-1].id)
    assert [event.action for event in newest] == ["job.4", "job.3"]
    assert [event.action for event in older] == ["job.2", "job.1", "job.0"]
    assert newest[0].detail == {"i": 4}
    assert newest[0].actor == "ada\\udcff"
    assert newest[0].object == "Reports/clean"
    assert newest[0].at == from_us(T0 + 4)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (AuditFilter(), [5, 4, 3, 2, 1]),
        (AuditFilter(actor="ada\udcff"), [3, 1]),
        (AuditFilter(action="job.edit"), [5, 1]),
        (AuditFilter(action="job.*"), [5, 2, 1]),
        (AuditFilter(action="job_*"), []),
        (AuditFilter(action="job*"), []),
        (AuditFilter(object="R/a"), [3, 1]),
        (AuditFilter(since=from_us(T0 + 3)), [5, 4, 3]),
        (AuditFilter(until=from_us(T0 + 3)), [2, 1]),
        (AuditFilter(actor="bob", action="job.*", until=from_us(T0 + 5)), [2]),
    ],
)
def test_the_audit_trail_is_filtered(store: Store, where: AuditFilter, found: list[int]) -> None:
    lines = [
        ("ada\udcff", "job.edit", "R/a"),
        ("bob", "job.pause", "R/b"),
        ("ada\udcff", "run.cancel", "R/a"),
        ("bob", "jobs.import", "R/b"),
        ("bob", "job.edit", "R/b"),
    ]
    with store.transaction() as tx:
        for at_us, (actor, action, object_) in enumerate(lines, start=T0 + 1):
            tx.audit(at_us, actor, action, object_, "{}")

    assert [line.id for line in store.audit_trail(where, limit=9, before=None)] == found
    paged = store.audit_trail(where, limit=1, before=4)
    assert [line.id for line in paged] == [one for one in found if one < 4][:1]
