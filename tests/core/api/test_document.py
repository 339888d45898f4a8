"""The API's description against its routes: none is missing, and none is described by halves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from api_doubles import FakeEngine, http_on, make_app
from fastapi.routing import APIRoute

from schedtui.api.document import calls_of
from schedtui.api.routes import ROUTERS
from schedtui.api.task_manager import router as task_manager

DESCRIBED: dict[str, Any] = make_app(FakeEngine()).openapi()
CALLS = {f"{method.upper()} {path}": call for path, method, call in calls_of(DESCRIBED)}
CREATING = {
    "POST /api/v1/jobs/trigger",
    "POST /api/v1/dead-letters/replay",
    "POST /api/v1/jobs",
    "POST /api/v1/jobs/{group}/{name}/backfill",
    "POST /api/v1/jobs/{group}/{name}/trigger",
    "POST /api/v1/functions/{group}/{name}/run",
    "POST /api/v1/runs/{run_id}/rerun",
}


def routes() -> Iterator[str]:
    for router in (task_manager, *ROUTERS):
        for route in router.routes:
            assert isinstance(route, APIRoute)
            if route.include_in_schema:
                yield from (f"{method} {route.path}" for method in route.methods or ())


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for."""
    while "$ref" in node:
        found: Any = DESCRIBED
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def test_every_route_is_described_and_nothing_else() -> None:
    assert sorted(CALLS) == sorted(routes())


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_described_whole(name: str) -> None:
    call = CALLS[name]

    assert call["summary"]
    assert call["description"]
    assert call["tags"]
    assert call["tags"][0] in {tag["name"] for tag in DESCRIBED["tags"]}
    for parameter in call["parameters"]:
        assert len(parameter["description"]) > 10, parameter
        assert parameter["schema"]["type"], parameter
    successes = [status for status in call["responses"] if status.startswith("2")]
    assert successes
    for status in successes:
        content = call["responses"][status].get("content", {})
        assert content or status == "204"
        for media in content.values():
            assert "example" in media or resolved(media["schema"]).get("examples"), media


@pytest.mark.parametrize("name", CALLS)
def test_a_call_says_which_errors_there_may_be(name: str) -> None:
    method, path = name.split(" ")
    call = CALLS[name]
    expected = {"422", "500"}
    face = path.startswith("/task-manager/")
    if face or path.startswith("/api/"):
        expected |= {"401", "403", "429", "502", "503"}
        assert call["x-role"] in {"viewer", "operator", "admin"}
    if "{" in path:
        expected.add("404")
    if method != "GET":
        expected |= {"400", "408", "413"} if face else {"400", "408", "413", "415"}
    if method in {"PUT", "PATCH"}:
        expected |= {"409", "412"}

    assert expected <= call["responses"].keys()
    for status, answer in call["responses"].items():
        if status[0] not in "45" or path in {"/health", "/ready"}:
            continue
        (media,) = resolved(answer)["content"].items()
        if face:
            assert media[0] == "application/json"
            assert media[1]["example"].keys() == {"detail"}
        else:
            assert media[0] == "application/problem+json"
            assert media[1]["example"]["status"] == int(status)


@pytest.mark.parametrize("name", sorted(DESCRIBED["components"]["schemas"]))
def test_a_model_says_what_each_field_means(name: str) -> None:
    schema = DESCRIBED["components"]["schemas"][name]

    assert "description" in schema, name
    for field, item in schema.get("properties", {}).items():
        if field != "type" and not name.endswith("Trigger"):
            assert item.get("description"), f"{name}.{field}"


def test_what_creates_takes_a_key_and_what_edits_a_version() -> None:
    def takes(header: str) -> set[str]:
        return {
            name
            for name, call in CALLS.items()
            if any(one["name"] == header for one in call["parameters"])
        }

    assert takes("Idempotency-Key") == CREATING
    assert takes("If-Match") == {
        "PUT /api/v1/jobs/{group}/{name}",
        "PATCH /api/v1/jobs/{group}/{name}",
        "DELETE /api/v1/jobs/{group}/{name}",
        *(f"POST /api/v1/jobs/{{group}}/{{name}}/{one}" for one in ("pause", "resume", "revert")),
    }


def test_only_the_health_is_open_to_everyone() -> None:
    assert DESCRIBED["security"] == [{"token": []}]
    assert {name for name, call in CALLS.items() if call.get("security") == []} == {
        "GET /health",
        "GET /ready",
    }


async def test_it_is_served_as_it_is() -> None:
    async with http_on(make_app(FakeEngine()), "viewer") as http:
        first = await http.get("/api/v1/openapi.json")
        again = await http.get("/api/v1/openapi.json")

    assert first.headers["content-type"] == "application/json"
    assert first.json() == DESCRIBED
    assert again.content == first.content


def test_every_reference_leads_somewhere() -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            node = list(node.values())
        if isinstance(node, list):
            for one in node:
                yield from references(one)

    assert all(resolved({"$ref": one}) for one in set(references(DESCRIBED)))


def examples_in(node: Any, where: str) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Where an example is, the schema that it is one of, and it."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield where, node["schema"], node["example"]
        if isinstance(node.get("examples"), list):
            yield from ((where, node, one) for one in node["examples"])
        for key, value in node.items():
            yield from examples_in(value, f"{where}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from examples_in(value, f"{where}/{number}")


def test_every_example_fits_its_schema() -> None:
    found = list(examples_in(DESCRIBED, ""))
    wrong = []
    for where, schema, example in found:
        whole = {"allOf": [schema], "components": DESCRIBED["components"]}
        try:
            jsonschema_rs.validate(whole, example)
        except jsonschema_rs.ValidationError as error:
            wrong.append((where, error.message))
    assert wrong == []
    assert len(found) > 200
