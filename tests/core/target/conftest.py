"""Loading a target changes the process; this undoes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from schedtui.target.imports import importing


@pytest.fixture(autouse=True)
def restored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test leaves modules of its target, or its folder on the path."""
    path = list(sys.path)
    yield
    with importing(tmp_path_factory.mktemp("empty")):
        pass
    sys.path[:] = path
