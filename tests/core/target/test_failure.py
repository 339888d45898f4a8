"""Code that fails: the file, the line and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from target_files import JOBS, put, refused

from schedtui.target import load_target


class TestFailingCode:
    @pytest.mark.parametrize(
        ("code", "line", "says"),
        [
            ("x = 1\ndef f(:\n  pass\n", 2, "SyntaxError: invalid syntax: def f(:"),
            ("if x:\ny = 1\n", 2, "IndentationError: expected an indented block"),
            ("x = 1\n1/0\n", 2, "ZeroDivisionError: division by zero"),
            ("\nimport nosuchthing\n", 2, "it imports 'nosuchthing', and there is no such module"),
            ("from os import nosuch\n", 1, "ImportError: cannot import name 'nosuch' from 'os'"),
            ("import sys\nsys.exit(3)\n", 2, "it ends the program, by SystemExit: 3"),
            ("class Own(BaseException): ...\nraise Own('x')\n", 2, "Own: x"),
            ("raise ValueError\n", 1, "jobs.py:1: ValueError"),
            ("import json\n\njson.loads('{')\n", 3, "JSONDecodeError: Expecting property name"),
            ("open('/nosuch/file')\n", 1, "FileNotFoundError: "),
            ("eval('1 +')\n", 1, "SyntaxError: invalid syntax"),
            (b"x = 1\ny = '\xff'\n", 2, "it is not UTF-8"),
            ("def f(): f()\nf()\n", 1, "RecursionError: "),
        ],
    )
    def test_gives_file_line_and_reason(
        self, tmp_path: Path, code: str | bytes, line: int, says: str
    ) -> None:
        error = refused(None, put(tmp_path, {"jobs.py": code}))
        assert (error.file, error.line) == ("jobs.py", line)
        assert says in str(error)
        assert str(error).startswith(f"jobs.py:{line}: ")

    def test_null_bytes(self, tmp_path: Path) -> None:
        error = refused(None, put(tmp_path, {"jobs.py": b"x\0"}))
        assert "null bytes" in str(error)
        assert str(error).startswith("jobs.py: ")

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("@jobs.job(cron='99 * * * *')", "99"),
            (
                "@jobs.job(every=5, kwargs={'m': 1})",
                "job Jobs/run: kwargs.m: got 1; expected no such",
            ),
            ("@jobs.job(every=5, timezone='Mars')", "Mars"),
            ("@jobs.job(every=5, kwargs={'n': 'x'})", "job Jobs/run: kwargs.n: got 'x'; expected"),
        ],
    )
    def test_a_wrong_decorator_is_told_at_its_line(
        self, tmp_path: Path, line: str, says: str
    ) -> None:
        code = JOBS + f"\n{line}\ndef run(n: int = 0): ...\n"
        error = refused(None, put(tmp_path, {"jobs.py": code}))
        assert (error.file, error.line) == ("jobs.py", 8)
        assert says in str(error)
        assert "Error" not in str(error)

    def test_a_job_without_a_required_argument_says_which_and_what_to_do(
        self, tmp_path: Path
    ) -> None:
        code = JOBS + "\n@jobs.job(every=5, kwargs={'m': 1})\ndef run(to: str, n: int): ...\n"
        assert str(refused(None, put(tmp_path, {"jobs.py": code}))) == (
            "jobs.py:8: job Jobs/run lacks the arguments 'to' and 'n', which its function requires;"
            " give them in the decorator, kwargs={'to': ..., 'n': ...}, or give the parameters a "
            "default; kwargs.m: got 1; expected no such parameter; known: to, n"
        )

    def test_the_place_is_the_deepest_line_of_the_users(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {
                "app/jobs.py": "import helper\n",
                "app/helper.py": "import json\n\ndef read():\n    json.loads('{')\n\nread()\n",
            },
        )
        error = refused("app/jobs.py", tmp_path)
        assert (error.file, error.line) == ("app/helper.py", 4)

    def test_a_syntax_error_of_a_helper_is_the_helpers(self, tmp_path: Path) -> None:
        put(tmp_path, {"jobs.py": "import helper\n", "helper.py": "\n\nx = = 1\n"})
        error = refused(None, tmp_path)
        assert (error.file, error.line) == ("helper.py", 3)

    def test_a_module_that_imports_what_is_missing(self, tmp_path: Path) -> None:
        put(tmp_path, {"shop/__init__.py": "", "shop/nightly.py": "import shop.missing\n"})
        error = refused("shop.nightly", tmp_path)
        assert (error.file, error.line) == ("shop/nightly.py", 1)
        assert "No module named 'shop.missing'" in str(error)

    def test_a_function_that_makes_groups_and_fails(self, tmp_path: Path) -> None:
        put(tmp_path, {"jobs.py": "def make():\n    raise OSError('no network')\n"})
        error = refused("jobs.py:make", tmp_path)
        assert str(error) == "jobs.py:2: OSError: no network"

    def test_the_cause_is_kept_and_long_texts_are_not(self, tmp_path: Path) -> None:
        error = refused(None, put(tmp_path, {"jobs.py": "raise KeyError('x' * 9999)"}))
        assert isinstance(error.__cause__, KeyError)
        assert len(str(error)) < 600

    def test_an_exception_without_words(self, tmp_path: Path) -> None:
        code = "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad\n"
        assert str(refused(None, put(tmp_path, {"jobs.py": code}))) == "jobs.py:3: Bad"

    def test_an_interrupt_is_not_swallowed(self, tmp_path: Path) -> None:
        put(tmp_path, {"jobs.py": "raise KeyboardInterrupt"})
        with pytest.raises(KeyboardInterrupt):
            load_target(None, cwd=tmp_path)
