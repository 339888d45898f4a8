"""Where ours differs from fastapi-task-manager 1.1.1 on purpose: each asserted on both sides.

Every one is a defect of that package that a client cannot want, or follows from what a job is here.
``core/README.md`` tells them to users.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from redis import Redis
from task_manager_side import NEVER, Side

YEARLY = "0 0 1 1 *"


def api(side: Side, path: str, **params: str) -> Any:
    """An answer of our own API, in which the same jobs are."""
    url = side.url.removesuffix("/task-manager") + "/api/v1" + path
    answer = side.http.get(url, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_tag_finds_no_untagged_task(side: Side) -> None:
    side.new("untagged", task_group_name="Plain")
    found = [one["name"] for one in side.get("/tasks", tag="nobody")]
    status, told = side.call("POST", "/tasks/disable", params={"tag": "nobody"})
    if side.ours:
        assert (found, status) == ([], 404)
        assert side.task("untagged", "Plain")["is_active"]
    else:
        assert (found, status, told["count"]) == (["untagged"], 200, 1)
        assert not side.task("untagged", "Plain")["is_active"]


@pytest.mark.parametrize(("method", "path"), [("POST", "disable"), ("DELETE", "statistics")])
def test_a_misspelt_filter_is_not_all_tasks(side: Side, method: str, path: str) -> None:
    status, told = side.call(method, f"/tasks/{path}", params={"task_group": "Reports"})
    if side.ours:
        assert (status, told["detail"][0]["type"]) == (422, "extra_forbidden")
        assert told["detail"][0]["loc"] == ["query", "task_group"]
    else:
        assert (status, told["count"]) == (200, len(side.get("/tasks")))


def test_a_new_task_runs_when_it_is_due_and_not_before(side: Side) -> None:
    status, _ = side.create("patient", cron_expression=YEARLY)
    assert status == 200
    first = side.task("patient")["next_run"]
    if side.ours:
        assert first.endswith("-01-01T00:00:00Z")
        assert first != NEVER
        side.new("other")
        side.call("POST", "/tasks/trigger", params={"task_name": "other"})
        side.until(lambda: side.runs("other"))
        assert api(side, "/runs", job="Reports/patient")["items"] == []
    else:
        side.until(lambda: side.runs("patient"))


def test_a_disabled_task_stays_disabled(side: Side) -> None:
    side.new("off")
    side.call("POST", "/tasks/disable", params={"task_name": "off"})
    if side.ours:
        job = api(side, "/jobs/Reports/off")
        assert (job["paused"], job["paused_until"]) == (True, None)
        assert job["pause_reason"] == "disabled through /task-manager"
    else:
        with Redis.from_url(side.store, decode_responses=True) as redis:
            (key,) = redis.keys("*_Reports_off_disabled")
            assert 0 < redis.ttl(key) <= 432_000  # five days


def test_a_disabled_task_can_be_triggered(side: Side) -> None:
    side.new("off")
    side.call("POST", "/tasks/disable", params={"task_name": "off"})
    known = len(side.runs("off"))
    assert side.call("POST", "/tasks/trigger", params={"task_name": "off"})[0] == 200
    if side.ours:
        side.until(lambda: len(side.runs("off")) > known)
        assert not side.task("off")["is_active"]
    else:
        assert side.task("off")["next_run"] == "1970-01-01T00:00:00Z"


def test_arguments_are_checked_when_they_are_given(side: Side) -> None:
    status, told = side.create("wrong", kwargs={"nonsense": 1})
    if side.ours:
        assert (status, told["detail"][0]["loc"]) == (422, ["body", "kwargs", "nonsense"])
    else:
        assert status == 200


@pytest.mark.parametrize("name", ["a/b?c", " blank ", "x" * 129])
def test_a_name_is_one_that_every_call_can_say(side: Side, name: str) -> None:
    status, told = side.create(name)
    if side.ours:
        assert (status, told["detail"][0]["loc"]) == (422, ["body", "name"])
    else:
        assert status == 200
        path = f"/tasks/Reports/{name}/statistics"
        assert side.http.get(path).status_code == (404 if "/" in name else 200)


@pytest.mark.parametrize("seconds", [-1.0, 1e12])
def test_a_delay_is_one_that_can_be(side: Side, seconds: float) -> None:
    status, told = side.create("delayed", retry_backoff=seconds)
    if side.ours:
        assert (status, told["detail"][0]["loc"]) == (422, ["body", "retry_backoff"])
    else:
        assert status == 200


def test_a_made_name_fits(side: Side) -> None:
    status, told = side.create(None, kwargs={"recipient": "x"})
    name = told["task_name"]
    assert status == 200
    if side.ours:
        assert len(name) <= 128
        assert side.create(None, kwargs={"recipient": "x"})[0] == 409
        assert side.create(None, kwargs={"recipient": "y"})[0] == 200
    else:
        assert len(name) == len("send_report") + 2 + 64 + 2 + 64 + 2


def test_a_tag_is_there_once(side: Side) -> None:
    side.create("tagged", tags=["reports", "weekly"])
    twice = [] if side.ours else ["reports"]
    assert side.task("tagged")["tags"] == ["reports", *twice, "weekly"]


def test_a_task_of_the_code_keeps_its_own_tags_and_name(side: Side) -> None:
    found = side.task(side.static())
    if side.ours:
        assert (found["name"], found["tags"]) == ("archive", ["reports", "own"])
    else:
        assert found["tags"] == ["reports"]
        assert found["name"].startswith("archive____")


def test_what_failed_is_tried_again(side: Side) -> None:
    side.new("bad", function_name="fail", retry_backoff=0.01, retry_backoff_max=0.01)
    side.call("POST", "/tasks/trigger", params={"task_name": "bad"})
    if side.ours:

        def newest() -> dict[str, Any]:
            return dict(api(side, "/runs", job="Reports/bad")["items"][0])

        side.until(lambda: newest()["state"] == "failed")
        assert newest()["attempt"] == 4
    else:
        side.until(lambda: side.task("bad")["retry_after"] is not None)
        side.until(lambda: side.task("bad")["next_run"].endswith("-01-01T00:00:00Z"))


def test_runs_go_side_by_side_only_where_that_is_said(side: Side) -> None:
    assert side.get("/config")["allow_parallel"] is not side.ours


def test_nobody_without_a_token(side: Side) -> None:
    answer = side.http.get("/tasks", headers={"Authorization": ""})
    assert answer.status_code == (401 if side.ours else 200)
    if side.ours:
        assert "this engine needs a token" in answer.json()["detail"]


def test_half_a_character_is_refused(side: Side) -> None:
    body = (
        b'{"task_group_name": "Reports", "function_name": "send_report", '
        b'"cron_expression": "0 0 1 1 *", "name": "half", "description": "\\ud800"}'
    )
    headers = {"Content-Type": "application/json"}
    status = side.http.post("/tasks", content=body, headers=headers).status_code
    if side.ours:
        assert status == 422
    else:
        assert status == 200
        # On connections of their own: it breaks off the one on which it failed.
        assert httpx.get(f"{side.url}/tasks", params={"name": "half"}).status_code == 500
        where = {"task_group_name": "Reports", "task_name": "half"}
        assert httpx.delete(f"{side.url}/tasks", params=where).status_code == 200
