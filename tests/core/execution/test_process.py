"""Functions in processes of their own: what only those can do, and what can happen to them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import process_jobs as jobs
import pytest
from running_doubles import Calls, SetClock, texts

from schedtui.execution import ProcessExecutor
from schedtui.models import RunState


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    executor = ProcessExecutor(SetClock(), slots=1)
    executor.start()
    yield Calls(executor)
    await executor.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked to end is killed soon."""
    monkeypatch.setattr("schedtui.execution.process.station.KILL_GRACE_S", 0.05)


def pool(calls: Calls) -> ProcessExecutor:
    assert isinstance(calls.executor, ProcessExecutor)
    return calls.executor


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while is_alive(pid):  # noqa: ASYNC110 - a process that is no child of ours
            await asyncio.sleep(0.005)


async def pid_of(calls: Calls) -> int:
    return int((await calls.run(jobs.pid)).result or 0)


async def test_arguments_become_what_the_type_hints_ask_for(calls: Calls) -> None:
    assert (await calls.run(jobs.typed, day="2026-03-02")).result == '"date"'
    ended = await calls.run(jobs.typed, day="yesterday")
    assert ended.error_type == "schedtui.errors.InvalidArgumentsError"
    assert "kwargs.day" in (ended.error or "")


async def test_what_a_group_has_under_the_name_is_called(calls: Calls) -> None:
    """Not what a decorator above the registration has made of it."""
    assert jobs.registered() == 42
    assert (await calls.run(jobs.group.functions["registered"].call)).result == "21"
    assert (await calls.run(jobs.Holder.static)).result == '"static"'


async def test_async_functions_have_a_loop_of_their_own(calls: Calls) -> None:
    run_id = calls.submit(jobs.a_echo, value=4)
    assert (await calls.end(run_id)).result == "4"
    assert texts(calls.sinks[run_id]) == ["in a loop"]
    ended = await calls.run(jobs.a_fail)
    assert (ended.error_type, ended.error) == ("OSError", "disk")
    assert (ended.traceback or "").count("File") == 1
    waiting = calls.submit(jobs.a_wait)
    await calls.line(waiting, "waiting")
    assert calls.executor.cancel(waiting)
    assert (await calls.end(waiting)).state is RunState.CANCELLED
    assert texts(calls.sinks[waiting]) == ["waiting", "cleaned up True"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("exit", "ended with exit code 3 in the middle of the run"),
        ("kill", "was killed by SIGKILL (signal 9) in the middle of the run; if nobody killed it"),
        ("crash", "was killed by SIGSEGV (signal 11) in the middle of the run"),
    ],
)
async def test_a_worker_that_dies_is_a_failed_run_that_says_how(
    calls: Calls, how: str, message: str
) -> None:
    run_id = calls.submit(jobs.die, how=how)
    ended = await calls.end(run_id)
    assert (ended.state, ended.error_type) == (RunState.FAILED, "WorkerDied")
    assert message in (ended.error or "")
    said = texts(calls.sinks[run_id])
    assert said[0] == "last words"
    assert any("process_jobs.py" in line for line in said) is (how == "crash")
    assert (await calls.run(jobs.pid)).state is RunState.SUCCEEDED


@pytest.mark.parametrize("then", ["return", "print", "open"])
async def test_a_function_that_closes_all_files_is_a_failed_run(calls: Calls, then: str) -> None:
    async with asyncio.timeout(10):
        ended = await calls.run(jobs.close_all, then=then)
    assert (ended.state, ended.error_type) == (RunState.FAILED, "WorkerDied")
    assert "when the function closes files that it has not opened" in (ended.error or "")
    assert (await calls.run(jobs.pid)).state is RunState.SUCCEEDED


