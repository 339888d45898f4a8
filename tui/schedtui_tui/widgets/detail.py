"""Everything about one job, as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from schedtui.clock import to_us
from schedtui.models import Figures, Job, JobState, JobSummary, LogPage, Policies, Preview, Run
from schedtui.models.notes import notes_of
from schedtui.policies import inherited
from schedtui_tui import looks, times
from schedtui_tui.prefs import Prefs
from schedtui_tui.text import block, clean, clean_log, cut
from schedtui_tui.widgets.pieces import KIND_STYLES, Pieces
from schedtui_tui.widgets.run_table import reason
from schedtui_tui.widgets.said import Said

LABEL = 11
_TAIL = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """What there is to show; everything but the summary comes later or not at all."""

    summary: JobSummary
    job: Job | None = None
    preview: Preview | None = None
    run: Run | None = None
    """The newest run that ended, or runs now."""
    tail: LogPage | None = None
    """The last lines of that run."""
    figures: Figures | None = None
    """Its runs of the last 24 hours."""
    problem: str = ""
    """Why something is missing; not cleaned."""


class DetailPane(VerticalScroll):
    """A job's details; with the focus, the arrow keys scroll them."""

    def __init__(self, prefs: Prefs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._prefs = prefs
        self._text = Said()
        self._detail: Detail | None = None

    def compose(self) -> ComposeResult:
        """One text."""
        yield self._text

    def on_resize(self, _: events.Resize) -> None:
        """Wrap anew."""
        if self._detail is not None:
            self.tell(self._detail)

    def tell(self, detail: Detail | None) -> None:
        """Show this."""
        self._detail = detail
        if detail is None:
            self._text.say([])
            return
        width = max(self.size.width - 1, 20)  # one for the scroll bar, should it come
        self._text.say(_pieces(detail, self._prefs, width))


def _pieces(detail: Detail, prefs: Prefs, width: int) -> Pieces:
    row = detail.summary
    look = looks.job_look(row)
    pieces: Pieces = [
        (f"{cut(row.name, width)}\n", "bold"),
        (f"{look.glyph} {look.word}", KIND_STYLES[look.kind]),
        (f"  {cut(row.group, max(width - 16, 8))}\n", "dim"),
    ]
    if row.state is JobState.PAUSED and look.word != "paused":
        pieces.append(("‖ paused\n", KIND_STYLES["paused"]))
    if row.pause_reason:
        pieces.append((f"{clean(row.pause_reason[:500])}\n", KIND_STYLES["paused"]))
    if row.running_id is not None and row.progress is not None:
        pieces += _progress(row.progress, min(width - 8, 30))
    if row.description:
        pieces.append((f"{block(row.description, max_lines=6, max_chars=1000).rstrip()}\n", ""))
    pieces += _schedule(detail, prefs, width)
    if detail.job is not None:
        pieces += _pause(detail.job, prefs, width)
        pieces += _notes(detail.job, width)
        pieces += _definition(detail.job, width)
    else:
        pieces += labelled("Function", row.function, width)
    if row.tags:
        pieces += labelled("Tags", ", ".join(row.tags), width)
    if detail.figures is not None:
        pieces += labelled("Last 24 h", figures_line(detail.figures), width)
    if detail.run is not None:
        pieces += _last(detail.run, row.timezone, prefs, width)
    if detail.tail is not None and detail.tail.lines:
        pieces.append(("\nLast lines\n", "dim"))
        for line in detail.tail.lines[-_TAIL:]:
            plain = cut(clean_log(line.text[:1000]).plain, width)
            pieces.append((f"{plain}\n", _LEVEL_STYLES.get(line.level, "")))
    if detail.problem:
        pieces.append((f"\n{clean(detail.problem[:500])}\n", "$text-warning"))
    return pieces


_LEVEL_STYLES = {"warning": "$text-warning", "error": "$text-error", "critical": "$text-error"}


def labelled(label: str, text: object, width: int, style: str = "") -> Pieces:
    """A text with a label in front; where it needs more lines, they are below its first one.

    Args:
        label: A word, or nothing.
        text: Anything; cleaned.
        width: Cells for both.
        style: Of the text.
    """
    rows = _wrapped(clean(str(text)[:2000]), max(width - LABEL, 10))
    indent = "\n" + " " * LABEL
    return [(f"{label:<{LABEL}}", "dim"), (f"{indent.join(rows)}\n", style)]


@lru_cache(maxsize=256)
def _wrapped(text: str, width: int) -> tuple[str, ...]:
    return tuple(row.plain.rstrip(" ") for row in Content(text).wrap(width))


def _progress(progress: float, width: int) -> Pieces:
    part = looks.fraction(progress)
    full = round(part * width)
    return [
        ("█" * full, KIND_STYLES["running"]),
        ("░" * (width - full), "dim"),
        (f" {part:.0%}\n", ""),
    ]


def _schedule(detail: Detail, prefs: Prefs, width: int) -> Pieces:
    row, preview = detail.summary, detail.preview
    pieces = [("\n", ""), *labelled("Schedule", row.schedule, width)]
    after = () if detail.job is None else detail.job.after
    chained = bool(after) and preview is not None and not preview.next
    if preview is not None and not chained:
        words = preview.description.removesuffix(f" ({preview.timezone})")  # told below
        if words.casefold().replace("once on ", "once ") != row.schedule.casefold():
            pieces += labelled("", words, width)
    for number, one in enumerate(after):
        pieces += labelled("" if number else "After", one, width)
    pieces += labelled("Zone", row.timezone, width)
    if preview is None or chained:
        return pieces
    paused = row.state is JobState.PAUSED
    label = "If resumed" if paused else "Next"
    if not preview.next:
        return [*pieces, *labelled("Next", "never again", width)]
    for due in preview.next[:5]:
        text = times.full(to_us(due.at), preview.timezone, prefs.zone)
        pieces += labelled(label, text, width, "dim" if paused else "")
        label = ""
    return pieces


def _definition(job: Job, width: int) -> Pieces:
    pieces = labelled("Function", job.function, width)
    pieces += labelled("Declared", _origin(job), width)
    if job.kwargs:
        label = "Arguments"
        for line in arguments(job.kwargs):
            pieces += labelled(label, line, width)
            label = ""
    else:
        pieces += labelled("Arguments", "none", width)
    label = "Policies"
    for line in policy_lines(job.policies) or ["none of its own"]:
        pieces += labelled(label, line, width)
        label = ""
    rules = job.effective or job.policies
    label = "Inherited"
    for line in policy_lines(inherited(job.policies, rules)):
        pieces += labelled(label, line, width)
        label = ""
    if not rules.timeout_s:
        pieces += labelled("Timeout", "none, so no end", width, "$text-warning")
    if rules.max_runs:
        pieces += labelled("Has run", f"{job.fired} of {rules.max_runs} times", width)
    if job.failures:
        limit = rules.pause_after_failures
        after = f"; paused at {limit}" if limit else ""
        pieces += labelled("Failures", f"{job.failures} in a row{after}", width, "$text-error")
    return pieces


def _notes(job: Job, width: int) -> Pieces:
    """What people have to know about it when it goes wrong."""
    return [
        piece
        for field, text in notes_of(job).items()
        if text
        for piece in labelled(field.capitalize(), text, width)
    ]


def _pause(job: Job, prefs: Prefs, width: int) -> Pieces:
    if not job.paused:
        return []
    pieces = labelled("Paused", f"by {job.paused_by or 'its declaration'}", width)
    if job.paused_until is not None:
        until = times.full(to_us(job.paused_until), job.timezone, prefs.zone)
        pieces += labelled("", f"until {until}", width)
    return pieces


def arguments(kwargs: Mapping[str, object]) -> list[str]:
    """Arguments as ``name = value`` lines, values as JSON."""
    lines = []
    for name, value in list(kwargs.items())[:50]:
        text = json.dumps(value, ensure_ascii=False, default=str)
        lines.append(f"{name} = {text[:500]}{'…' if len(text) > 500 else ''}")
    return lines


def _origin(job: Job) -> str:
    if not job.static:
        return "at run time"
    if job.orphaned:
        return "in code that is gone"
    return "in code, edited since" if job.overridden else "in code"


def policy_lines(policies: Policies) -> list[str]:
    """What is said in them, a line each: ``retry delay 90 s``."""
    said = {field.name: getattr(policies, field.name) for field in fields(policies)}
    return [_policy(name, value) for name, value in said.items() if value is not None]


def _policy(name: str, value: object) -> str:
    words = name.removesuffix("_s").replace("_", " ")
    if isinstance(value, bool):
        return f"{words} {'yes' if value else 'no'}"
    if isinstance(value, tuple):
        return f"{words} {', '.join(map(str, value)) or 'any exception'}"
    if isinstance(value, float) and name.endswith("_s"):
        return f"{words} {value:g} s" if value else f"{words} none"
    return f"{words} {value}"


def figures_line(one: Figures) -> str:
    """Runs of a while in a line: ``41 runs, 97.5% ok, avg 1.2s, p95 3.1s``."""
    parts = [f"{one.runs:,} run{'' if one.runs == 1 else 's'}"]
    if one.success_rate is not None:
        parts.append(f"{one.success_rate:.1%} ok")
    for label, seconds in (("avg", one.average_s), ("max", one.longest_s), ("p95", one.p95_s)):
        if seconds is not None:
            parts.append(f"{label} {times.duration(round(seconds * 1e6))}")
    return ", ".join(parts)


def _last(run: Run, timezone: str, prefs: Prefs, width: int) -> Pieces:
    look = looks.RUN_LOOKS[run.state]
    began = to_us(run.started_at or run.claimed_at)
    took = "" if run.duration_s is None else f" in {times.duration(int(run.duration_s * 1e6))}"
    pieces: Pieces = [
        (f"\n{'Last run':<{LABEL}}", "dim"),
        (f"{look.glyph} {look.word}{took}\n", KIND_STYLES[look.kind]),
        *labelled("", times.full(began, timezone, prefs.zone), width),
    ]
    why = reason(run)
    if why:
        pieces += labelled("", why[:300], width, "$text-error" if run.error_type else "")
    return pieces
