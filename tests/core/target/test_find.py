"""What a target may be, and what is said when it is nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from target_files import ENGINE, JOBS, group_file, names, put, refused

from schedtui.target import load_target


class TestForms:
    def test_a_file(self, tmp_path: Path) -> None:
        put(tmp_path, {"my.jobs/work.py": JOBS})
        target = load_target("my.jobs/work.py", cwd=tmp_path)
        assert (target.name, target.folder) == ("work.py", tmp_path / "my.jobs")
        assert names(target) == ["Jobs"]
        assert target.engine is None
        (job,) = target.groups[0].declarations
        assert (job.full_name, job.line) == ("Jobs/hello", 5)

    def test_an_absolute_file(self, tmp_path: Path) -> None:
        put(tmp_path, {"a/work.py": JOBS})
        (tmp_path / "elsewhere").mkdir()
        target = load_target(str(tmp_path / "a/work.py"), cwd=tmp_path / "elsewhere")
        assert names(target) == ["Jobs"]

    def test_nothing_means_jobs_py_here(self, tmp_path: Path) -> None:
        assert names(load_target(None, cwd=put(tmp_path, {"jobs.py": JOBS}))) == ["Jobs"]

    def test_nothing_prefers_schedtui_toml(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {
                "jobs.py": JOBS,
                "other.py": group_file("Other"),
                "schedtui.toml": 'target = "other.py"',
            },
        )
        assert names(load_target(None, cwd=tmp_path)) == ["Other"]

    def test_nothing_and_nothing_here_says_how_to_begin(self, tmp_path: Path) -> None:
        text = str(refused(None, tmp_path))
        assert f"{tmp_path} holds neither schedtui.toml nor jobs.py" in text
        example = text.partition("\n\n")[2]
        put(tmp_path, {"jobs.py": "\n".join(line.strip() for line in example.splitlines()[:3])})
        assert names(load_target(None, cwd=tmp_path)) == ["Jobs"]

    def test_a_folder_is_all_its_files_with_jobs(self, tmp_path: Path) -> None:
        bomb = "raise RuntimeError('must not run')"
        put(
            tmp_path / "work",
            {
                "b.py": group_file("B"),
                "a.py": "from helper import NAME\n" + JOBS.replace('"Jobs"', "NAME"),
                "helper.py": "NAME = 'A'",
                "_private.py": bomb,
                "test_a.py": bomb,
                "a_test.py": bomb,
                "conftest.py": bomb,
                "setup.py": bomb,
                "notes.txt": "notes",
                "deeper/c.py": bomb,
            },
        )
        target = load_target("work", cwd=tmp_path)
        assert (target.name, target.folder, names(target)) == (
            "work",
            tmp_path / "work",
            ["A", "B"],
        )

    def test_a_folder_with_jobs_py_is_that_file(self, tmp_path: Path) -> None:
        put(tmp_path, {"jobs.py": JOBS, "manage.py": "raise RuntimeError('must not run')"})
        assert names(load_target(".", cwd=tmp_path)) == ["Jobs"]

    @pytest.mark.parametrize("shown", [None, ".", "schedtui.toml"])
    def test_files_with_jobs_beside_jobs_py_are_told(
        self, tmp_path: Path, shown: str | None
    ) -> None:
        put(
            tmp_path,
            {
                "jobs.py": "import imported\n" + JOBS,
                "imported.py": group_file("Imported"),
                "more.py": group_file("More"),
                "nightly.py": "import schedtui\n",
                "helper.py": "NAME = 'schedtui'",
                "test_more.py": group_file("Test"),
            },
        )
        if shown == "schedtui.toml":
            put(tmp_path, {shown: 'timezone = "UTC"'})
        target = load_target(shown, cwd=tmp_path)
        assert target.left_out == ("more.py", "nightly.py")

    def test_nothing_is_left_out_of_what_was_named(self, tmp_path: Path) -> None:
        put(tmp_path, {"jobs.py": JOBS, "more.py": group_file("More")})
        put(tmp_path / "all", {"a.py": JOBS, "b.py": group_file("B")})
        assert load_target("jobs.py", cwd=tmp_path).left_out == ()
        assert load_target("all", cwd=tmp_path).left_out == ()
        put(tmp_path, {"schedtui.toml": 'target = "jobs.py"'})
        assert load_target(None, cwd=tmp_path).left_out == ()

    def test_a_module(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {
                "shop/__init__.py": "",
                "shop/nightly.py": "from .names import NAME\n" + group_file("N"),
                "shop/names.py": "NAME = 1",
            },
        )
        target = load_target("shop.nightly", cwd=tmp_path)
        assert (target.name, target.folder, names(target)) == ("shop.nightly", tmp_path, ["N"])
        assert sys.path[0] == str(tmp_path)

    def test_a_file_in_a_package_may_import_relatively(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {
                "shop/__init__.py": "",
                "shop/jobs.py": "from .names import NAME\nfrom shop.names import NAME\n" + JOBS,
                "shop/names.py": "NAME = 1",
            },
        )
        target = load_target("shop/jobs.py", cwd=tmp_path)
        assert (names(target), target.folder) == (["Jobs"], tmp_path / "shop")
        assert target.groups[0].functions["hello"].call.__module__ == "shop.jobs"

    @pytest.mark.parametrize("shown", ["jobs.py:app", "jobs:app", "./jobs.py:app"])
    def test_an_engine_in_a_file_or_module(self, tmp_path: Path, shown: str) -> None:
        put(
            tmp_path,
            {"jobs.py": JOBS + ENGINE + "app = FakeEngine([jobs])\nspare = FakeEngine([])\n"},
        )
        target = load_target(shown, cwd=tmp_path)
        assert type(target.engine).__name__ == "FakeEngine"
        assert names(target) == ["Jobs"]

    def test_the_only_engine_of_a_file_is_found(self, tmp_path: Path) -> None:
        code = JOBS + ENGINE + "app = FakeEngine([Group('Hidden')])\nalias = app\n"
        target = load_target(None, cwd=put(tmp_path, {"jobs.py": code}))
        assert type(target.engine).__name__ == "FakeEngine"
        assert names(target) == ["Hidden"]

    def test_several_engines_must_be_told_apart(self, tmp_path: Path) -> None:
        code = JOBS + ENGINE + "a = FakeEngine([jobs])\nb = FakeEngine([])\n"
        error = refused(None, put(tmp_path, {"jobs.py": code}))
        assert "Name one: jobs.py:a or jobs.py:b" in str(error)

    @pytest.mark.parametrize(
        "attribute", ["one", "both", "make", "Box.inner", "partial_make", "make_list"]
    )
    def test_groups_by_name(self, tmp_path: Path, attribute: str) -> None:
        code = (
            "import functools\n" + group_file("One", "one") + "two = Group('Two')\n"
            "both = [one, two]\n"
            "def make(): return one\n"
            "def make_list(): return (one, two)\n"
            "partial_make = functools.partial(make)\n"
            "class Box: inner = one\n"
        )
        put(tmp_path, {"work.py": code})
        target = load_target(f"work.py:{attribute}", cwd=tmp_path)
        both = attribute in ("both", "make_list")
        assert names(target) == (["One", "Two"] if both else ["One"])

    def test_the_folder_is_first_on_the_path(self, tmp_path: Path) -> None:
        put(tmp_path, {"work.py": "import helper\n" + JOBS, "helper.py": ""})
        load_target("work.py", cwd=tmp_path)
        assert sys.path[0] == str(tmp_path)

    def test_a_link_to_a_file_is_the_file(self, tmp_path: Path) -> None:
        put(tmp_path, {"real/jobs.py": "import helper\n" + JOBS, "real/helper.py": ""})
        (tmp_path / "link.py").symlink_to(tmp_path / "real/jobs.py")
        assert load_target("link.py", cwd=tmp_path).folder == tmp_path / "real"


class TestNoTarget:
    @pytest.mark.parametrize(
        ("target", "says"),
        [
            ("wrok.py", "wrok.py: there is no such file or folder. Did you mean work.py?"),
            ("./nowhere", "there is no such file or folder"),
            ("nothing", "'nothing' is no target"),
            ("no.such.module", "there is no module 'no.such.module' (there is no 'no'). It was"),
            ("what is this.", "no file, folder or module"),
            ("notes.txt", "notes.txt: it is not a Python file"),
            ("work.py:", "After ':' comes the name of an Engine or a Group"),
            ("work.py:1x", "After ':' comes the name of an Engine or a Group"),
            ("work.py:grup", "work.py: it has no 'grup'. Did you mean group"),
            ("work.py:number", "work.py:number gives 5; expected an Engine, a Group"),
            ("work.py:Group", "expected an Engine, a Group"),
            ("work.py:needs", "work.py:needs needs arguments"),
            ("work.py:later", "work.py:later is async"),
            ("empty", "empty: the folder holds no Python file with jobs"),
            ("empty:group", "names something in a folder"),
            ("schedtui.toml:x", "nothing to name after ':'"),
        ],
    )
    def test_is_explained(self, tmp_path: Path, target: str, says: str) -> None:
        code = group_file("G") + "number = 5\ndef needs(a): ...\nasync def later(): return group\n"
        put(tmp_path, {"work.py": code, "notes.txt": "", "schedtui.toml": ""})
        (tmp_path / "empty").mkdir()
        assert says in str(refused(target, tmp_path))

    def test_without_a_group_it_says_how_to_make_one(self, tmp_path: Path) -> None:
        put(tmp_path, {"work.py": "x = 1"})
        text = str(refused("work.py", tmp_path))
        assert "no group was found in work.py. Make one:" in text
        assert 'jobs = Group("Jobs")' in text

    def test_a_path_that_no_file_system_takes(self, tmp_path: Path) -> None:
        assert "it cannot be read: File name too long" in str(refused("x" * 5000 + ".py", tmp_path))

    def test_a_file_that_cannot_be_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(tmp_path, {"work.py": JOBS})
        # written in C, as what really fails: it leaves no line of Python in the traceback
        monkeypatch.setattr("importlib.machinery.SourceFileLoader.get_data", os.listdir)
        assert str(refused("work.py", tmp_path)) == "work.py: it cannot be read: Not a directory"
