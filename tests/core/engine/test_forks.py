"""A process that is forked from one in which an engine runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from schedtui import Engine, Group
from schedtui.errors import EngineStoppedError

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*multi-threaded, use of fork:DeprecationWarning",  # 3.12
)


def group() -> Group:
    made = Group("g")
    made.function("f")(lambda: 42)
    return made


def in_child(work: Any) -> Any:
    """What ``work`` gives in a forked child."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return json.loads(told)


def refused(engine: Engine) -> str:
    try:
        engine.sync.run_function("g/f")
    except EngineStoppedError as error:
        return str(error)
    return "it did"


@pytest.mark.parametrize("stand_by", [False, True])
def test_its_copy_does_nothing_and_says_so(tmp_path: Path, stand_by: bool) -> None:
    store = f"sqlite:///{tmp_path}/x.db"
    engine = Engine(groups=[group()], store=store).run_in_thread(stand_by=stand_by)
    try:

        def work() -> Any:
            engine.close()  # as at the end of the child; it must not be the parent's
            return engine.is_running, engine.stands_by, refused(engine)

        running, stands_by, why = in_child(work)

        assert (running, stands_by) == (False, False)
        assert f"runs in process {os.getpid()}, from which this one was forked" in why
        assert engine.sync.run_function("g/f").id == 1
    finally:
        engine.close()


def test_one_that_was_inert_is_started_in_the_child(tmp_path: Path) -> None:
    engine = Engine(groups=[group()], store=f"sqlite:///{tmp_path}/x.db")
    engine.router()  # as a module that is loaded before the fork

    def work() -> Any:
        engine.run_in_thread(stand_by=True)
        made = engine.sync.run_function("g/f").id
        engine.close()
        return made

    assert in_child(work) == 1
    assert not engine.is_running
    with pytest.raises(EngineStoppedError, match="start it first"):
        engine.sync.run_function("g/f")
