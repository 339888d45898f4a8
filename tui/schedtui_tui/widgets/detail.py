"""Everything about one job, as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from schedtui.clock import to_us
from schedtui.models import Job, JobState, JobSummary, LogPage, Policies, Preview, Run
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
    problem: str = ""
    """Why something is missing; not cleaned."""


class DetailPane(VerticalScroll):
    """A job's details; with the focus, the arrow keys scroll them."""

    def __init__(self, prefs: Prefs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._prefs = prefs
        self._text = Said()

    def compose(self) -> ComposeResult:
        """One text."""
        yield self._text

    def tell(self, detail: Detail | None) -> None:
        """Show this."""
        if detail is None:
            self._text.say([])
            return
        width = max(self.size.width - 2, 20)
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
    pieces += _schedule(detail, prefs)
    if detail.job is not None:
        pieces += _definition(detail.job)
    else:
        pieces += labelled("Function", row.function)
    if row.tags:
        pieces += labelled("Tags", ", ".join(row.tags))
    if detail.run is not None:
        pieces += _last(detail.run, row.timezone, prefs)
    if detail.tail is not None and detail.tail.lines:
        pieces.append(("\nLast lines\n", "dim"))
        for line in detail.tail.lines[-_TAIL:]:
            plain = cut(clean_log(line.text[:1000]).plain, width)
            pieces.append((f"{plain}\n", _LEVEL_STYLES.get(line.level, "")))
    if detail.problem:
        pieces.append((f"\n{clean(detail.problem[:500])}\n", "$text-warning"))
    return pieces


_LEVEL_STYLES = {"warning": "$text-warning", "error": "$text-error", "critical": "$text-error"}


def labelled(label: str, text: object, style: str = "") -> Pieces:
    """A line with a label in front."""
    return [(f"{label:<{LABEL}}", "dim"), (f"{clean(str(text)[:2000])}\n", style)]


def _progress(progress: float, width: int) -> Pieces:
    part = looks.fraction(progress)
    full = round(part * width)
    return [
        ("█" * full, KIND_STYLES["running"]),
        ("░" * (width - full), "dim"),
        (f" {part:.0%}\n", ""),
    ]


def _schedule(detail: Detail, prefs: Prefs) -> Pieces:
    row, preview = detail.summary, detail.preview
    pieces = [("\n", ""), *labelled("Schedule", row.schedule)]
    if preview is not None and preview.description.casefold() != row.schedule.casefold():
        pieces += labelled("", preview.description)
    pieces += labelled("Zone", row.timezone)
    if preview is None:
        return pieces
    paused = row.state is JobState.PAUSED
    label = "If resumed" if paused else "Next"
    if not preview.next:
        return [*pieces, *labelled("Next", "never again")]
    for due in preview.next[:5]:
        text = times.full(to_us(due.at), preview.timezone, prefs.zone)
        pieces += labelled(label, text, "dim" if paused else "")
        label = ""
    return pieces


def _definition(job: Job) -> Pieces:
    pieces = labelled("Function", job.function)
    pieces += labelled("Declared", _origin(job))
    if job.kwargs:
        label = "Arguments"
        for line in arguments(job.kwargs):
            pieces += labelled(label, line)
            label = ""
    else:
        pieces += labelled("Arguments", "none")
    pieces += labelled("Policies", _policies(job.policies))
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


def _policies(policies: Policies) -> str:
    own = {field.name: getattr(policies, field.name) for field in fields(policies)}
    said = [f"{name.replace('_', ' ')} {value}" for name, value in own.items() if value is not None]
    return ", ".join(said) if said else "the defaults"


def _last(run: Run, timezone: str, prefs: Prefs) -> Pieces:
    look = looks.RUN_LOOKS[run.state]
    began = to_us(run.started_at or run.claimed_at)
    took = "" if run.duration_s is None else f" in {times.duration(int(run.duration_s * 1e6))}"
    pieces: Pieces = [
        (f"\n{'Last run':<{LABEL}}", "dim"),
        (f"{look.glyph} {look.word}{took}\n", KIND_STYLES[look.kind]),
        *labelled("", times.full(began, timezone, prefs.zone)),
    ]
    why = reason(run)
    if why:
        pieces += labelled("", why[:300], "$text-error" if run.error_type else "")
    return pieces
