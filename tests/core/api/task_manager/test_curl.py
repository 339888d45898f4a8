"""What people type: curl, as the page on dynamic tasks of fastapi-task-manager shows it.

Each line is run as it stands, by a shell, but for the host and, with ours, the token.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from task_manager_side import Side

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

HOST = "http://localhost:8000/task-manager"

CREATE = r"""curl -X POST http://localhost:8000/task-manager/tasks \
  -H "Content-Type: application/json" \
  -d '{
    "task_group_name": "Reports",
    "function_name": "send_report",
    "cron_expression": "30 7 * * FRI",
    "kwargs": {"recipient": "crew@example.com", "report_type": "weekly"},
    "name": "friday_report",
    "description": "What the crew did this week",
    "tags": ["weekly", "crew"]
  }'"""
FUNCTIONS = "curl http://localhost:8000/task-manager/functions"
FUNCTIONS_OF_GROUP = 'curl "http://localhost:8000/task-manager/functions?task_group_name=Reports"'
RETRIES = r"""curl -X POST http://localhost:8000/task-manager/tasks \
  -H "Content-Type: application/json" \
  -d '{
    "task_group_name": "Reports",
    "function_name": "send_report",
    "cron_expression": "15 */4 * * *",
    "kwargs": {"recipient": "boss@example.com"},
    "name": "boss_report",
    "retry_backoff": 2.5,
    "retry_backoff_max": 600.0
  }'"""
URGENT = r"""curl -X POST http://localhost:8000/task-manager/tasks \
  -H "Content-Type: application/json" \
  -d '{
    "task_group_name": "Reports",
    "function_name": "send_report",
    "cron_expression": "0 6 * * *",
    "high_priority": true,
    "name": "urgent_report"
  }'"""
NAMELESS = r"""curl -X POST http://localhost:8000/task-manager/tasks \
  -H "Content-Type: application/json" \
  -d '{
    "task_group_name": "Reports",
    "function_name": "send_report",
    "cron_expression": "0 5 * * *"
  }'"""
DELETE = (
    'curl -X DELETE "http://localhost:8000/task-manager/tasks'
    '?task_group_name=Reports&task_name=friday_report"'
)


def typed(side: Side, line: str) -> tuple[int, Any]:
    """Status and body of a line in a shell."""
    token = side.tokens.get("admin")
    more = f" -H 'Authorization: Bearer {token}'" if token else ""
    line = line.replace(HOST, side.url) + more + r" -s -w '\n%{http_code}'"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    told = json.loads(body)
    if "-X POST" in line and int(status) == 200:
        side.made.append((told["task_group_name"], told["task_name"]))
    return int(status), told


def test_create_list_and_delete(side: Side) -> None:
    created = {
        "task_group_name": "Reports",
        "task_name": "friday_report",
        "function_name": "send_report",
        "cron_expression": "30 7 * * FRI",
        "kwargs": {"recipient": "crew@example.com", "report_type": "weekly"},
        "dynamic": True,
    }
    assert typed(side, CREATE) == (200, created)
    taken = "Task with name 'friday_report' already exists inside group 'Reports'."
    assert typed(side, CREATE) == (409, {"detail": taken})
    found = side.task("friday_report")
    assert (found["tags"], found["description"]) == (
        ["reports", "weekly", "crew"],
        "What the crew did this week",
    )
    assert typed(side, DELETE) == (200, created)
    gone = "Task 'friday_report' not found in group 'Reports'."
    assert typed(side, DELETE) == (404, {"detail": gone})


def test_functions_of_all_groups_and_of_one(side: Side) -> None:
    status, told = typed(side, FUNCTIONS)
    assert (status, told["count"]) == (200, 8)
    assert {"task_group_name": "Plain", "function_name": "export"} in told["functions"]
    status, told = typed(side, FUNCTIONS_OF_GROUP)
    assert (status, told["count"]) == (200, 4)
    assert {one["task_group_name"] for one in told["functions"]} == {"Reports"}


def test_retries_of_its_own(side: Side) -> None:
    assert typed(side, RETRIES)[0] == 200
    found = side.task("boss_report")
    assert (found["retry_backoff"], found["retry_backoff_max"]) == (2.5, 600.0)


def test_a_high_priority(side: Side) -> None:
    assert typed(side, URGENT)[0] == 200
    assert side.task("urgent_report")["high_priority"] is True


def test_no_name(side: Side) -> None:
    status, told = typed(side, NAMELESS)
    assert status == 200
    assert told["task_name"].startswith("send_report____")
    assert side.task(told["task_name"])["expression"] == "0 5 * * *"


def test_a_task_of_the_code_cannot_be_deleted(side: Side) -> None:
    name = side.static()
    static = f"Task '{name}' in group 'Reports' is static and cannot be removed at runtime."
    assert typed(side, DELETE.replace("friday_report", name)) == (400, {"detail": static})
