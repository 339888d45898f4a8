"""Where the lines and the progress of one attempt are kept until the store has them."""

from __future__ import annotations

import codecs
import math
import threading
from collections.abc import Callable
from contextlib import suppress

from schedtui.capture.partial import MAX_LINE, PartialLine
from schedtui.capture.text import clip, storable, utf8_size
from schedtui.clock import Clock
from schedtui.models import LogLine
from schedtui.models.hidden import hide

STREAM_LEVELS = {"stdout": "info", "stderr": "warning"}
"""The level of what is printed."""

_SEVERE = frozenset({"warning", "error", "critical"})
_MIN_COST = 16
_MAX_PARTIALS = 64
_MAX_RELAYED = MAX_LINE + 100
_MAX_PROGRESS_TEXT = 200


class RunSink:
    """The lines and the progress of one attempt. All methods may be called from any thread.

    Within its budget every line is kept. A line costs its bytes, and at least 16, so that empty
    ones cannot fill the memory either. The last eighth of the budget is for warnings and errors
    alone: a job that prints too much and then fails can still say why.

    Attributes:
        run_id: The run.
        attempt: Which attempt of the run, 1 for the first.
        last_seq: The ``seq`` of the newest line.
        dropped: Lines that did not fit the budget.
        progress: From 0 to 1; None where it is not known.
        progress_text: What the run says about its progress.
        closed: Whether the attempt has ended: nothing more is taken.
    """

    __slots__ = (
        "_busy",
        "_clock",
        "_decoders",
        "_dirty",
        "_left",
        "_lines",
        "_lock",
        "_news",
        "_on_dirty",
        "_partials",
        "_reserve",
        "_taken",
        "attempt",
        "closed",
        "dropped",
        "last_seq",
        "progress",
        "progress_text",
        "run_id",
    )

    def __init__(
        self,
        *,
        run_id: int,
        attempt: int,
        clock: Clock,
        budget_bytes: int = 1_048_576,
        on_dirty: Callable[[RunSink], None] | None = None,
        first_seq: int = 1,
    ) -> None:
        self.run_id = run_id
        self.attempt = attempt
        self.last_seq = first_seq - 1
        self.dropped = 0
        self.progress: float | None = None
        self.progress_text = ""
        self.closed = False
        self._clock = clock
        self._reserve = budget_bytes // 8
        self._left = budget_bytes - self._reserve
        self._on_dirty = on_dirty
        self._dirty = False
        self._news = False
        self._taken = self.last_seq
        # Reentrant: the garbage collector may run a __del__ that prints while a line is added.
        self._lock = threading.RLock()
        self._busy = False
        self._lines: list[LogLine] | None = None
        self._partials: dict[tuple[str, int], PartialLine] | None = None
        self._decoders: dict[tuple[str, int], codecs.IncrementalDecoder] | None = None

    # --- writing ----------------------------------------------------------------------------------

    def write(self, level: str, stream: str, text: str) -> None:
        """Add ``text``, one line or several, each complete."""
        self._locked(self._write, level, stream, text)

    def feed(self, stream: str, text: str) -> None:
        """Add what was printed; a line is one once its end has come.

        Every thread has its own unfinished line, so that two of them printing at once do not mix.
        """
        self._locked(self._feed, stream, text, threading.get_ident())

    def feed_bytes(self, stream: str, data: bytes, encoding: str = "utf-8") -> None:
        """As `feed`, for binary output; characters may be split between calls."""
        self._locked(self._feed_bytes, stream, data, encoding)

    def relay(self, level: str, stream: str, text: str) -> None:
        """Add one line that a sink in another process has made, and cut where it was too long."""
        self._locked(self._append, level, stream, text[:_MAX_RELAYED], len(text))

    def report(self, done: float, total: float | None = None, text: str = "") -> None:
        """Set the progress: ``done`` of ``total``, or the fraction ``done``; clamped to 0 to 1.

        Raises:
            ValueError: not a number, or a negative total.
        """
        self.set_progress(fraction(done, total), text)

    def set_progress(self, progress: float | None, text: str) -> None:
        """Set the fraction done, None where it is not known, and what to say about it."""
        if self.closed:
            return
        self.progress = progress
        self.progress_text = text and clip(hide(" ".join(text.split())), _MAX_PROGRESS_TEXT)
        with self._lock:
            notify = not self._dirty
            self._dirty = True
        if notify:
            self._notify()

    def flush_partial(self) -> None:
        """Make lines of what was printed without a line end. For the end of the run."""
        self._locked(self._flush_partial)

    def close(self) -> None:
        """Flush, and take nothing more; what a left-over thread prints is no longer the run's."""
        self.flush_partial()
        self.closed = True

    def reopen(self, attempt: int) -> None:
        """Go on for the next attempt: numbers and budget do, the progress begins anew."""
        self.attempt = attempt
        self.progress = None
        self.progress_text = ""
        self.closed = False

    # --- reading ----------------------------------------------------------------------------------

    def take(self) -> list[LogLine]:
        """The lines that were not taken yet; they stay readable until `forget`. Clean after it."""
        with self._lock:
            self._dirty = False
            lines = self._after(self._taken)
            if lines:
                self._taken = lines[-1].seq
            return lines

    def forget(self, upto_seq: int) -> None:
        """Let go of the lines up to ``upto_seq``: the store has them."""
        with self._lock:
            if self._lines:
                del self._lines[: max(0, upto_seq - self._lines[0].seq + 1)]

    @property
    def dirty(self) -> bool:
        """Whether there is news that `take` has not seen."""
        return self._dirty

    def lines_after(self, seq: int) -> list[LogLine]:
        """The lines after ``seq`` that are still here, in order."""
        with self._lock:
            return self._after(seq)

    def _after(self, seq: int) -> list[LogLine]:
        lines = self._lines
        return lines[max(0, seq - lines[0].seq + 1) :] if lines else []

    # --- under the lock ---------------------------------------------------------------------------

    def _locked(self, work: Callable[..., None], *args: object) -> None:
        if self.closed:
            return
        with self._lock:
            if self._busy:
                self.dropped += 1
                return
            self._busy = True
            try:
                work(*args)
            finally:
                self._busy = False
            notify = self._news and not self._dirty
            self._dirty = self._dirty or self._news
            self._news = False
        if notify:
            self._notify()

    def _notify(self) -> None:
        if self._on_dirty is not None:
            # The engine's loop may be closed by now; that is no business of the job that prints.
            with suppress(RuntimeError):
                self._on_dirty(self)

    def _write(self, level: str, stream: str, text: str) -> None:
        for line in text.removesuffix("\n").split("\n"):
            whole = line.removesuffix("\r")
            self._append(level, stream, whole[:MAX_LINE], len(whole))

    def _feed(self, stream: str, text: str, thread: int) -> None:
        partials = self._partials
        if partials is None:
            partials = self._partials = {}
        key = (stream, thread)
        partial = partials.get(key)
        if partial is None:
            if len(partials) >= _MAX_PARTIALS:
                self._finish(next(iter(partials)))
            partial = partials[key] = PartialLine()
        level = STREAM_LEVELS.get(stream, "info")
        *complete, rest = text.split("\n")
        for piece in complete:
            partial.add(piece)
            self._append(level, stream, *partial.finish())
        if rest:
            partial.add(rest)
        elif complete:
            del partials[key]

    def _feed_bytes(self, stream: str, data: bytes, encoding: str) -> None:
        if self._decoders is None:
            self._decoders = {}
        key = (stream, threading.get_ident())
        decoder = self._decoders.get(key)
        if decoder is None:
            decoder = self._decoders[key] = codecs.getincrementaldecoder(encoding)("replace")
        text = decoder.decode(data)
        if text:
            self._feed(stream, text, key[1])

    def _flush_partial(self) -> None:
        for (stream, thread), decoder in (self._decoders or {}).items():
            text = decoder.decode(b"", final=True)
            if text:
                self._feed(stream, text, thread)
        self._decoders = None
        for key in list(self._partials or ()):
            self._finish(key)

    def _finish(self, key: tuple[str, int]) -> None:
        partial = (self._partials or {}).pop(key)
        if not partial.blank:
            self._append(STREAM_LEVELS.get(key[0], "info"), key[0], *partial.finish())

    def _append(self, level: str, stream: str, text: str, length: int) -> None:
        """Add one line; ``length`` is what it had before it was cut to ``text``."""
        text = storable(text)
        more = length - len(text)
        text = hide(text)
        if more > 0:
            text = f"{text}… ({more:,} more characters)"
        self._news = True
        if not self._afford(max(_MIN_COST, utf8_size(text) + 1), severe=level in _SEVERE):
            self.dropped += 1
            return
        self.last_seq += 1
        line = LogLine(self.last_seq, self._clock.now_us(), level, stream, text, self.attempt)
        if self._lines is None:
            self._lines = [line]
        else:
            self._lines.append(line)

    def _afford(self, cost: int, *, severe: bool) -> bool:
        if cost <= self._left:
            self._left -= cost
            return True
        # Once a line did not fit, shorter ones after it are not kept either: one gap, not many.
        self._left = 0
        if not severe:
            return False
        if cost <= self._reserve:
            self._reserve -= cost
            return True
        self._reserve = 0
        return False


def fraction(done: float, total: float | None) -> float:
    """``done`` of ``total`` (of 1 where it is None) as a fraction from 0 to 1.

    Raises:
        ValueError: not a number, or a negative total.
    """
    if total is not None and total < 0:
        raise ValueError(f"progress: got a total of {total}; expected 0 or more")
    share = float(done) if total is None else done / total if total else 1.0
    if math.isnan(share):
        raise ValueError(f"progress: got {done} of {total}; expected numbers")
    return min(1.0, max(0.0, share))
