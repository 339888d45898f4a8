"""Groups taken out of loaded files."""

from __future__ import annotations

from pathlib import Path

from target_files import JOBS, group_file, names, put, refused

from schedtui.target import load_target


class TestCollecting:
    def test_each_group_once_in_the_order_of_the_file(self, tmp_path: Path) -> None:
        code = (
            "from shared import shared\n" + group_file("Z", "z") + "a = Group('A')\n"
            "everything = [a, z, Group('In a list')]\nalias = a\n"
        )
        put(tmp_path, {"work.py": code, "shared.py": group_file("Shared", "shared")})
        target = load_target("work.py", cwd=tmp_path)
        assert names(target) == ["Shared", "Z", "A", "In a list"]

    def test_files_of_a_folder_share_what_they_import(self, tmp_path: Path) -> None:
        put(
            tmp_path / "w",
            {
                "a.py": "from b import jobs\n@jobs.job(every=5)\ndef one(): ...\n",
                "b.py": JOBS,
                "c.py": "from b import jobs\n@jobs.job(every=5)\ndef two(): ...\n",
            },
        )
        target = load_target("w", cwd=tmp_path)
        assert [job.name for job in target.groups[0].declarations] == ["hello", "one", "two"]

    def test_two_groups_of_one_name_are_refused_with_both_places(self, tmp_path: Path) -> None:
        put(tmp_path / "w", {"a.py": group_file("Same"), "b.py": "\n" + group_file("Same")})
        assert str(refused("w", tmp_path)).startswith(
            "two groups are called 'Same': w/a.py:2 and w/b.py:3. Rename one"
        )

    def test_objects_that_bite_are_left_alone(self, tmp_path: Path) -> None:
        code = JOBS + (
            "class Proxy:\n"
            "    @property\n"
            "    def __class__(self): raise RuntimeError('outside of a request')\n"
            "    def __getattr__(self, name): raise RuntimeError('outside of a request')\n"
            "proxy = Proxy()\n"
            "from unittest.mock import Mock\n"
            "mock = Mock()\n"
        )
        target = load_target(None, cwd=put(tmp_path, {"jobs.py": code}))
        assert (names(target), target.engine) == (["Jobs"], None)
