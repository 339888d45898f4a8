"""Declarations as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from registry_doubles import declare

from schedtui.models import CatchUp, JobSpec, Policies
from schedtui.models.wire import from_wire
from schedtui.registry import Group
from schedtui.triggers import Every

if TYPE_CHECKING:
    pass


class TestDeclaration:
    def test_json_is_a_job_spec(self, group: Group) -> None:
        job = declare(group, kwargs={"n": 1}, catch_up="latest", grace_s=5, paused=True)
        data = json.loads(json.dumps(job.to_json()))
        assert data == job.to_json()
        assert from_wire(JobSpec, data) == JobSpec(
            function="Reports/work",
            trigger=Every(60).to_json(),
            group="Reports",
            name="work",
            kwargs={"n": 1},
            policies=Policies(catch_up=CatchUp.LATEST, grace_s=5.0),
            tags=("reports", "mail"),
            paused=True,
        )

    def test_the_json_changes_with_the_declaration_and_not_with_its_place(self) -> None:
        base = declare(Group("g")).to_json()
        assert declare(Group("g")).to_json() == base
        changes: list[dict[str, Any]] = [
            {"every": 61},
            {"kwargs": {"n": 1}},
            {"timezone": "UTC"},
            {"overlap": "skip"},
            {"grace_s": 1},
            {"tags": ["x"]},
            {"description": "x"},
            {"paused": True},
            {"name": "x"},
        ]
        found = [declare(Group("g"), **change).to_json() for change in changes]
        assert all(one != base for one in found)
        assert all(one not in found[:position] for position, one in enumerate(found))
