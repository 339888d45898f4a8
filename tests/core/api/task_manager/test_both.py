"""The same cases against fastapi-task-manager 1.1.1 and against ours, with the same answers."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from socket import gethostname
from typing import Any

import pytest
from cronsim import CronSim
from task_manager_side import Side

FULL = {
    "kwargs": {"recipient": "team@example.com", "report_type": "weekly"},
    "description": "Every Monday",
    "high_priority": True,
    "tags": ["weekly"],
    "retry_backoff": 5.0,
    "retry_backoff_max": 300.0,
    "allow_parallel": False,
}
NOTHING = (404, {"detail": "No matching tasks found"})


def not_registered(name: str) -> str:
    functions = ["export", "fail", "send_report", "wait"]
    return f"Function '{name}' is not registered in group 'Reports'. Available: {functions}"


def affected(*names: str, group: str = "Reports") -> dict[str, Any]:
    tasks = [{"task_group": group, "task": name} for name in names]
    return {"affected_tasks": tasks, "count": len(tasks)}


def test_a_task_is_created_and_listed(side: Side) -> None:
    status, told = side.create("full", cron_expression="0 9 * * MON", **FULL)
    assert (status, told) == (
        200,
        {
            "task_group_name": "Reports",
            "task_name": "full",
            "function_name": "send_report",
            "cron_expression": "0 9 * * MON",
            "kwargs": FULL["kwargs"],
            "dynamic": True,
        },
    )
    found = side.task("full")
    found.pop("next_run")
    assert found == {
        **FULL,
        "tags": ["reports", "weekly"],
        "expression": "0 9 * * MON",
        "name": "full",
        "dynamic": True,
        "task_group_name": "Reports",
        "function_name": "send_report",
        "is_active": True,
        "is_running": found["is_running"],
        "retry_after": None,
        "retry_delay": None,
    }


def test_what_is_left_out_is_null(side: Side) -> None:
    status, told = side.create("bare", task_group_name="Plain")
    assert (status, told["kwargs"]) == (200, None)
    found = side.task("bare", "Plain")
    left_out = ("tags", "description", "retry_backoff", "retry_backoff_max", "allow_parallel")
    assert {name: found[name] for name in left_out} == dict.fromkeys(left_out)
    assert (found["kwargs"], found["high_priority"]) == ({}, False)


@pytest.mark.parametrize("name", [None, ""])
def test_a_task_without_a_name_gets_one(side: Side, name: str | None) -> None:
    status, told = side.create(name, cron_expression="5 4 * * *")
    digest = hashlib.sha256(b"5 4 * * *").hexdigest()
    assert (status, told["task_name"]) == (200, f"send_report____{digest}__")
    taken = f"Task with name '{told['task_name']}' already exists inside group 'Reports'."
    assert side.create(name, cron_expression="5 4 * * *") == (409, {"detail": taken})
    assert side.create(name, cron_expression="6 4 * * *")[0] == 200
    status, other = side.create(name, cron_expression="5 4 * * *", kwargs={"recipient": "x"})
    assert status == 200
    assert other["task_name"].startswith("send_report__")


def test_a_name_is_taken_in_its_group_alone(side: Side) -> None:
    assert side.create("once")[0] == 200
    taken = "Task with name 'once' already exists inside group 'Reports'."
    assert side.create("once", function_name="export") == (409, {"detail": taken})
    assert side.create("once", task_group_name="Plain")[0] == 200


@pytest.mark.parametrize(
    ("changed", "status", "detail"),
    [
        ({"task_group_name": "X"}, 404, "Task group 'X' not found"),
        (
            {"function_name": "zz"},
            400,
            not_registered("zz"),
        ),
        (
            {"function_name": "a/b"},
            400,
            not_registered("a/b"),
        ),
        (
            {"function_name": "archive"},
            400,
            not_registered("archive"),
        ),
        ({"name": "here"}, 409, "Task with name 'here' already exists inside group 'Reports'."),
    ],
)
def test_what_is_refused(side: Side, changed: dict[str, Any], status: int, detail: str) -> None:
    assert side.create("here")[0] == 200
    name = changed.get("name", "other")
    assert side.create(**{**changed, "name": name}) == (status, {"detail": detail})


def test_the_order_of_what_is_looked_at(side: Side) -> None:
    assert side.create("here")[0] == 200
    wrong = {"task_group_name": "X", "function_name": "zz", "cron_expression": "61 * * * *"}
    for field, status in (("task_group_name", 404), ("function_name", 400)):
        assert side.create("here", **wrong)[0] == status
        del wrong[field]
    assert side.create("here", **wrong)[0] == 400
    assert "Invalid cron expression" in side.create("here", **wrong)[1]["detail"]
    assert side.create("here")[0] == 409


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("61 * * * *", "Bad minute"),
        ("* 24 * * *", "Bad hour"),
        ("* * 0 * *", "Bad day-of-month"),
        ("* * 30 2 *", "Bad day-of-month"),
        ("* * * 13 *", "Bad month"),
        ("* * * * 8", "Bad day-of-week"),
        ("60 * * * * *", "Bad second"),
        ("*/0 * * * *", "Bad minute"),
        ("5-1 * * * *", "Bad minute"),
        ("* * *", "Wrong number of fields"),
        ("", "Wrong number of fields"),
        ("@daily", "Wrong number of fields"),
        ("nonsense * * * *", "Bad minute"),
    ],
)
def test_a_cron_expression_that_is_none(side: Side, expression: str, problem: str) -> None:
    told = {"detail": f"Invalid cron expression '{expression}': {problem}"}
    assert side.create("never", cron_expression=expression) == (400, told)


@pytest.mark.parametrize(
    "expression",
    ["30 0 0 1 1 *", "0 9 * * MON", "0 0 L * *", "0 0 * * 5L", "15 10 * * MON#1", "0 0 29 2 *"],
)
def test_cron_is_in_utc_with_the_second_first(side: Side, expression: str) -> None:
    name = f"at {expression.replace('/', ' ')}"  # one of its own: a deletion leaves a peer's keys
    before = datetime.now(UTC)
    side.new(name, cron_expression=expression)
    expected = next(CronSim(expression, before)), next(CronSim(expression, datetime.now(UTC)))
    found = side.task(name)
    assert found["expression"] == expression
    assert found["next_run"] in {one.isoformat().replace("+00:00", "Z") for one in expected}


@pytest.mark.parametrize(
    ("body", "loc", "kind"),
    [
        ({}, ["body", "task_group_name"], "missing"),
        ([], ["body"], "model_attributes_type"),
        ({"tags": "a"}, ["body", "tags"], "list_type"),
        ({"kwargs": [1]}, ["body", "kwargs"], "dict_type"),
        ({"retry_backoff": "x"}, ["body", "retry_backoff"], "float_parsing"),
        ({"high_priority": 7}, ["body", "high_priority"], "bool_parsing"),
        ({"name": 7}, ["body", "name"], "string_type"),
    ],
)
def test_a_body_that_does_not_fit(side: Side, body: Any, loc: list[str], kind: str) -> None:
    status, told = side.call("POST", "/tasks", json=body)
    assert status == 422
    (found,) = [one for one in told["detail"] if one["loc"] == loc]
    assert found["type"] == kind
    assert set(found) == {"type", "loc", "msg", "input"}


def test_a_body_that_is_no_json(side: Side) -> None:
    headers = {"Content-Type": "application/json"}
    status, told = side.call("POST", "/tasks", content=b"{", headers=headers)
    assert (status, told["detail"][0]["type"]) == (422, "json_invalid")
    status, told = side.call("POST", "/tasks")
    missing = {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}
    assert (status, told) == (422, {"detail": [missing]})


def test_what_else_is_in_a_body_is_ignored(side: Side) -> None:
    assert side.create("more", surprise=1)[0] == 200


def test_a_task_is_deleted(side: Side) -> None:
    side.create("gone", kwargs={"recipient": "x"})
    where = {"task_group_name": "Reports", "task_name": "gone"}
    assert side.call("DELETE", "/tasks", params=where) == (
        200,
        {
            "task_group_name": "Reports",
            "task_name": "gone",
            "function_name": "send_report",
            "cron_expression": "0 0 1 1 *",
            "kwargs": {"recipient": "x"},
            "dynamic": True,
        },
    )
    assert side.get("/tasks", name="gone") == []
    again = (404, {"detail": "Task 'gone' not found in group 'Reports'."})
    assert side.call("DELETE", "/tasks", params=where) == again


def test_what_cannot_be_deleted(side: Side) -> None:
    static = side.static()
    for group, name, answer in (
        ("X", "a", (404, "Task group 'X' not found")),
        ("Reports", "a/b", (404, "Task 'a/b' not found in group 'Reports'.")),
        (
            "Reports",
            static,
            (
                400,
                f"Task '{static}' in group 'Reports' is static and cannot be removed at runtime.",
            ),
        ),
    ):
        where = {"task_group_name": group, "task_name": name}
        found = side.call("DELETE", "/tasks", params=where)
        assert found == (answer[0], {"detail": answer[1]})
    status, told = side.call("DELETE", "/tasks")
    assert status == 422
    assert [one["loc"] for one in told["detail"]] == [
        ["query", "task_group_name"],
        ["query", "task_name"],
    ]


def test_functions(side: Side) -> None:
    names = ["export", "fail", "send_report", "wait"]
    listed = [{"task_group_name": "Reports", "function_name": name} for name in names]
    assert side.get("/functions", task_group_name="Reports") == {"functions": listed, "count": 4}
    assert side.get("/functions")["count"] == 8
    assert side.get("/functions", task_group_name="X") == {"functions": [], "count": 0}


def test_groups(side: Side) -> None:
    reports = {"name": "Reports", "tags": ["reports"], "allow_parallel": None, "task_count": 1}
    plain = {"name": "Plain", "tags": [], "allow_parallel": False, "task_count": 0}
    assert side.get("/task-groups") == [reports, plain]
    assert side.get("/task-groups", tag="reports") == [reports]
    assert side.get("/task-groups", name="Plain") == [plain]
    assert side.get("/task-groups", name="Plain", tag="reports") == []
    side.create("one", task_group_name="Plain")
    assert side.get("/task-groups", name="Plain") == [{**plain, "task_count": 1}]


def test_the_task_of_the_code(side: Side) -> None:
    found = side.task(side.static())
    told = {name: found[name] for name in ("dynamic", "function_name", "expression", "kwargs")}
    expected: dict[str, Any] = {
        "dynamic": False,
        "function_name": None,
        "expression": "0 0 1 1 *",
        "kwargs": {},
    }
    assert told == expected


def test_filters_of_the_list(side: Side) -> None:
    side.create("a", tags=["x"])
    side.create("b", tags=["y"])
    side.create("a", task_group_name="Plain", tags=["x"])

    def names(**where: str) -> list[str]:
        found = side.get("/tasks", **where)
        return [f"{one['task_group_name']}/{one['name']}" for one in found if one["dynamic"]]

    assert sorted(names()) == ["Plain/a", "Reports/a", "Reports/b"]
    assert sorted(names(tag="x")) == ["Plain/a", "Reports/a"]
    assert names(tag="reports", name="b") == ["Reports/b"]
    assert names(task_group_name="Plain") == ["Plain/a"]
    assert names(tag="nobody") == []
    assert side.get("/tasks", name="nobody") == []
    assert side.get("/tasks", nonsense="ignored") != []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/tasks/disable"),
        ("POST", "/tasks/enable"),
        ("POST", "/tasks/trigger"),
        ("POST", "/tasks/reset-retry"),
        ("DELETE", "/tasks/statistics"),
    ],
)
def test_what_is_done_to_many(side: Side, method: str, path: str) -> None:
    for name in ("a", "b"):
        side.new(name, tags=["many"])
    side.new("a", task_group_name="Plain", tags=["else"])
    assert side.call(method, path, params={"task_name": "ghost"}) == NOTHING
    assert side.call(method, path, params={"task_group_name": "X"}) == NOTHING
    where = {"task_group_name": "Reports", "task_name": "a"}
    assert side.call(method, path, params=where) == (200, affected("a"))
    assert side.call(method, path, params={"tag": "many"}) == (200, affected("a", "b"))
    where = {"task_group_name": "Plain"}
    assert side.call(method, path, params=where) == (200, affected("a", group="Plain"))
    status, told = side.call(method, path)
    assert (status, told["count"]) == (200, 4)


def test_a_task_is_disabled_and_enabled(side: Side) -> None:
    side.new("on")
    for _ in range(2):  # a second time is no error
        assert side.call("POST", "/tasks/disable", params={"task_name": "on"})[0] == 200
        assert side.task("on")["is_active"] is False
    for _ in range(2):
        assert side.call("POST", "/tasks/enable", params={"task_name": "on"})[0] == 200
        assert side.task("on")["is_active"] is True
    static = side.static()
    side.call("POST", "/tasks/disable", params={"task_name": static})
    assert side.task(static)["is_active"] is False


def test_a_triggered_task_runs_and_is_in_the_statistics(side: Side) -> None:
    side.new("now")
    known = len(side.runs("now"))
    assert side.call("POST", "/tasks/trigger", params={"task_name": "now"})[0] == 200
    side.until(lambda: len(side.runs("now")) > known)
    run = side.runs("now")[-1]
    assert set(run) == {"run_date", "durations_second"}
    assert datetime.fromisoformat(run["run_date"]).utcoffset() == UTC.utcoffset(None)
    assert 0 <= run["durations_second"] < 5

    assert side.call("DELETE", "/tasks/statistics", params={"task_name": "now"})[0] == 200
    told = {"task_group_name": "Reports", "task_name": "now", "runs": []}
    assert side.get("/tasks/Reports/now/statistics") == told


def test_statistics_of_nothing(side: Side) -> None:
    assert side.call("GET", "/tasks/Reports/ghost/statistics") == NOTHING
    assert side.call("GET", "/tasks/X/ghost/statistics") == NOTHING


def test_a_task_that_runs_says_so(side: Side) -> None:
    side.new("slow", function_name="wait", kwargs={"seconds": 1.0})
    side.call("POST", "/tasks/trigger", params={"task_name": "slow"})
    side.until(lambda: side.task("slow")["is_running"])
    side.until(lambda: not side.task("slow")["is_running"])


def test_a_task_that_failed_backs_off_until_that_is_reset(side: Side) -> None:
    side.new("bad", function_name="fail", retry_backoff=20.0, retry_backoff_max=30.0)
    side.call("POST", "/tasks/trigger", params={"task_name": "bad"})
    side.until(lambda: side.task("bad")["retry_after"] is not None)
    found = side.task("bad")
    ahead = datetime.fromisoformat(found["retry_after"]) - datetime.now(UTC)
    assert 5 < ahead.total_seconds() <= 33
    assert found["retry_delay"] == 30.0
    assert side.call("POST", "/tasks/reset-retry", params={"task_name": "bad"})[0] == 200
    side.until(lambda: side.task("bad")["retry_after"] is None)
    assert side.task("bad")["retry_delay"] is None
    assert side.runs("bad") == []


def test_health_and_configuration(side: Side) -> None:
    health = side.get("/health")
    assert (health["status"], health["redis_connected"], health["is_leader"]) == (
        "healthy",
        True,
        True,
    )
    assert re.fullmatch(rf"{re.escape(gethostname())}-\d+-[0-9a-f]{{4}}", health["worker_id"])
    assert datetime.fromisoformat(health["worker_started_at"]) < datetime.now(UTC)
    config = side.get("/config")
    kinds: dict[type, list[str]] = {}
    for name, value in config.items():
        kinds.setdefault(type(value), []).append(name)
    assert {kind: " ".join(sorted(names)) for kind, names in kinds.items()} == {
        bool: "allow_parallel",
        str: "redis_key_prefix worker_service_name",
        int: "concurrent_tasks reconciliation_interval statistics_history_runs "
        "statistics_redis_expiration stream_block_ms",
        float: "leader_heartbeat_interval leader_retry_interval poll_interval retry_backoff "
        "retry_backoff_max retry_backoff_multiplier running_heartbeat_interval",
    }
    assert (config["statistics_history_runs"], config["retry_backoff_multiplier"]) == (500, 2.0)
