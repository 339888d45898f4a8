"""Loading a target again: what counts as a change, and what a failure leaves as it was."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest
from target_files import JOBS, group_file, put

from schedtui.errors import TargetError
from schedtui.models import ModuleState
from schedtui.target import Code, Generation, load_target

USES_HELPER = "from schedtui import Group\nfrom helper import value\ngroup = Group(f'G{value}')\n"


def code_of(folder: Path, target: str | None = None) -> Code:
    return Code(load_target(target, cwd=folder))


def states(generation: Generation | None) -> dict[str, ModuleState]:
    assert generation is not None
    return {one.module: one.state for one in generation.modules}


def names(generation: Generation | None) -> list[str]:
    assert generation is not None
    return [group.name for group in generation.groups]


class TestChanges:
    def test_nothing_changed_is_nothing_loaded(self, tmp_path: Path) -> None:
        code = code_of(put(tmp_path, {"jobs.py": JOBS}))
        os.utime(tmp_path / "jobs.py")
        assert code.stage() is None
        assert states(code.stage(always=True)) == {"jobs": ModuleState.UNCHANGED}

    def test_the_content_decides_and_no_time_or_cache(self, tmp_path: Path) -> None:
        put(tmp_path, {"jobs.py": USES_HELPER, "helper.py": "value = 1\n"})
        code = code_of(tmp_path)
        stamp = (tmp_path / "helper.py").stat()
        put(tmp_path, {"helper.py": "value = 2\n"})
        os.utime(tmp_path / "helper.py", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        generation = code.stage()
        assert names(generation) == ["G2"]
        assert states(generation) == {
            "helper": ModuleState.RELOADED,
            "jobs": ModuleState.UNCHANGED,
        }

    def test_a_new_file_of_a_folder_is_a_change(self, tmp_path: Path) -> None:
        put(tmp_path / "all", {"one.py": group_file("One")})
        code = code_of(tmp_path, "all")
        put(tmp_path / "all", {"two.py": group_file("Two")})
        generation = code.stage()
        assert names(generation) == ["One", "Two"]
        assert states(generation)["two"] is ModuleState.RELOADED

    def test_the_settings_are_a_part_of_it(self, tmp_path: Path) -> None:
        code = code_of(put(tmp_path, {"jobs.py": JOBS}))
        put(tmp_path, {"schedtui.toml": '[groups.Jobs]\ntimezone = "Asia/Tokyo"\n'})
        generation = code.stage()
        assert generation is not None
        assert generation.groups[0].timezone == "Asia/Tokyo"

    def test_a_module_that_a_run_imported_later_is_a_part_of_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "dont_write_bytecode", False)  # what is compiled is kept
        put(tmp_path, {"jobs.py": JOBS, "lazy.py": "value = 1\n"})
        code = code_of(tmp_path)
        importlib.import_module("lazy")
        assert code.stage() is None
        then = (tmp_path / "lazy.py").stat().st_mtime
        put(tmp_path, {"lazy.py": "value = 2\n"})
        os.utime(tmp_path / "lazy.py", (then, then))
        assert code.stage() is not None
        assert importlib.import_module("lazy").value == 2

    def test_a_folder_that_was_on_the_path_already_is_one_too(self, tmp_path: Path) -> None:
        sys.path.insert(0, str(tmp_path))  # as of `python -m`, where that is the working directory
        code = code_of(put(tmp_path, {"jobs.py": USES_HELPER, "helper.py": "value = 1\n"}))
        put(tmp_path, {"helper.py": "value = 2\n"})
        assert names(code.stage()) == ["G2"]
        assert sys.path[0] == str(tmp_path)

    def test_its_folders_are_those_of_its_files(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {
                "jobs.py": USES_HELPER.replace("helper", "pack.helper"),
                "pack/__init__.py": "",
                "pack/helper.py": "value = 1\n",
                ".venv/lib/thing.py": "",
            },
        )
        code = code_of(tmp_path)
        assert code.folders == {tmp_path, tmp_path / "pack"}
        put(tmp_path, {"jobs.py": "import new.part\n", "new/part.py": "1/0\n"})
        with pytest.raises(TargetError, match=r"new/part\.py:1: ZeroDivisionError"):
            code.stage()
        assert tmp_path / "new" in code.folders


class TestFailure:
    def test_what_was_loaded_is_in_its_place(self, tmp_path: Path) -> None:
        put(tmp_path, {"jobs.py": USES_HELPER, "helper.py": "value = 1\n"})
        code = code_of(tmp_path)
        before = {name: sys.modules[name] for name in ("jobs", "helper")}
        path = list(sys.path)
        put(tmp_path, {"jobs.py": USES_HELPER + "import extra\n1/0\n", "extra.py": ""})
        for _ in range(2):
            with pytest.raises(TargetError, match=r"jobs\.py:5: ZeroDivisionError"):
                code.stage()
            assert {name: sys.modules[name] for name in before} == before
            assert "extra" not in sys.modules
            assert sys.path == path

    def test_the_file_that_broke_is_named_and_the_others_are_kept(self, tmp_path: Path) -> None:
        put(tmp_path, {"jobs.py": USES_HELPER, "helper.py": "value = 1\n"})
        code = code_of(tmp_path)
        put(tmp_path, {"helper.py": "value =\n"})
        with pytest.raises(TargetError) as caught:
            code.stage()
        broken, kept = code.broken(caught.value)
        assert (broken.module, broken.line, broken.state) == ("helper", 1, ModuleState.BROKEN)
        assert broken.reason.startswith("helper.py:1: SyntaxError")
        assert (kept.module, kept.state) == ("jobs", ModuleState.UNCHANGED)

    def test_a_file_that_is_gone_is_told(self, tmp_path: Path) -> None:
        code = code_of(put(tmp_path, {"jobs.py": JOBS}))
        (tmp_path / "jobs.py").unlink()
        with pytest.raises(TargetError, match=r"nothing to run"):
            code.stage()
        put(tmp_path, {"jobs.py": JOBS})
        assert code.stage() is None
