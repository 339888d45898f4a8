"""What core/README.md shows of an engine inside a service, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from schedtui import Engine

MANUAL = Path(__file__).parents[3] / "core" / "README.md"


def shown() -> list[str]:
    text = MANUAL.read_text(encoding="utf-8")
    section = text.partition("## Inside your service\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


async def test_the_fastapi_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "shop"}
    exec(shown()[0], names)
    app, engine = names["app"], names["engine"]
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://x") as http,
    ):
        assert isinstance(engine, Engine)
        assert engine.is_running
        assert (await http.get("/jobs/api/v1/jobs")).status_code == 401
        run = await http.post("/jobs/api/v1/jobs/Shop/sweep/trigger", headers={"x-user": "ann"})
        assert run.status_code == 202


def test_what_gunicorn_reads() -> None:
    names: dict[str, Any] = {}
    exec(shown()[1], names)
    assert callable(names["post_fork"])
