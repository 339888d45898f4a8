"""Lines and progress of one attempt."""

from __future__ import annotations

import threading

import pytest
from running_doubles import SetClock, make_sink, texts

from schedtui.capture import RunSink
from schedtui.models import LogLine


def test_a_line_has_number_time_level_stream_and_attempt() -> None:
    clock = SetClock(5)
    sink = RunSink(run_id=7, attempt=2, clock=clock, first_seq=11)
    sink.write("warning", "log", "careful")
    clock.us = 9
    sink.write("info", "logging", "on")
    assert sink.lines_after(0) == [
        LogLine(11, 5, "warning", "log", "careful", 2),
        LogLine(12, 9, "info", "logging", "on", 2),
    ]
    assert sink.last_seq == 12


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one", ["one"]),
        ("one\n", ["one"]),
        ("one\r\ntwo", ["one", "two"]),
        ("one\n\ntwo\n", ["one", "", "two"]),
        ("", [""]),
        ("a\u2028b\x0bc", ["a\u2028b\x0bc"]),
        ("nul\0 lone\ud800", ["nul\ufffd lone\ufffd"]),
    ],
)
def test_text_is_split_at_line_ends_only(text: str, lines: list[str]) -> None:
    sink = make_sink()
    sink.write("info", "log", text)
    assert texts(sink) == lines


def test_a_long_line_is_cut_and_says_by_how_much() -> None:
    sink = make_sink()
    sink.write("info", "log", "x" * 12_345)
    sink.feed("stdout", "y" * 6_000)
    sink.feed("stdout", "y" * 6_000 + "\n")
    logged, printed = texts(sink)
    assert logged == "x" * 10_000 + "… (2,345 more characters)"
    assert printed == "y" * 10_000 + "… (2,000 more characters)"


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        (["a", "b", "\n"], ["ab"]),
        (["a\nb", "c\nd\n"], ["a", "bc", "d"]),
        (["\n"], [""]),
        (["a\r\n", "b\r", "\n"], ["a", "b"]),
        (["10%\r", "50%\r", "100%\n"], ["100%"]),
        (["\r10%", "\r50%", "\r100%", "\n"], ["100%"]),
        (["10%\r50%\r100%\nnext\n"], ["100%", "next"]),
        (["working\rdone\r\n"], ["done"]),
    ],
)
def test_printed_pieces_become_lines_as_on_a_terminal(pieces: list[str], lines: list[str]) -> None:
    sink = make_sink()
    for piece in pieces:
        sink.feed("stdout", piece)
    sink.flush_partial()
    assert texts(sink) == lines


def test_an_unfinished_line_is_a_line_at_the_end_of_the_run() -> None:
    sink = make_sink()
    sink.feed("stdout", "no newline")
    sink.feed("stderr", "nor here")
    assert texts(sink) == []
    sink.flush_partial()
    assert [(line.stream, line.level, line.text) for line in sink.lines_after(0)] == [
        ("stdout", "info", "no newline"),
        ("stderr", "warning", "nor here"),
    ]
    sink.flush_partial()
    assert sink.last_seq == 2


def test_a_wiped_progress_bar_leaves_no_line() -> None:
    sink = make_sink()
    sink.feed("stderr", "\r 99%|#########")
    sink.feed("stderr", "\r             \r")
    sink.flush_partial()
    assert texts(sink) == []


def test_a_progress_bar_of_a_million_redraws_costs_one_line() -> None:
    sink = make_sink(budget_bytes=1_000)
    for number in range(20_000):
        sink.feed("stderr", f"\r{number}")
    sink.feed("stderr", "\n")
    assert texts(sink) == ["19999"]
    assert sink.dropped == 0


def test_threads_of_one_run_do_not_mix_their_unfinished_lines() -> None:
    sink = make_sink()
    sink.feed("stdout", "mine ")
    other = threading.Thread(target=sink.feed, args=("stdout", "other's\n"))
    other.start()
    other.join()
    sink.feed("stdout", "goes on\n")
    assert texts(sink) == ["other's", "mine goes on"]


