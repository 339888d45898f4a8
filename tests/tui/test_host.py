"""The engine of a command: what it tells others before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedtui import Engine
from schedtui.errors import StoreLockedError
from schedtui.locations import StateDir
from schedtui.target.load import Target
from schedtui_tui.commands.host import Host


def test_who_is_refused_the_store_is_sent_to_the_socket(tmp_path: Path) -> None:
    state = StateDir.beside(tmp_path)
    host = Host(lambda: Target(name="t", folder=tmp_path, groups=()), state=state)
    host.open()
    try:
        with pytest.raises(StoreLockedError) as refused:
            Engine(store=state.store_url).run_in_thread()
        assert refused.value.address == str(state.socket)
    finally:
        host.close()
