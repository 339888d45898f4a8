"""The user's files as modules."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from target_files import JOBS, group_file, names, put, refused

from schedtui.target import load_target


class TestModuleNames:
    @pytest.mark.parametrize("name", ["calendar", "queue", "pydantic", "my-jobs", "v1.2", "class"])
    def test_a_file_is_loaded_whatever_its_name(self, tmp_path: Path, name: str) -> None:
        known = sys.modules.get(name)
        put(tmp_path, {f"{name}.py": JOBS})
        assert names(load_target(f"{name}.py", cwd=tmp_path)) == ["Jobs"]
        assert sys.modules.get(name) is known

    def test_the_standard_library_is_not_hidden(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {"jobs.py": JOBS, "colorsys.py": "raise RuntimeError", "cmd/__init__.py": "1/0"},
        )
        code = (
            "import sys; from pathlib import Path; from schedtui.target import load_target\n"
            "load_target(None, cwd=Path.cwd())\n"
            "import cmd, colorsys\n"
            "cmd.Cmd, colorsys.rgb_to_hsv\n"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONSAFEPATH": "1"},
        )
        assert done.returncode == 0, done.stderr

    def test_modules_can_be_pickled_and_inspected(self, tmp_path: Path) -> None:
        code = (
            "from __future__ import annotations\nimport dataclasses\n" + JOBS + "\n"
            "@dataclasses.dataclass\nclass Limits:\n    low: Low\n\n"
            "class Low(int): ...\n"
            "@jobs.function\ndef run(limits: Limits): ...\n"
        )
        target = load_target(None, cwd=put(tmp_path, {"jobs.py": code}))
        run = target.groups[0].functions["run"].call
        limits = run.__globals__["Limits"](1)
        assert pickle.loads(pickle.dumps(limits)) == limits
        assert run.__module__ == "jobs"
        schema = target.groups[0].functions["hello"].info().parameters
        assert schema["properties"] == {}

    def test_the_file_counts_and_no_cache_of_it(self, tmp_path: Path) -> None:
        file = put(tmp_path, {"jobs.py": group_file("A")}) / "jobs.py"
        stamp = file.stat()
        assert names(load_target(None, cwd=tmp_path)) == ["A"]
        file.write_text(group_file("B"))
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert names(load_target(None, cwd=tmp_path)) == ["B"]

    def test_the_same_target_twice_is_two_sets_of_groups(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {
                "jobs.py": "from groups import shared\n@shared.job(every=5)\ndef one(): ...\n",
                "groups.py": group_file("Shared", "shared"),
            },
        )
        first, second = (load_target(None, cwd=tmp_path) for _ in range(2))
        assert first.groups[0] is not second.groups[0]
        assert [len(target.groups[0].declarations) for target in (first, second)] == [1, 1]

    def test_another_target_has_helpers_of_its_own(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            code = "from helper import NAME\n" + JOBS.replace('"Jobs"', "NAME")
            put(tmp_path / name, {"jobs.py": code, "helper.py": f"NAME = {name!r}"})
        before = list(sys.path)
        assert names(load_target("a", cwd=tmp_path)) == ["a"]
        assert names(load_target("b", cwd=tmp_path)) == ["b"]
        assert sys.path == [str(tmp_path / "b"), *before]

    def test_a_failed_target_leaves_nothing_behind(self, tmp_path: Path) -> None:
        put(tmp_path, {"jobs.py": "import helper_of_failed\n1/0", "helper_of_failed.py": ""})
        before = list(sys.path)
        refused(None, tmp_path)
        assert sys.path == before
        assert not {"jobs", "helper_of_failed"} & set(sys.modules)
        put(tmp_path, {"jobs.py": JOBS})
        assert names(load_target(None, cwd=tmp_path)) == ["Jobs"]

    def test_libraries_below_the_folder_stay_loaded(self, tmp_path: Path) -> None:
        library = tmp_path / ".venv/lib/site-packages"
        put(library, {"some_library.py": ""})
        code = f"import sys; sys.path.append({str(library)!r})\nimport some_library\n" + JOBS
        put(tmp_path, {"jobs.py": code})
        try:
            load_target(None, cwd=tmp_path)
            library_module = sys.modules["some_library"]
            load_target(None, cwd=tmp_path)
            assert sys.modules["some_library"] is library_module
        finally:
            sys.modules.pop("some_library", None)
