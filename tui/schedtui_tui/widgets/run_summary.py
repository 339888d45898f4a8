"""What became of a run, as text."""

from __future__ import annotations

import json

from schedtui.clock import to_us
from schedtui.models import TERMINAL, Attempt, Run, RunState, Source, WaitReason
from schedtui_tui import times
from schedtui_tui.looks import RUN_LOOKS, fraction
from schedtui_tui.prefs import Prefs
from schedtui_tui.text import block, clean, without_lost_marks
from schedtui_tui.widgets.detail import LABEL, arguments, labelled
from schedtui_tui.widgets.pieces import KIND_STYLES, Pieces


def run_pieces(
    run: Run,
    attempts: tuple[Attempt, ...],
    timezone: str,
    prefs: Prefs,
    now_us: int,
    width: int,
    *,
    retries: int | None = None,
) -> Pieces:
    """All about a run but its log.

    Args:
        run: The run.
        attempts: Those of its attempts that have ended.
        timezone: Of its job.
        prefs: How times are shown.
        now_us: The engine's clock.
        width: Cells of a line.
        retries: How many retries its job has; None where that is not known.
    """
    look = RUN_LOOKS[run.state]
    pieces: Pieces = [
        (f"{look.glyph} {look.word}", KIND_STYLES[look.kind]),
        (f"{_took(run, now_us)}   source {_source(run)}\n", ""),
    ]
    if run.progress is not None and run.state not in TERMINAL:
        part = fraction(run.progress)
        pieces += labelled("Progress", f"{part:.0%} {run.progress_text}", width)
    if run.state is RunState.QUEUED:
        pieces += labelled("Waits", waits_for(run, now_us, retries), width, KIND_STYLES["running"])
    for label, at in (
        ("Due", run.scheduled_for),
        ("Started", run.started_at),
        ("Finished", run.finished_at),
    ):
        if at is not None:
            us = to_us(at)
            age = "" if prefs.absolute else f"  ({times.ago(us, now_us)})"
            pieces += labelled(label, times.full(us, timezone, prefs.zone) + age, width)
    if run.range_count is not None and run.range_from is not None:
        since = times.full(to_us(run.range_from), timezone, prefs.zone)
        pieces += labelled("Stands for", f"{run.range_count:,} due times since {since}", width)
    if run.reason:
        pieces += labelled("Reason", run.reason, width)
    if run.handled:
        pieces += labelled("Handled", run.handled, width)
    if run.schedules:
        pieces += labelled("Schedules", run.schedules, width)
    label = "Arguments"
    for line in arguments(run.kwargs):
        pieces += labelled(label, line, width)
        label = ""
    for attempt in attempts:
        pieces += labelled("Attempt", _attempt(attempt, timezone, prefs), width)
    return [*pieces, *_outcome(run, width)]


def _source(run: Run) -> str:
    """Why it exists: ``chain: after run 7 of Reports/export (succeeded)``."""
    if run.source is Source.CHAIN and run.actor:
        return f"chain: {clean(run.actor[:300])}"
    by = f", by {clean(run.actor[:80])}" if run.actor else ""
    return f"{run.source.value}{by}{f', of run {run.parent_id}' if run.parent_id else ''}"


def waits_for(run: Run, now_us: int, retries: int | None = None) -> str:
    """Why a queued run has not started: ``retry 2 of 3 in 4s``."""
    left_us = 0 if run.not_before is None else to_us(run.not_before) - now_us
    then = f" {_until(left_us)}" if left_us > 0 else ""
    if run.wait_reason is WaitReason.RETRY or (run.attempt and then):
        number = f"{run.attempt} of {retries}" if retries else f"{run.attempt}"
        return f"retry {number}{then or ': about to start'}"
    if run.wait_reason is None:
        return f"starts{then}" if then else "for nothing more: about to start"
    return f"{_WAITS[run.wait_reason]}{then}"


def _until(left_us: int) -> str:
    hour_us = 3_600 * times.SECOND_US
    return times.countdown(left_us) if left_us < hour_us else f"in {times.duration(left_us)}"


_WAITS = {
    WaitReason.SLOT: "for a slot of its executor",
    WaitReason.POOL: "for a place in its pool or group",
    WaitReason.OVERLAP: "for an earlier run of its job to end",
    WaitReason.RETRY: "for its next attempt",
    WaitReason.JITTER: "its due time is spread: starts",
}


def _attempt(attempt: Attempt, timezone: str, prefs: Prefs) -> str:
    look = RUN_LOOKS[attempt.state]
    began_us, ended_us = to_us(attempt.started_at), to_us(attempt.finished_at)
    error = ": ".join(part for part in (attempt.error_type, attempt.error) if part)
    took = times.duration(ended_us - began_us)
    at = times.clock(began_us, timezone, prefs.zone)
    return (
        f"{attempt.number}: {look.glyph} {look.word} {at} in {took} {error.partition(chr(10))[0]}"
    )


def _took(run: Run, now_us: int) -> str:
    if run.started_at is None or run.state is RunState.QUEUED:
        return ""
    if run.finished_at is None:
        return f" for {times.short_span(now_us - to_us(run.started_at))}"
    return f" in {times.duration(to_us(run.finished_at) - to_us(run.started_at))}"


def _outcome(run: Run, width: int) -> Pieces:
    pieces: Pieces = []
    if run.error_type:
        head = f"{run.error_type}: {run.error or ''}"
        pieces.append((f"{block(head, max_lines=20, max_chars=4000)}\n", "bold $text-error"))
    if run.traceback:
        pieces.append((f"{block(without_lost_marks(run.traceback, width))}\n", ""))
    if run.result is not None:
        text = run.result
        if run.result_is_json:
            try:
                text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
            except (ValueError, RecursionError):
                text = run.result
        one_line = "\n" not in text and len(text) < 60
        pieces.append((f"{'Result':<{LABEL}}" if one_line else "Result\n", "dim"))
        pieces.append((f"{block(text)}\n", ""))
    return pieces
