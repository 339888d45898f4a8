from __future__ import annotations

import pytest
from store_rows import T0, add, boot, job, line, new_run

from schedtui.errors import StoreDataError
from schedtui.models import LogHit, LogLine
from schedtui.protocols import Store
from schedtui.store.chunks import encode

MONTH = 31 * 86_400 * 1_000_000


def write(store: Store, run_id: int, *lines: LogLine) -> None:
    with store.transaction() as tx:
        tx.append_logs([encode(run_id, lines)])


pytestmark = pytest.mark.usefixtures("job_id")


@pytest.fixture
def job_id(store: Store) -> int:
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.insert_runs([new_run(run_id, job_id) for run_id in range(1, 6)])
    return job_id


def found(store: Store, query: str, limit: int = 100) -> list[tuple[int, str]]:
    return [(hit.run_id, hit.line.text) for hit in store.search_logs(query, limit=limit)]


def test_lines_come_back_as_they_were(store: Store) -> None:
    lines = [
        line(1, "first"),
        line(2, "", level="error", stream="stderr"),
        line(5, "caf\udce9 \x1b[31m\0 ☃", attempt=2, at_us=T0 - 7),
    ]
    write(store, 1, *lines)

    assert store.log_lines(1, after=0, limit=10) == lines
    assert store.log_lines(2, after=0, limit=10) == []


def test_lines_are_read_from_anywhere_across_chunks(store: Store) -> None:
    for start in (1, 11, 21):
        write(store, 1, *(line(seq, f"line {seq}") for seq in range(start, start + 10)))
    write(store, 2, line(1, "of another run"))

    def seqs(after: int, limit: int) -> list[int]:
        return [one.seq for one in store.log_lines(1, after=after, limit=limit)]

    assert seqs(0, 100) == list(range(1, 31))
    assert seqs(8, 5) == [9, 10, 11, 12, 13]
    assert seqs(10, 1) == [11]
    assert seqs(30, 5) == []
    assert seqs(0, 0) == []


def test_the_tail_is_the_end_in_order(store: Store) -> None:
    for start in (1, 11, 21):
        write(store, 1, *(line(seq, f"line {seq}") for seq in range(start, start + 10)))

    def seqs(count: int) -> list[int]:
        return [one.seq for one in store.log_tail(1, count)]

    assert seqs(3) == [28, 29, 30]
    assert seqs(15) == list(range(16, 31))
    assert seqs(500) == list(range(1, 31))
    assert seqs(0) == []


def test_the_same_lines_are_not_kept_twice(store: Store) -> None:
    write(store, 1, line(1, "a"))

    with pytest.raises(StoreDataError):
        write(store, 1, line(1, "a"))
    assert len(store.log_lines(1, after=0, limit=9)) == 1


def test_search_finds_lines_with_every_word(store: Store) -> None:
    write(store, 1, line(1, "User 7 logged in"), line(2, "user 8 logged OUT"))
    write(store, 3, line(1, "nothing"), line(2, "out: user 7"))

    assert found(store, "user OUT") == [(3, "out: user 7"), (1, "user 8 logged OUT")]
    assert found(store, "USER 7") == [(3, "out: user 7"), (1, "User 7 logged in")]
    assert found(store, "logged nothing") == []
    assert store.search_logs("nothing", limit=5) == [
        LogHit(run_id=3, job="Reports/clean", line=line(1, "nothing"))
    ]


def test_search_is_for_whole_words_with_their_punctuation(store: Store) -> None:
    write(store, 1, line(1, "timeout=30 for user-7"), line(2, "foo_bar, naïve Straße"))

    assert found(store, "time") == []
    assert found(store, "timeout") == [(1, "timeout=30 for user-7")]
    assert found(store, "timeout=30") == [(1, "timeout=30 for user-7")]
    assert found(store, "timeout=3") == []
    assert found(store, "user-7 =30") == [(1, "timeout=30 for user-7")]
    assert found(store, "foo") == [(1, "foo_bar, naïve Straße")]
    assert found(store, "NAÏVE STRASSE") == [(1, "foo_bar, naïve Straße")]
    assert found(store, "naive") == []
    assert found(store, "=") == [(1, "timeout=30 for user-7")]