async def test_a_worker_that_somebody_else_waited_for_is_not_signalled_any_more(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number may be a stranger's by then."""
    signalled: list[int] = []

    def waitid(_kind: int, pid: int, _options: int) -> None:
        os.waitpid(pid, 0)
        raise ChildProcessError

    monkeypatch.setattr(os, "waitid", waitid)
    monkeypatch.setattr(os, "killpg", lambda pid, _number: signalled.append(pid))
    ended = await calls.run(jobs.die, how="exit")
    assert ended.state is RunState.FAILED
    assert signalled == []


async def test_a_signal_from_elsewhere_is_not_taken_for_the_engines(calls: Calls) -> None:
    ended = await calls.run(jobs.die, how="terminate")
    assert (ended.state, ended.reason) == (
        RunState.CANCELLED,
        "its worker process was sent SIGTERM, and not by this engine",
    )


async def test_a_function_that_cancels_itself_has_failed(calls: Calls) -> None:
    ended = await calls.run(jobs.cancel_oneself)
    assert ended.state is RunState.FAILED
    assert "cancelled from within" in (ended.error or "")


@pytest.mark.usefixtures("hasty")
async def test_what_does_not_end_when_it_is_asked_is_killed(calls: Calls) -> None:
    run_id = calls.submit(jobs.sleepless)
    async with asyncio.timeout(10):
        while not (said := texts(calls.sinks[run_id])):  # noqa: ASYNC110 - said elsewhere
            await asyncio.sleep(0.002)
    assert calls.executor.cancel(run_id)
    assert calls.executor.cancel(run_id)
    assert (await calls.end(run_id)).state is RunState.CANCELLED
    await gone(int(said[0].split()[1]))


async def test_what_has_not_begun_never_begins(calls: Calls, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    ids = [calls.submit(jobs.breed, file=str(file)) for _ in range(3)]
    for run_id in ids:
        assert calls.executor.cancel(run_id)
        assert run_id not in calls.ended
    assert {(await calls.end(run_id)).state for run_id in ids} == {RunState.CANCELLED}
    assert not file.exists()


async def test_what_waits_can_be_let_go(calls: Calls) -> None:
    napping, waiting = calls.submit(jobs.nap), calls.submit(jobs.pid)
    assert calls.executor.abandon(waiting)
    assert calls.executor.abandon(napping)
    last = calls.submit(jobs.pid)
    assert (await calls.end(last)).state is RunState.SUCCEEDED
    assert set(calls.ended) == {last}


@pytest.mark.parametrize("how", ["cancel", "abandon", "close"])
async def test_what_it_started_ends_with_it(calls: Calls, tmp_path: Path, how: str) -> None:
    file = tmp_path / "pid"
    run_id = calls.submit(jobs.breed, file=str(file))
    await calls.line(run_id, "bred")
    grandchild = int(file.read_text())
    assert is_alive(grandchild)
    if how == "close":
        await calls.executor.close()
    else:
        getattr(calls.executor, how)(run_id)
    await gone(grandchild)


async def test_when_the_loop_has_died_another_thread_ends_the_workers(calls: Calls) -> None:
    run_id = calls.submit(jobs.nap)
    await calls.line(run_id, "napping")
    pids = [station._child.pid or 0 for station in pool(calls)._stations]
    await asyncio.to_thread(pool(calls).kill)
    for pid in pids:
        await gone(pid)


async def test_all_that_it_and_its_children_write_is_its_own(calls: Calls) -> None:
    run_id = calls.submit(jobs.below)
    await calls.end(run_id)
    assert sorted(texts(calls.sinks[run_id])) == ["child", "of a thread", "oops", "raw"]


async def test_more_memory_than_allowed_is_a_failed_run(calls: Calls) -> None:
    calls.memory_limit_mb = 120
    ended = await calls.run(jobs.grow, mib=200)
    assert (ended.state, ended.error_type) == (RunState.FAILED, "MemoryError")
    assert "more than memory_limit_mb=120, and was killed" in (ended.error or "")
    assert (await calls.run(jobs.pid)).state is RunState.SUCCEEDED


async def test_without_a_way_to_measure_a_limit_is_refused(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedtui.execution.process.executor.can_watch", lambda: False)
    calls.memory_limit_mb = 100
    assert "needs Linux" in ((await calls.run(jobs.pid)).error or "")


async def test_a_worker_has_nothing_of_the_engine(calls: Calls, tmp_path: Path) -> None:
    with (tmp_path / "state.db").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)
        ended = await calls.run(jobs.surroundings)
    found = jobs.loaded(ended.result)
    assert found["leads"] is True
    assert found["stdin"] == "/dev/null"
    assert [name for name in found["files"] if name != "/dev/null"] == []
    assert found["variable"] == "gone"
    heavy = {"sqlalchemy", "alembic", "fastapi", "uvicorn", "textual", "rich", "httpx", "pydantic"}
    assert heavy.isdisjoint(found["modules"])


async def test_a_worker_is_used_again_up_to_a_number_of_runs() -> None:
    executor = ProcessExecutor(SetClock(), slots=1, max_runs=2)
    executor.start()
    calls = Calls(executor)
    pids = [await pid_of(calls) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    await executor.close()


async def test_an_idle_worker_ends_after_a_while() -> None:
    executor = ProcessExecutor(SetClock(), slots=2, idle_s=0.01)
    executor.start()
    calls = Calls(executor)
    pid = await pid_of(calls)
    await gone(pid)
    assert await pid_of(calls) != pid
    await executor.close()


async def test_while_there_is_work_one_more_worker_is_ready() -> None:
    executor = ProcessExecutor(SetClock(), slots=2)
    executor.start()
    calls = Calls(executor)
    assert executor._stations == []
    for expected in ([False, True], [False, False]):
        calls.submit(jobs.nap)
        assert [station.is_idle for station in executor._stations] == expected
    await executor.close()


async def test_a_worker_in_which_something_was_left_behind_is_not_used_again(calls: Calls) -> None:
    for function in (jobs.leave_behind, jobs.wander):
        pid = int((await calls.run(function)).result or 0)
        assert await pid_of(calls) != pid
        await gone(pid)


async def test_new_code_and_new_paths_need_new_workers(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = await pid_of(calls)
    pool(calls).renew()
    second = await pid_of(calls)
    monkeypatch.syspath_prepend(str(tmp_path))
    third = await pid_of(calls)
    assert len({first, second, third}) == 3
    assert await pid_of(calls) == third


async def test_a_worker_that_was_killed_idle_costs_no_run(calls: Calls) -> None:
    pid = await pid_of(calls)
    for station in pool(calls)._stations:
        if station._child.pid is not None:
            os.kill(station._child.pid, signal.SIGKILL)
    # The loop is kept from turning: the engine does not know yet.
    while is_alive(pid):
        pass
    assert await pid_of(calls) != pid


async def test_a_worker_that_sends_nonsense_is_killed(calls: Calls) -> None:
    ended = await calls.run(jobs.nonsense)
    assert (ended.state, ended.error_type) == (RunState.FAILED, "WorkerDied")
    assert "a message that is not JSON" in (ended.error or "")


async def test_arguments_that_are_no_json_are_a_failed_run(calls: Calls) -> None:
    ended = await calls.run(jobs.echo, value={1, 2})
    assert (ended.state, ended.error_type) == (RunState.FAILED, "TypeError")
    assert (await calls.run(jobs.pid)).state is RunState.SUCCEEDED


async def test_a_process_that_cannot_be_started_is_a_failed_run(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "multiprocessing.spawn.get_executable"
    for program, message in (("/no/such/python", "No such file"), ("", "which program is Python")):
        with monkeypatch.context() as patch:
            patch.setattr(where, lambda program=program: program)
            ended = await calls.run(jobs.pid)
        assert ended.state is RunState.FAILED
        assert message in (ended.error or "")
    with monkeypatch.context() as patch:
        patch.setattr(where, lambda: "/bin/false")
        ended = await calls.run(jobs.pid)
    assert ended.error == "the worker process ended with exit code 1 before it could make the call"
    assert (await calls.run(jobs.pid)).state is RunState.SUCCEEDED


async def test_a_machine_without_threads_left_is_a_failed_run(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("threading.Thread.start", start)
        run_id = calls.submit(jobs.pid)
        assert (await calls.end(run_id)).error == "can't start new thread"
    assert (await calls.run(jobs.pid)).state is RunState.SUCCEEDED


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_no_process_and_no_file_is_left_after_close(calls: Calls) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count
    for _ in range(2):
        calls.submit(jobs.pid)
    await calls.all()
    await calls.executor.close()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - a count
    assert pool(calls)._stations == []
