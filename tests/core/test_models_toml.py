"""TOML of strangers takes no more memory than so many times its length."""

from __future__ import annotations

import tracemalloc

import pytest

from schedtui.models.jobs_file import JobsFile, parse, render
from schedtui.models.toml import BYTES_A_TABLE, FEW, loads

LENGTH = 128 << 10
MOST = 150
ALLOWED = (LENGTH - 100) // BYTES_A_TABLE
TAIL = ".".join("abcdefghijklmno")
HEAVY = {
    "heads": f"[k#.{TAIL}]\n",
    "heads of lists": f"[[k#.{TAIL}]]\n",
    "heads with room": f"[ k# . {TAIL} ]  # a note\r\n",
    "short heads": "[k#]\n",
    "the last of two": "[k#.a]\n[k#.b]\n",
    "keys": f"k#.{TAIL} = 1\n",
    "short keys": "k#.a=1\n",
    "keys below heads": f"[k#]\n{TAIL}.p = 1\n",
    "inline": f"k# = {{{TAIL}.p = 1}}\n",
    "the same inline": f"k# = [{', '.join([f'{{{TAIL}.p = 1}}'] * 20)}]\n",
}


def repeated(line: str, length: int = LENGTH) -> str:
    """Lines with another number in each, for ``#``."""
    return "".join(line.replace("#", f"{i:05}") for i in range(length // letters(line)))


def letters(line: str) -> int:
    return len(line.replace("#", "00000"))


def peak(text: str) -> int:
    """Bytes that reading ``text`` takes at the most; refused or not."""
    tracemalloc.start()
    try:
        loads(text)
    except ValueError:
        pass
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


@pytest.mark.parametrize("line", HEAVY.values(), ids=HEAVY)
def test_no_text_takes_more_than_its_share(line: str) -> None:
    text = repeated(line)
    assert peak(text) < MOST * len(text)


@pytest.mark.parametrize(
    ("name", "each"),
    [("heads", 16), ("short heads", 1), ("keys", 15), ("short keys", 1), ("keys below heads", 16)],
)
def test_as_much_as_is_allowed_does_not_either(name: str, each: int) -> None:
    """Up to the bound, with other keys for the rest of its length."""
    line = HEAVY[name]
    heavy = repeated(line, ALLOWED // each * letters(line))
    text = repeated("z# = {a = {}}\n", LENGTH - len(heavy)) + heavy
    loads(text)
    assert peak(text) < MOST * len(text)


def test_it_says_how_many_tables_there_may_be_and_where_they_end() -> None:
    with pytest.raises(
        ValueError, match=r"too many tables, up to line 655[0-9]: .* about one for 10 letters"
    ):
        loads(repeated(HEAVY["heads"], 1 << 20))


@pytest.mark.parametrize(
    "line",
    [
        'jobs."g/#".kwargs.a=1\njobs."g/#".kwargs.b=1\n',
        '[jobs."g/#"]\nkwargs.a.b=1\nkwargs.a.c=2\n',
        "a.b.c#=1\n",
        'jobs."g/#".function="g/f"\njobs."g/#".trigger.cron="* * * * *"\n',
        'jobs."g/#"={function="g/f",trigger={every=5},kwargs.a=1}\n',
    ],
)
def test_a_terse_file_of_many_jobs_or_arguments_is_read(line: str) -> None:
    assert loads(repeated(line, 1 << 20))


def test_a_small_file_may_make_many_tables() -> None:
    assert len(loads(repeated("#.b=1\n", FEW * letters("#.b=1\n")))) == FEW


def test_many_small_jobs_are_read() -> None:
    jobs = {
        f"g/{i}": {
            "function": "g/f",
            "trigger": {"type": "every", "seconds": 5},
            "policies": {"retries": 1},
            "kwargs": {"a": {"b": {"c": {"d": 1}}}},
        }
        for i in range(1_000)
    }
    text = render(JobsFile(jobs=jobs))
    assert parse(text).jobs == jobs


@pytest.mark.parametrize("value", ["1.5", "[1.5, 2.5],\n", "1979-05-27T07:32:00.999-07:00"])
def test_numbers_and_times_are_no_keys(value: str) -> None:
    rows = ", ".join([value.rstrip(",\n")] * 20_000) if "\n" not in value else value * 20_000
    assert len(loads(f"a = [\n{rows}\n]")["a"]) == 20_000