def test_unfinished_lines_of_ever_new_threads_are_bounded() -> None:
    sink = make_sink()
    held = threading.Barrier(81)

    def print_a_piece(number: int) -> None:
        sink.feed("stdout", f"piece {number}")
        held.wait(10)

    threads = [threading.Thread(target=print_a_piece, args=(number,)) for number in range(80)]
    for thread in threads:
        thread.start()
    held.wait(10)
    for thread in threads:
        thread.join()
    assert len(texts(sink)) == 16
    sink.flush_partial()
    assert sorted(texts(sink)) == sorted(f"piece {number}" for number in range(80))


def test_binary_output_is_decoded_across_writes() -> None:
    sink = make_sink()
    data = "grüße\n".encode()
    sink.feed_bytes("stdout", data[:3])
    sink.feed_bytes("stdout", data[3:])
    sink.feed_bytes("stdout", b"\xff!")
    sink.feed_bytes("stdout", "€".encode()[:2])
    sink.flush_partial()
    assert texts(sink) == ["grüße", "\ufffd!\ufffd"]


# --- what the budget does -------------------------------------------------------------------------


def test_lines_beyond_the_budget_are_counted_and_not_kept() -> None:
    sink = make_sink(budget_bytes=800)
    for number in range(100):
        sink.write("info", "log", f"{number:069d}")
    assert len(texts(sink)) == 10
    assert sink.dropped == 90
    assert sink.last_seq == 10


def test_empty_lines_use_up_the_budget_too() -> None:
    sink = make_sink(budget_bytes=1_600)
    sink.feed("stdout", "\n" * 1_000)
    assert len(texts(sink)) == 87
    assert sink.dropped == 913


def test_after_a_dropped_line_no_shorter_one_is_kept() -> None:
    sink = make_sink(budget_bytes=800)
    sink.write("info", "log", "x" * 900)
    sink.write("info", "log", "short")
    assert texts(sink) == []
    assert sink.dropped == 2


def test_the_last_words_of_a_run_that_printed_too_much_are_kept() -> None:
    sink = make_sink(budget_bytes=800)
    sink.feed("stdout", "noise\n" * 1_000)
    sink.write("error", "log", "the disk is full")
    assert texts(sink)[-1] == "the disk is full"
    for _ in range(100):
        sink.write("error", "log", "and more of it")
    kept = [text for text in texts(sink) if text != "noise"]
    assert 1 < len(kept) < 10


def test_memory_is_bounded_by_the_budget_in_bytes_not_characters() -> None:
    sink = make_sink(budget_bytes=800)
    for _ in range(100):
        sink.write("info", "log", "€" * 30)
    assert sum(len(text.encode()) for text in texts(sink)) <= 800


# --- what the engine sees -------------------------------------------------------------------------


def test_news_are_announced_once_until_they_are_taken() -> None:
    told: list[RunSink] = []
    sink = make_sink(on_dirty=told.append)
    sink.feed("stdout", "not yet a line")
    assert told == []
    sink.feed("stdout", "\n")
    sink.feed("stdout", "begun")
    sink.write("info", "log", "two")
    sink.report(0.5)
    assert told == [sink]
    assert [line.text for line in sink.take()] == ["not yet a line", "two"]
    assert sink.take() == []
    sink.report(0.6)
    assert told == [sink, sink]


def test_a_dropped_line_is_news() -> None:
    told: list[RunSink] = []
    sink = make_sink(on_dirty=told.append, budget_bytes=0)
    sink.write("info", "log", "x")
    assert told == [sink]
    assert sink.take() == []


