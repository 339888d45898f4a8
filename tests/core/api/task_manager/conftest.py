"""The two services, each started once."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from task_manager_side import Side, served


@pytest.fixture(scope="package")
def sides() -> Iterator[dict[str, Side]]:
    """Those that were started so far, by name."""
    with ExitStack() as stack:
        yield _Sides(stack)


class _Sides(dict[str, Side]):
    def __init__(self, stack: ExitStack) -> None:
        super().__init__()
        self._stack = stack

    def __missing__(self, name: str) -> Side:
        if name == "peer" and importlib.util.find_spec("fastapi_task_manager") is None:
            pytest.skip("fastapi-task-manager is not installed; the dev extra has it")
        self[name] = self._stack.enter_context(served(name))
        return self[name]


@pytest.fixture(params=["ours", "peer"])
def side(request: pytest.FixtureRequest, sides: dict[str, Side]) -> Iterator[Side]:
    """Each of the two in turn, as it was when it was started."""
    found = sides[request.param]
    yield found
    found.clean()


@pytest.fixture
def ours(sides: dict[str, Side]) -> Iterator[Side]:
    """Ours alone."""
    yield sides["ours"]
    sides["ours"].clean()
