"""The cleaner."""

from __future__ import annotations

import unicodedata

import pytest
from console_doubles import NASTY
from rich.cells import cell_len

from schedtui_tui.text import block, clean, clean_log, cut, fit, log_cells


def is_harmless(text: str) -> bool:
    return not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)


EVERYTHING_BAD = "".join(
    chr(code)
    for code in range(0x110000)
    if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
)


def test_no_control_or_format_character_passes() -> None:
    assert is_harmless(clean(EVERYTHING_BAD))
    assert is_harmless(clean(EVERYTHING_BAD, lines=True).replace("\n", ""))
    assert is_harmless(clean_log(EVERYTHING_BAD).plain)
    assert is_harmless(fit(EVERYTHING_BAD[:500], 80))


def test_controls_stay_visible() -> None:
    assert clean("a\x1b[2Jb\x07\x7f\x9b") == "a␛[2Jb␇␡·"
    assert clean("a\nb\tc\r") == "a␊b c␍"
    assert clean("a\r\nb\tc", lines=True) == "a\nb   c"


def test_plain_text_is_left_alone() -> None:
    for text in ("daily report", "naïve café", "日本語", "Ελληνικά", "עברית", "🎉 done"):
        assert clean(text) == text


def test_what_upsets_widths_is_taken_away() -> None:
    assert clean("❤\ufe0f") == "❤"
    assert clean("a" + "\u0301" * 50) == "a\u0301\u0301"
    assert clean("👍\U0001f3fd") == "👍"
    assert clean("\u0301x") == "x"


@pytest.mark.parametrize(
    "text",
    ["", "short", "x" * 10_000, "日本語日本語日本語", "a日b本c語", NASTY, "é" * 40, "\ud800"],
)
@pytest.mark.parametrize("width", [0, 1, 2, 7, 10, 11])
def test_fit_is_exactly_as_wide_as_asked(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit(text, width, right=True)) == width


def test_fit_cuts_with_an_ellipsis() -> None:
    assert fit("daily_cleanup", 8) == "daily_c…"
    assert fit("日本語", 4) == "日 …"
    assert cut("ab", 8) == "ab"


def test_block_is_bounded() -> None:
    text = block("line\n" * 10_000, max_lines=5)
    assert text == "line\nline\nline\nline\nline\n…"
    assert len(block("x" * 1_000_000, max_chars=100)) < 110


def test_log_lines_keep_their_colours_only() -> None:
    text = clean_log(
        "a \x1b[1;31mred\x1b[0m \x1b[38;5;208mx\x1b[48;2;1;2;3my\x1b]8;;http://evil\x07z"
    )
    assert text.plain == "a red xy␛]8;;http://evil␇z"
    assert [str(span.style) for span in text.spans][:2] == ["bold color(1)", "color(208)"]
    assert not any("link" in str(span.style) for span in text.spans)


@pytest.mark.parametrize(
    "codes", ["8", "5", "38", "38;5", "38;2;1", "48;2;999;1;1", ";;;", "9999999"]
)
def test_odd_colour_codes_do_no_harm(codes: str) -> None:
    text = clean_log(f"\x1b[{codes}mx")
    assert text.plain == "x"
    assert not any(
        "conceal" in str(span.style) or "blink" in str(span.style) for span in text.spans
    )


@pytest.mark.parametrize(
    "text", ["", "plain", "x" * 20_000, "日本" * 9_000, NASTY, "\x1b[31m" * 50 + "red\tx", "a\tb"]
)
def test_measured_cells_are_drawn_cells(text: str) -> None:
    assert log_cells(text) >= clean_log(text).cell_len
    assert log_cells(text) - clean_log(text).cell_len <= 1