def test_search_gives_the_newest_within_the_limit(store: Store) -> None:
    for run_id in (1, 2, 3):
        write(store, run_id, *(line(seq, f"hello {run_id}.{seq}") for seq in (1, 2, 3)))

    assert found(store, "hello", 4) == [
        (3, "hello 3.3"),
        (3, "hello 3.2"),
        (3, "hello 3.1"),
        (2, "hello 2.3"),
    ]
    assert found(store, "hello", 0) == []


def test_search_looks_through_all_months_and_many_chunks(store: Store) -> None:
    for month in range(3):
        with store.transaction() as tx:
            tx.append_logs(
                [
                    encode(month + 1, [line(seq, f"needle {seq}", at_us=T0 + month * MONTH)])
                    for seq in range(1, 61)
                ]
            )

    hits = found(store, "needle", 1000)
    assert len(hits) == 180
    assert hits[0] == (3, "needle 60")
    assert hits[-1] == (1, "needle 1")


def test_a_long_word_is_found(store: Store) -> None:
    write(store, 1, line(1, "x" * 50_000))

    assert len(found(store, "x" * 50_000)) == 1
    assert found(store, "x" * 49_999) == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "\t\n",
        '"',
        "'",
        '""" OR "',
        "* AND OR NOT NEAR",
        "words:hello",
        "hello*",
        "^hello",
        "-hello",
        "(hello",
        "hello)",
        "{words} : x",
        "NEAR(hello world, 5)",
        "'; DROP TABLE runs; --",
        "\x00",
        "hel\x00lo",
        "\udcff",
        "%",
        "_",
        "٣ ²",
        "\u0301",
        " ".join(f"word{i}" for i in range(1000)),
        "a" * 100_000,
    ],
)
def test_no_query_breaks_the_search(store: Store, query: str) -> None:
    write(store, 1, line(1, "hello world"))

    assert found(store, query) == []


@pytest.mark.parametrize("text", ["a-b", "[x]", "\\d+", "50%", "ä_ö", "*", "a\0b", "\udcff!"])
def test_what_was_written_is_found_literally(store: Store, text: str) -> None:
    write(store, 1, line(1, f"before {text} after"))

    assert found(store, text) == [(1, f"before {text} after")]


def test_logs_of_a_deleted_job_are_found(store: Store, job_id: int) -> None:
    write(store, 1, line(1, "still here"))
    with store.transaction() as tx:
        tx.delete_job(job_id, version=1, now_us=T0)

    assert [hit.job for hit in store.search_logs("still", limit=5)] == ["Reports/clean"]


def test_logs_are_rolled_back_with_their_index(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as tx:
            tx.append_logs([encode(1, [line(1, "ghost")])])
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert found(store, "ghost") == []
    assert store.log_lines(1, after=0, limit=5) == []

    write(store, 1, line(1, "ghost"))
    assert found(store, "ghost") == [(1, "ghost")]


def test_logs_are_there_after_reopening(store: Store) -> None:
    write(store, 1, line(1, "kept"))
    store.close()
    store.open(boot("boot-2"))

    assert found(store, "kept") == [(1, "kept")]
    with store.transaction() as tx:
        tx.insert_job(job("later"))


def test_search_with_a_limit_prefers_a_newer_run_to_a_newer_line(store: Store) -> None:
    write(store, 1, line(1, "needle 1.1"))
    write(store, 2, line(1, "needle 2.1", at_us=T0 + MONTH))
    write(store, 3, line(1, "hay"))
    for seq in range(2, 200):  # a long run goes on while later ones come and go
        write(store, 1, line(seq, f"needle 1.{seq}", at_us=T0 + 2 * MONTH))

    whole = found(store, "needle", 1_000)
    assert [text for _, text in whole[:3]] == ["needle 2.1", "needle 1.199", "needle 1.198"]
    for limit in (1, 2, 50, 199):
        assert found(store, "needle", limit) == whole[:limit]
    assert found(store, "-", 1_000) == []
