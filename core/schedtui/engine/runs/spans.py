"""Spans of OpenTelemetry: one for each attempt of a run, around what its function does.

Only where the engine was told so (``telemetry=True``); then ``opentelemetry-api`` has to be there,
and the program sets up where spans go. A span that a function makes is a child of that of its run,
in a thread as in a coroutine; what runs in a process of its own knows nothing of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from schedtui import __version__
from schedtui.engine.live.run import LiveRun
from schedtui.errors import InvalidError
from schedtui.models import RunState
from schedtui.protocols import Ended

if TYPE_CHECKING:
    from opentelemetry.trace import Span

logger = logging.getLogger(__name__)


def check_telemetry(wanted: bool) -> bool:
    """``wanted`` itself.

    Raises:
        InvalidError: it is, and the package is not installed.
    """
    if wanted:
        try:
            import opentelemetry.trace  # noqa: F401 - an extra, and only looked for here
        except ImportError:
            raise InvalidError.one(
                "telemetry",
                True,
                "false, or opentelemetry-api to be installed: pip install 'schedtui[otel]'",
            ) from None
    return wanted


class Spans:
    """The spans of the attempts that run; on the engine's loop.

    Nothing that goes wrong here is the run's trouble: it is logged, and the run goes on without.
    """

    def __init__(self) -> None:
        from opentelemetry import context, trace  # an extra

        self._trace = trace
        self._attach = context.attach
        self._tracer = trace.get_tracer("schedtui", __version__)
        self._open: dict[int, Span] = {}

    def begin(self, run: LiveRun, context: Context) -> None:
        """Start the span of an attempt, and make it the current one in its context."""
        _quietly(lambda: self._begin(run, context))

    def end(self, run: LiveRun, ended: Ended) -> None:
        """End it as the attempt has ended."""
        span = self._open.pop(run.id, None)
        if span is not None:
            _quietly(lambda: self._end(span, ended))

    def _begin(self, run: LiveRun, context: Context) -> None:
        attributes: dict[str, Any] = {
            "schedtui.job": run.job.full_name,
            "schedtui.function": run.function,
            "schedtui.run_id": run.id,
            "schedtui.attempt": run.attempt,
            "schedtui.source": run.source.value,
        }
        if run.parent_id is not None:
            attributes["schedtui.parent_run_id"] = run.parent_id
        span = self._tracer.start_span(
            run.job.full_name, attributes=attributes, start_time=run.started_at_us * 1_000
        )
        self._open[run.id] = span
        context.run(self._attach, self._trace.set_span_in_context(span))

    def _end(self, span: Span, ended: Ended) -> None:
        end_ns = ended.finished_at_us * 1_000
        span.set_attribute("schedtui.state", ended.state.value)
        if ended.error_type is not None:
            said = {
                "exception.type": ended.error_type,
                "exception.message": ended.error or "",
                "exception.stacktrace": ended.traceback or "",
            }
            span.add_event("exception", said, timestamp=end_ns)
        if ended.state is not RunState.SUCCEEDED:
            status = self._trace.StatusCode.ERROR
            span.set_status(status, ended.error or ended.reason or ended.state.value)
        span.end(end_ns)


def _quietly(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        logger.exception("a span could not be written")
