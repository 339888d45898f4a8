"""Worker processes and the program that has them: its scripts, its paths, its death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_ENGINE = """
import asyncio, sys
from schedtui import Engine, Every, Group
from schedtui.models import TERMINAL

group = Group("G")

{code}

async def main():
    async with Engine(groups=[group], store="memory://", echo=False, processes=1) as engine:
        await engine.create_job(function="G/work", trigger=Every(3600), name="j")
        run = await engine.trigger_job("G/j")
        while run.state not in TERMINAL:
            await asyncio.sleep(0.01)
            run = await engine.reads.run(run.id)
        print(run.state.value, run.result, run.error)
        for line in (await engine.reads.logs(run.id, 0, 99)).lines:
            print(line.text)

{start}
"""
_WORK = """
@group.function(executor="process")
def work():
    print("at work in", __name__)
    return 7
"""
_GUARDED = 'if __name__ == "__main__":\n    asyncio.run(main())'


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        cwd=cwd,
        env={"PYTHONPATH": ":".join(sys.path)},
        check=False,
    )


def test_functions_of_a_script_run_though_it_is_nobodys_module(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(_ENGINE.format(code=_WORK, start=_GUARDED))
    result = python("service.py", cwd=tmp_path)
    assert result.stdout.splitlines() == ["succeeded 7 None", "at work in __mp_main__"], (
        result.stderr
    )


_SEVERAL = """
import asyncio, os
from schedtui import Engine, Group
from schedtui.models import TERMINAL
{first}
group = Group("G")

@group.function(executor="process")
def one():
    return 1

@group.function(executor="process")
def two():
    return 2

async def main():
    groups = [group, *others]
    async with Engine(groups=groups, store="memory://", echo=False, processes=1) as engine:
        for name in {names}:
            run = await engine.run_function(name)
            while run.state not in TERMINAL:
                await asyncio.sleep(0.01)
                run = await engine.reads.run(run.id)
            print(run.function, run.state.value, run.result, run.error)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_all_functions_of_a_script_run_in_the_same_worker(tmp_path: Path) -> None:
    names = ("G/one", "G/two", "G/one")
    (tmp_path / "service.py").write_text(_SEVERAL.format(first="others = []", names=names))
    result = python("service.py", cwd=tmp_path)
    told = ["G/one succeeded 1 None", "G/two succeeded 2 None", "G/one succeeded 1 None"]
    assert result.stdout.splitlines() == told, result.stderr


def test_functions_of_a_script_run_after_one_that_imports_multiprocessing(tmp_path: Path) -> None:
    """It calls the main module of the process by the name that the script has in a worker."""
    (tmp_path / "elsewhere.py").write_text(
        "import multiprocessing\nfrom schedtui import Group\nother = Group('O')\n"
        "@other.function(executor='process')\ndef work():\n    return 0\n"
    )
    first = "from elsewhere import other\nothers = [other]"
    names = ("O/work", "G/one", "G/two")
    (tmp_path / "service.py").write_text(_SEVERAL.format(first=first, names=names))
    result = python("service.py", cwd=tmp_path)
    told = ["O/work succeeded 0 None", "G/one succeeded 1 None", "G/two succeeded 2 None"]
    assert result.stdout.splitlines() == told, result.stderr


def test_a_script_that_starts_its_engine_when_imported_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(_ENGINE.format(code=_WORK, start="asyncio.run(main())"))
    result = python("service.py", cwd=tmp_path)
    assert result.stdout.startswith("failed None an engine was started in a worker process")
    assert "put the start below 'if __name__" in result.stdout


def test_without_a_script_there_is_nothing_to_import(tmp_path: Path) -> None:
    result = python("-c", _ENGINE.format(code=_WORK, start="asyncio.run(main())"), cwd=tmp_path)
    assert result.stdout.startswith("failed None it is defined in the '__main__' of a process")


def test_what_importing_the_module_raises_is_the_runs_error(tmp_path: Path) -> None:
    code = "from elsewhere import work\ngroup.function(executor='process')(work)"
    (tmp_path / "service.py").write_text(_ENGINE.format(code=code, start=_GUARDED))
    (tmp_path / "elsewhere.py").write_text(
        "import os\nif 'SEEN' in os.environ: 1 / 0\nos.environ['SEEN'] = '1'\ndef work(): pass\n"
    )
    result = python("service.py", cwd=tmp_path)
    assert result.stdout.startswith("failed None division by zero")


