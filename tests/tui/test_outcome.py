"""``--wait``: what a run writes, and what came of it."""

from __future__ import annotations

import argparse

import pytest

from schedtui import Engine, Group
from schedtui.client.local import LocalClient
from schedtui.models import RunState
from schedtui_tui.commands.outcome import tell_outcome
from schedtui_tui.exits import Exit


@pytest.mark.parametrize("over", [False, True])
async def test_what_it_wrote_is_shown_although_it_may_have_ended_before_the_answer(
    over: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    group = Group("g")

    @group.function()
    async def work() -> None:
        print("all is well")

    async with Engine(groups=[group], store="memory://", echo=False) as engine:
        client = LocalClient(engine)
        asked = await client.run_function("g/work")
        if over:
            async for _ in client.follow(asked.id):
                pass
            asked = await client.run(asked.id)
            assert asked.state is RunState.SUCCEEDED
        done = await tell_outcome(client, asked, argparse.Namespace(wait=True, json=False))
    lines = capsys.readouterr().out.splitlines()
    assert done is Exit.DONE
    assert lines[-2].endswith("all is well")
    assert ": succeeded in " in lines[-1]
