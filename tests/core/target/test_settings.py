"""``schedtui.toml``."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from target_files import JOBS, group_file, names, put, refused

from schedtui.errors import TargetError
from schedtui.models import Overlap, Policies
from schedtui.registry import Registry
from schedtui.target import Target, load_target
from schedtui.target.settings import Settings


class TestSettings:
    def load(self, tmp_path: Path, toml: str, target: str | None = None) -> Target:
        put(tmp_path, {"jobs.py": JOBS, "schedtui.toml": toml})
        return load_target(target, cwd=tmp_path)

    def test_everything(self, tmp_path: Path) -> None:
        target = self.load(
            tmp_path,
            'target = "jobs.py"\ntimezone = "Europe/Berlin"\nstore = "sqlite:///data/state.db"\n'
            'listen = "0.0.0.0:9000"\n[groups."Jobs"]\ntimezone = "Asia/Tokyo"\n',
        )
        settings = target.settings
        assert settings.file == tmp_path / "schedtui.toml"
        assert settings.timezone == "Europe/Berlin"
        assert settings.store == f"sqlite:///{tmp_path}/data/state.db"
        assert settings.listen == "0.0.0.0:9000"
        assert Registry(target.groups).declarations()[0].timezone == "Asia/Tokyo"

    def test_the_engine_and_its_groups(self, tmp_path: Path) -> None:
        target = self.load(
            tmp_path,
            """
            threads = 3
            async_slots = 40
            telemetry = true
            processes = 2
            policies.timeout_s = 600
            [pools]
            smtp = 2
            [groups.Jobs]
            limit = 5
            policies = {retries = 3, overlap = "queue_one"}
            """,
        )
        settings = target.settings
        assert (settings.threads, settings.async_slots, settings.processes) == (3, 40, 2)
        assert settings.telemetry
        assert settings.pools == {"smtp": 2}
        assert settings.policies == Policies(timeout_s=600.0)
        (group,) = target.groups
        assert group.limit == 5
        assert group.policies == Policies(retries=3, overlap=Overlap.QUEUE_ONE)

    def test_a_group_keeps_what_the_file_leaves_open(self, tmp_path: Path) -> None:
        code = JOBS.replace('Group("Jobs"', 'Group("Jobs", limit=2, retries=1, grace_s=5')
        put(tmp_path, {"jobs.py": code, "schedtui.toml": "[groups.Jobs.policies]\nretries = 4"})
        (group,) = load_target(None, cwd=tmp_path).groups
        assert group.limit == 2
        assert group.policies == Policies(retries=4, grace_s=5.0)

    @pytest.mark.parametrize(
        "store", ["sqlite:////abs/state.db", "postgresql://host/db", "sqlite:///:memory:"]
    )
    def test_a_store_that_is_not_relative_stays(self, tmp_path: Path, store: str) -> None:
        assert self.load(tmp_path, f'store = "{store}"').settings.store == store

    def test_a_file_beside_it_takes_its_settings(self, tmp_path: Path) -> None:
        target = self.load(tmp_path, 'timezone = "Asia/Tokyo"\n[groups.Other]\n', "jobs.py")
        assert target.settings.timezone == "Asia/Tokyo"

    def test_none(self, tmp_path: Path) -> None:
        settings = load_target(None, cwd=put(tmp_path, {"jobs.py": JOBS})).settings
        assert settings == Settings()

    def test_several_targets_of_every_form(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {
                "conf/schedtui.toml": 'target = ["one.py", "more", "pack.mod", "two.py:group"]',
                "conf/one.py": group_file("One"),
                "conf/more/x.py": group_file("X"),
                "conf/more/y.py": group_file("Y"),
                "conf/pack/mod.py": group_file("Mod"),
                "conf/two.py": group_file("Two") + "other = Group('Not named')\n",
            },
        )
        target = load_target("conf/schedtui.toml", cwd=tmp_path)
        assert names(target) == ["One", "X", "Y", "Mod", "Two"]
        assert (target.name, target.folder) == ("conf", tmp_path / "conf")
        assert names(load_target("conf", cwd=tmp_path)) == names(target)

    def test_a_folder_that_names_itself(self, tmp_path: Path) -> None:
        put(tmp_path, {"a.py": group_file("A"), "schedtui.toml": 'target = "."'})
        assert names(load_target(None, cwd=tmp_path)) == ["A"]

    @pytest.mark.parametrize(
        ("toml", "line", "says"),
        [
            ("x = = 1", 1, "it is not valid TOML"),
            ("\ntimezone = 5", 2, "timezone: got 5; expected a text in quotes"),
            ('\n\ntimezone = "Mars"', 3, "timezone: got 'Mars'"),
            ('listen = "8787"', 1, "HOST:PORT"),
            ('listen = "a:99999"', 1, "HOST:PORT"),
            ('\ntimezon = "UTC"', 2, "there is no setting 'timezon'; known here: target"),
            ("target = 5", 1, "target: got 5"),
            ("target = [1]", 1, "target: got [1]"),
            ("groups = 5", 1, "groups: got 5"),
            ("[groups]\nJobs = 5", 2, "groups.Jobs: got 5"),
            ('[groups."Jobs"]\nx = 1', 2, "there is no setting 'groups.Jobs.x'"),
            ('timezone = "UTC"\n[groups."Jobs"]\ntimezone = "Mars"', 3, "got 'Mars'"),
            ("[engine]\nx = 1", 1, "there is no setting 'engine'"),
            ('[groups."Jubs"]\ntimezone = "UTC"', None, "a group 'Jubs', and there is none"),
            ('target = "nosuch.py"', None, "target: nosuch.py: there is no such file"),
            ('target = "a\\u0000b.py"', None, "target: 'a\\x00b.py': it cannot be read"),
            ('timezone = "UTC"\nlisten = "h:\u0661\u0662"', 2, "listen: got 'h:\u0661\u0662'"),
            ('"\\u001b]0;x" = 1', 1, "there is no setting '\"\\x1b]0;x\"'"),
            ('\n[groups."a\\u001b"]\nx = 1', 3, "there is no setting 'groups.\"a\\x1b\".x'"),
            ('groups.Jobs.timezone = "Mars"', 1, "groups.Jobs.timezone: got 'Mars'"),
            ("threads = 0", 1, "threads: got 0; expected a whole number from 1 to 10,000"),
            ("telemetry = 1", 1, "telemetry: got 1; expected true or false"),
            ("async_slots = 10_001", 1, "async_slots: got 10001; expected a whole number from 1"),
            ("[groups.Jobs]\nlimit = 99999", 2, "groups.Jobs.limit: got 99999"),
            ('[pools]\na = 1\n"a/b" = 1', 3, "pools.\"a/b\": got 'a/b'; expected 1 to 128"),
            ('[pools]\na = 1\n"a.b" = 0', 3, 'pools."a.b": got 0; expected a whole number'),
            ("\nprocesses = true", 2, "processes: got True; expected a whole number"),
            ("pools = 3", 1, "pools: got 3; expected a table such as [pools]"),
            ("[pools]\na = 1\nsmtp = 0", 3, "pools.smtp: got 0; expected a whole number"),
            ("[policies]\nretrys = 1", 2, "policies.retrys: got 1; expected a policy: overlap"),
            ("policies.grace_s = '5'", 1, "policies.grace_s: got '5'; expected seconds"),
            ("[groups.Jobs]\nlimit = -1", 2, "groups.Jobs.limit: got -1"),
            (
                "[groups.Jobs]\npolicies = {overlap = 'no'}",
                2,
                "groups.Jobs.policies.overlap: got 'no'; expected one of 'skip'",
            ),
            ('[ groups . "Jobs" ]\n timezone="Mars"', 2, "groups.Jobs.timezone: got 'Mars'"),
        ],
    )
    def test_mistakes_name_the_line(
        self, tmp_path: Path, toml: str, line: int | None, says: str
    ) -> None:
        put(tmp_path, {"jobs.py": JOBS, "schedtui.toml": toml})
        error = refused(None, tmp_path)
        assert (error.file, error.line) == ("schedtui.toml", line)
        assert says in str(error)

    @pytest.mark.parametrize(
        ("before", "part", "times", "says"),
        [
            ("target = 'jobs.py", "y", 5000, "…: it cannot be read: File name too long"),
            ("target = ['jobs.py'", ",'jobs.py'", 20_000, "expected at most 1,000"),
            ("x=", "[", 20_000, "nested too deeply"),
            ("x=", "{a=", 5000, "nested too deeply"),
            ("listen = ", "1", 6000, "it is not valid TOML: Exceeds the limit"),
            ("", "#", (1 << 20) + 1, "it is longer than 1048576 bytes"),
        ],
    )
    def test_nothing_is_too_much_of_a_thing(
        self, tmp_path: Path, before: str, part: str, times: int, says: str
    ) -> None:
        end = {"target = 'jobs.py": "'", "target = ['jobs.py'": "]"}.get(before, "")
        put(tmp_path, {"jobs.py": JOBS, "schedtui.toml": before + part * times + end})
        text = str(refused(None, tmp_path))
        assert text.startswith("schedtui.toml:")
        assert says in text
        assert len(text) < 300

    @pytest.mark.parametrize(
        "toml", ["'{}' = 1", "[groups.'{}']\nx = 1", "[groups.'{}']\ntimezone = 'UTC'"]
    )
    def test_long_names_are_shortened(self, tmp_path: Path, toml: str) -> None:
        put(tmp_path, {"jobs.py": JOBS, "schedtui.toml": toml.format("k" * 500_000)})
        text = str(refused(None, tmp_path))
        assert text.startswith("schedtui.toml:")
        assert "kkk…" in text
        assert len(text) < 300

    def test_a_byte_order_mark_is_no_part_of_it(self, tmp_path: Path) -> None:
        assert (
            self.load(tmp_path, '\ufefftimezone = "Asia/Tokyo"').settings.timezone == "Asia/Tokyo"
        )

    @pytest.mark.parametrize("target", [None, ".", "jobs.py", "schedtui.toml"])
    @pytest.mark.parametrize("kind", ["dangling", "loop", "device", "folder", "fifo", "socket"])
    def test_what_is_no_regular_file_is_not_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, target: str | None
    ) -> None:
        """Without it another store would be used than the one that it names."""
        monkeypatch.chdir(put(tmp_path, {"jobs.py": JOBS}))
        file = Path("schedtui.toml")
        if kind == "folder":
            file.mkdir()
        elif kind == "fifo":
            os.mkfifo(file)
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(str(file))
        else:
            to = {"dangling": "mount/schedtui.toml", "loop": file.name, "device": "/dev/null"}
            file.symlink_to(to[kind])
        text = str(refused(target, tmp_path))
        if target != "schedtui.toml":  # which is looked at as what somebody named
            assert text.startswith("schedtui.toml: it is there and ")

    def test_a_link_to_a_file_is_followed(self, tmp_path: Path) -> None:
        put(tmp_path, {"jobs.py": JOBS, "shared/base.toml": 'timezone = "Asia/Tokyo"'})
        (tmp_path / "schedtui.toml").symlink_to("shared/base.toml")
        assert load_target(None, cwd=tmp_path).settings.timezone == "Asia/Tokyo"

    def test_not_utf8(self, tmp_path: Path) -> None:
        put(tmp_path, {"schedtui.toml": b"target = '\xff'"})
        assert "it is not UTF-8" in str(refused(None, tmp_path))

    def test_without_a_target_and_without_jobs_py(self, tmp_path: Path) -> None:
        put(tmp_path, {"schedtui.toml": "", "other.py": JOBS})
        assert "it names no target, and there is no jobs.py beside it" in str(
            refused(None, tmp_path)
        )


class TestSecrets:
    @pytest.mark.parametrize(
        ("toml", "line"),
        [
            ('[secrets]\nnames = "password"\n', 3),
            ('[secrets]\nnames = ["a b"]\n', 3),
            ("[secrets]\nvalues = []\n", 3),
            ('secrets = ["password"]\n', 2),
        ],
    )
    def test_what_is_no_list_of_names_is_told(self, tmp_path: Path, toml: str, line: int) -> None:
        put(tmp_path, {"jobs.py": JOBS, "schedtui.toml": f'target = "jobs.py"\n{toml}'})
        with pytest.raises(TargetError, match="secrets") as raised:
            load_target(None, cwd=tmp_path)
        assert raised.value.line == line

    def test_names(self, tmp_path: Path) -> None:
        toml = 'target = "jobs.py"\n[secrets]\nnames = ["password", "api_key"]\n'
        put(tmp_path, {"jobs.py": JOBS, "schedtui.toml": toml})
        assert load_target(None, cwd=tmp_path).settings.secrets == ("password", "api_key")