def test_taken_lines_are_readable_until_they_are_forgotten() -> None:
    sink = make_sink()
    for number in range(1, 6):
        sink.write("info", "log", str(number))
    assert [line.seq for line in sink.take()] == [1, 2, 3, 4, 5]
    assert [line.seq for line in sink.lines_after(3)] == [4, 5]
    sink.forget(4)
    assert [line.seq for line in sink.lines_after(0)] == [5]
    sink.write("info", "log", "6")
    assert [line.seq for line in sink.take()] == [6]
    sink.forget(2)
    assert [line.seq for line in sink.lines_after(4)] == [5, 6]
    sink.forget(99)
    assert sink.lines_after(0) == []
    sink.write("info", "log", "7")
    assert [line.seq for line in sink.take()] == [7]


def test_an_engine_whose_loop_is_closed_does_not_hurt_the_job() -> None:
    def closed(_: RunSink) -> None:
        raise RuntimeError("Event loop is closed")

    sink = make_sink(on_dirty=closed)
    sink.write("info", "log", "late")
    assert texts(sink) == ["late"]


def test_a_closed_sink_takes_nothing() -> None:
    told: list[RunSink] = []
    sink = make_sink(on_dirty=told.append)
    sink.feed("stdout", "begun")
    sink.close()
    sink.write("info", "log", "late")
    sink.report(1.0)
    assert texts(sink) == ["begun"]
    assert sink.progress is None
    assert sink.dropped == 0


def test_many_threads_write_without_loss_and_in_their_own_order() -> None:
    sink = make_sink()

    def write(name: str) -> None:
        for number in range(300):
            sink.feed("stdout", f"{name} {number}")
            sink.feed("stdout", "\n")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    taken: list[LogLine] = []
    while any(thread.is_alive() for thread in threads):
        taken += sink.take()
        sink.forget(sink.last_seq - 10)
    taken += sink.take()
    assert [line.seq for line in taken] == list(range(1, 1_201))
    for name in "abcd":
        mine = [line.text for line in taken if line.text.startswith(name)]
        assert mine == [f"{name} {number}" for number in range(300)]


def test_an_object_that_prints_while_it_is_destroyed_cannot_lock_the_run_up() -> None:
    clock = SetClock()
    sink = make_sink(clock=clock)
    calls: list[str] = []

    def now_us() -> int:
        if not calls:
            calls.append("nested")
            sink.write("info", "log", "from within")
        return 1

    clock.now_us = now_us  # type: ignore[method-assign]  # stands for a __del__ at the worst moment
    sink.write("info", "log", "outer")
    assert texts(sink) == ["outer"]
    assert sink.dropped == 1


# --- progress -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("done", "total", "progress"),
    [
        (0.3, None, 0.3),
        (3, 10, 0.3),
        (0, 0, 1.0),
        (12, 10, 1.0),
        (-1, 10, 0.0),
        (7, None, 1.0),
        (float("inf"), 10, 1.0),
        (3, float("inf"), 0.0),
    ],
)
def test_progress_is_a_fraction(done: float, total: float | None, progress: float) -> None:
    sink = make_sink()
    sink.report(done, total, "pages")
    assert sink.progress == pytest.approx(progress)
    assert sink.progress_text == "pages"


@pytest.mark.parametrize(
    ("done", "total"),
    [(float("nan"), None), (1, float("nan")), (float("inf"), float("inf")), (1, -5)],
)
def test_progress_that_is_no_number_is_refused(done: float, total: float | None) -> None:
    sink = make_sink()
    sink.report(0.5)
    with pytest.raises(ValueError, match="progress: got"):
        sink.report(done, total)
    assert sink.progress == 0.5


def test_the_text_of_progress_is_one_short_line() -> None:
    sink = make_sink()
    sink.report(0.5, None, "one\n  two\ud800 " + "x" * 1_000)
    assert sink.progress_text.startswith("one two\ufffd xxx")
    assert sink.progress_text.endswith("…")
    assert len(sink.progress_text.encode()) <= 200
