"""`Late` parameters: what may stand there, what the schema says, and values out of files."""

from __future__ import annotations

import functools
import json
import logging
import os
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from schedtui import Late
from schedtui.errors import InvalidArgumentsError, InvalidError
from schedtui.schema import Parameters
from schedtui.schema.late import LateValue


@dataclass
class Limits:
    low: int
    high: int = 10


def load_limits() -> Limits:
    return Limits(1)


async def fetch_limits() -> Limits:
    return Limits(2)


def schema_of(call: Any) -> dict[str, Any]:
    return Parameters(call).json_schema()


class TestSignature:
    def test_a_type_checker_sees_what_the_provider_gives(self) -> None:
        sync: Limits = Late(load_limits)
        of_async: Limits = Late(fetch_limits)
        assert isinstance(sync, LateValue)
        assert isinstance(of_async, LateValue)

    @pytest.mark.parametrize("provider", [3, None, Limits(1)])
    def test_what_is_no_provider_is_refused(self, provider: Any) -> None:
        with pytest.raises(InvalidError, match="expected a callable"):
            Late(provider)

    def test_a_provider_that_needs_arguments_is_refused(self) -> None:
        with pytest.raises(InvalidError, match=r"called without arguments.*'low'"):
            Late(Limits)  # type: ignore[arg-type]  # the point

    def test_any_callable_will_do(self) -> None:
        some: tuple[Any, ...] = (dict, lambda: 1, functools.partial(Limits, 1), load_limits)
        for provider in some:
            assert isinstance(Late(provider), LateValue)

    def test_the_schema_says_that_it_is_late_and_not_required(self) -> None:
        def send(to: str, limits: Limits = Late(load_limits)) -> None:
            """Send.

            Args:
                limits: What may be sent.
            """

        schema = schema_of(send)
        assert schema["required"] == ["to"]
        shown = schema["properties"]["limits"]
        assert (shown["late"], shown["description"]) == ("load_limits", "What may be sent.")
        assert "default" not in shown

    def test_a_job_may_give_it(self) -> None:
        def send(limits: Limits = Late(load_limits)) -> None: ...

        parameters = Parameters(send)
        assert parameters.validate({"limits": {"low": 4}}) == {"limits": Limits(4)}
        assert parameters.validate({}) == {}
        with pytest.raises(InvalidArgumentsError, match=r"kwargs\.limits\.low"):
            parameters.validate({"limits": {"low": "x"}})

    def test_its_type_may_have_no_json_form(self) -> None:
        def send(to: str, sock: socket.socket = Late(socket.socket)) -> None: ...

        schema = schema_of(send)
        assert schema["properties"]["sock"] == {"readOnly": True, "late": "socket"}
        assert Parameters(send).validate({"to": "a"}) == {"to": "a"}
        with pytest.raises(InvalidArgumentsError, match="it is fetched at each attempt"):
            Parameters(send).validate({"to": "a", "sock": 3})

    def test_a_type_that_cannot_be_resolved_is_no_harm_either(self) -> None:
        def send(thing: Nowhere = Late(dict), **more: int) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - the point

        assert Parameters(send).validate({"a": 1}) == {"a": 1}
        with pytest.raises(InvalidArgumentsError, match=r"kwargs\.thing"):
            Parameters(send).validate({"thing": 3})


def provider_of(late: Any) -> Any:
    assert isinstance(late, LateValue)
    return late.provider


class TestFiles:
    def test_a_relative_path_is_beside_the_module(self, tmp_path: Path) -> None:
        (tmp_path / "conf.toml").write_text("[mail]\nlimit = 3\n")
        scope: dict[str, Any] = {"__file__": str(tmp_path / "jobs.py")}
        exec("from schedtui import Late\nlate = Late.toml('conf.toml', 'mail.limit')", scope)
        assert provider_of(scope["late"])() == 3
        assert repr(scope["late"]) == f"Late({tmp_path / 'conf.toml'} [mail.limit])"

    def test_json_and_lists_and_the_whole(self, tmp_path: Path) -> None:
        file = tmp_path / "c.json"
        file.write_text('\ufeff{"servers": [{"host": "a"}, {"host": "b"}]}')
        assert provider_of(Late.json(file, "servers.1.host"))() == "b"
        assert provider_of(Late.json(file))() == {"servers": [{"host": "a"}, {"host": "b"}]}

    def test_an_edit_counts_even_where_time_and_size_are_the_same(self, tmp_path: Path) -> None:
        file = tmp_path / "c.json"
        file.write_text("[1]")
        stamp = file.stat()
        read = provider_of(Late.json(file))
        assert read() == [1]
        file.write_text("[2]")
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert read() == [2]

    def test_it_is_parsed_once_for_one_content(self, tmp_path: Path) -> None:
        file = tmp_path / "c.json"
        file.write_text("[1]")
        provider = provider_of(Late.json(file))
        parsed: list[str] = []

        def parse(text: str) -> Any:
            parsed.append(text)
            return json.loads(text)

        provider._parse = parse
        for _ in range(3):
            os.utime(file)
            provider().append(2)  # what a function does to its copy is its own matter
        assert provider() == [1]
        assert parsed == ["[1]"]

    @pytest.mark.parametrize("broken", ["[1", "", '{"a": 1}', None, b"\xff\xfe"])
    def test_the_last_good_value_is_kept_with_a_warning(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str | bytes | None
    ) -> None:
        file = tmp_path / "c.json"
        file.write_text('{"key": 7}')
        read = provider_of(Late.json(file, "key"))
        assert read() == 7
        if broken is None:
            file.unlink()
        else:
            file.write_bytes(broken if isinstance(broken, bytes) else broken.encode())
        with caplog.at_level(logging.WARNING, "schedtui.late"):
            assert read() == 7
        assert f"{file}" in caplog.text
        assert "the last good value is used" in caplog.text
        file.write_text('{"key": 8}')
        caplog.clear()
        assert read() == 8
        assert not caplog.records

    def test_without_a_good_value_it_fails(self, tmp_path: Path) -> None:
        read = provider_of(Late.toml(tmp_path / "none.toml", "a.b"))
        with pytest.raises(InvalidError, match=r"none\.toml cannot be read: No such file"):
            read()
        (tmp_path / "none.toml").write_text("[a]\nc = 1\n")
        with pytest.raises(InvalidError, match=r"it has no 'a\.b' \(there is no 'b'\)"):
            read()

    def test_many_threads_may_read_it(self, tmp_path: Path) -> None:
        file = tmp_path / "c.json"
        file.write_text("[1]")
        read = provider_of(Late.json(file))
        got: list[Any] = []
        threads = [threading.Thread(target=lambda: got.append(read())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == [[1]] * 8
