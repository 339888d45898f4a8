"""Where a function is declared to run."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import process_jobs as jobs
import pytest

from schedtui import Group
from schedtui.errors import InvalidError
from schedtui.protocols import Origin


@pytest.fixture
def group() -> Group:
    return Group("Reports")


def method_of() -> Callable[..., Any]:
    return [].copy


def test_by_default_what_it_is_decides(group: Group) -> None:
    group.function(jobs.pid)
    group.function(jobs.a_wait)
    told = {name: one.info().executor for name, one in group.functions.items()}
    assert told == {"pid": "thread", "a_wait": "async"}


@pytest.mark.parametrize("call", [jobs.pid, jobs.a_wait, jobs.Holder.static])
def test_a_process_takes_both_kinds(group: Group, call: Callable[..., Any]) -> None:
    group.function(executor="process", memory_limit_mb=256)(call)
    (function,) = group.functions.values()
    info = function.info()
    assert (info.executor, info.memory_limit_mb) == ("process", 256)
    assert function.origin == Origin(
        f"Reports/{call.__name__}", "process_jobs", call.__qualname__, jobs.__file__
    )


@pytest.mark.parametrize(
    ("call", "executor", "message"),
    [
        (jobs.pid, "async", "expected 'thread' or 'process'"),
        (jobs.a_wait, "thread", "expected 'async' or 'process'"),
        (jobs.pid, "greenlet", "expected 'async' (for async def)"),
    ],
)
def test_others_are_refused(
    group: Group, call: Callable[..., Any], executor: str, message: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        group.function(executor=executor)(call)
    assert message in str(caught.value)
    assert caught.value.errors[0].field == "executor"


@pytest.mark.parametrize(
    "call",
    [
        lambda: None,
        functools.partial(jobs.pid),
        method_of(),
        [].__len__,
    ],
)
def test_what_no_other_process_could_find_is_refused(
    group: Group, call: Callable[..., Any]
) -> None:
    with pytest.raises(InvalidError, match="must be a def at the top of a module"):
        group.function("it", executor="process")(call)


def test_windows_has_no_such_processes(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(InvalidError, match="Windows has no such processes"):
        group.function(executor="process")(jobs.pid)


@pytest.mark.parametrize("limit", [0, -1, 1.5, "1G", True])
def test_a_limit_that_is_none(group: Group, limit: Any) -> None:
    with pytest.raises(InvalidError, match="a whole number of MiB from 1 up"):
        group.function(executor="process", memory_limit_mb=limit)(jobs.pid)


def test_only_a_process_has_memory_of_its_own(group: Group) -> None:
    with pytest.raises(InvalidError, match="executor='process' with it"):
        group.job(every=1, memory_limit_mb=100)(jobs.pid)


def test_one_of_several_decorators_may_say_it_for_all(group: Group) -> None:
    group.job(every=1, name="a", register=False)(jobs.pid)
    group.job(every=2, name="b", executor="process")(jobs.pid)
    group.job(every=3, name="c", memory_limit_mb=64)(jobs.pid)
    group.job(every=4, name="d")(jobs.pid)
    function = group.functions["pid"]
    assert (function.executor, function.memory_limit_mb) == ("process", 64)
    assert function.listed
    with pytest.raises(InvalidError, match="'process', as declared before"):
        group.job(every=5, name="e", executor="thread")(jobs.pid)
    with pytest.raises(InvalidError, match="64, as declared before"):
        group.job(every=5, name="e", memory_limit_mb=65)(jobs.pid)