def test_a_function_that_vanished_is_a_failed_run(tmp_path: Path) -> None:
    code = "import elsewhere\ngroup.function(executor='process')(elsewhere.work)"
    (tmp_path / "service.py").write_text(_ENGINE.format(code=code, start=_GUARDED))
    (tmp_path / "elsewhere.py").write_text(
        "import os\nif 'SEEN' not in os.environ:\n    def work(): pass\nos.environ['SEEN'] = '1'\n"
    )
    result = python("service.py", cwd=tmp_path)
    assert "failed None a worker process found no 'work' in 'elsewhere'" in result.stdout


def test_a_targets_files_do_not_hide_the_standard_library(tmp_path: Path) -> None:
    """As in the engine itself; and a file that has the name of a module is found by its path."""
    (tmp_path / "json.py").write_text(
        "from schedtui import Group\ngroup = Group('G')\n"
        "@group.function(executor='process')\n"
        "def work():\n    import json, sched\n    return [json.loads('1'), sched.__name__]\n"
    )
    (tmp_path / "sched.py").write_text("raise ImportError('the wrong one')")
    script = tmp_path.parent / "run.py"
    script.write_text(
        "import asyncio\nfrom pathlib import Path\n"
        "from schedtui.target import load_target\n"
        "from schedtui.execution import ProcessExecutor\n"
        "from running_doubles import Calls, SetClock, context_of, make_sink\n"
        "from schedtui.protocols import Call\n"
        f"target = load_target('json.py', cwd=Path({str(tmp_path)!r}))\n"
        "function = target.groups[0].functions['work']\n"
        "async def main():\n"
        "    executor = ProcessExecutor(SetClock(), slots=1)\n"
        "    executor.start()\n"
        "    end = asyncio.get_running_loop().create_future()\n"
        "    context = context_of(make_sink())\n"
        "    executor.submit(Call(1, work, {}, context, end.set_result, function.origin))\n"
        "    print((await end).result, (await end).error)\n"
        "    await executor.close()\n"
        "work = None\n"
        "if __name__ == '__main__':\n    asyncio.run(main())\n"
    )
    result = python(str(script), cwd=tmp_path.parent)
    assert result.stdout == '[1, "sched"] None\n', result.stderr


@pytest.mark.parametrize("work", ["time.sleep(60)", "re.match('(a+)+b', 'a' * 60)"])
def test_the_engines_death_ends_its_workers(tmp_path: Path, work: str) -> None:
    """Also one that holds the interpreter's lock for ever; and though the service has forked."""
    code = f"""
@group.function(executor="process")
def work():
    import os, re, time
    with open("pid.tmp", "w") as file:
        file.write(str(os.getpid()))
    os.rename("pid.tmp", "pid")
    {work}

import os, signal, time

def fork(*_):
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    with open("forked.tmp", "w") as file:
        file.write(str(pid))
    os.rename("forked.tmp", "forked")

signal.signal(signal.SIGUSR1, fork)
"""
    (tmp_path / "service.py").write_text(_ENGINE.format(code=code, start=_GUARDED))
    engine = subprocess.Popen(
        [sys.executable, "-Wignore::DeprecationWarning", "service.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    forked = 0
    try:
        _until(lambda: (tmp_path / "pid").exists())
        pid = int((tmp_path / "pid").read_text())
        assert _state(pid) in "SRD"
        engine.send_signal(signal.SIGUSR1)
        _until(lambda: (tmp_path / "forked").exists())
        forked = int((tmp_path / "forked").read_text())
    finally:
        engine.send_signal(signal.SIGKILL)
        engine.wait()
    try:
        _until(lambda: _state(pid) in "ZX")
        assert _state(forked) in "SRD"
    finally:
        if forked:
            os.kill(forked, signal.SIGKILL)


def _state(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - not a file to make a path of
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def _until(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, os.listdir()  # noqa: PTH208 - for a look at a failure
        time.sleep(0.005)
