"""A group to decorate with."""

from __future__ import annotations

import pytest

from schedtui.registry import Group


@pytest.fixture
def group() -> Group:
    return Group("Reports", tags=["reports", "mail"])
