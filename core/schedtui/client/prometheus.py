"""An engine's numbers in the text format of Prometheus.

Names and labels are a promise to dashboards. A job has a label of its own only while it fails, and
only so many have (`MAX_FAILING`): a series for each of ten thousand jobs would be the end of many
a Prometheus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import accumulate
from typing import TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from schedtui.models import TERMINAL, JobState, WaitReason
from schedtui.models.metrics import Histogram, Metrics

_Word = TypeVar("_Word", bound=StrEnum)

MEDIA_TYPE = CONTENT_TYPE_LATEST


def exposition(metrics: Metrics) -> str:
    """``metrics`` as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(metrics))
    return generate_latest(registry).decode()


class _Once(Collector):
    """Says what was measured once."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        now = self._metrics
        info = InfoMetricFamily("schedtui_engine", "The engine.")
        info.add_metric((), {"version": now.version, "boot": now.boot})
        yield info
        yield _gauges("schedtui_jobs", "Living jobs.", "state", _all(JobState, now.jobs))
        ended = CounterMetricFamily(
            "schedtui_runs_ended",
            "Runs since the engine's start, by final state.",
            labels=["state"],
        )
        for state in sorted(TERMINAL):
            ended.add_metric((state.value,), now.ended.get(state, 0))
        yield ended
        waiting = _all(WaitReason, now.waiting)
        yield _gauges("schedtui_runs_queued", "Runs that wait, by what for.", "reason", waiting)
        yield GaugeMetricFamily("schedtui_runs_running", "Runs at work.", value=now.running)
        text = "Seconds since the engine last looked at what is due."
        yield GaugeMetricFamily("schedtui_tick_age_seconds", text, value=now.tick_age_s)
        text = "How much later than due scheduled runs started."
        yield _histogram("schedtui_run_lateness_seconds", text, now.lateness_s)
        yield from _pools(now)
        yield from _writer(now)
        yield from _failing(now)


def _pools(now: Metrics) -> Iterator[Metric]:
    labels = ["kind", "name"]
    used = GaugeMetricFamily("schedtui_pool_used", "Places that are taken.", labels=labels)
    size = GaugeMetricFamily("schedtui_pool_capacity", "Places there are.", labels=labels)
    for pool in now.pools:
        used.add_metric((pool.kind, pool.name), pool.used)
        size.add_metric((pool.kind, pool.name), pool.capacity)
    yield used
    yield size


def _writer(now: Metrics) -> Iterator[Metric]:
    text = "Writes that wait for the store."
    yield _gauges("schedtui_store_writes_waiting", text, "lane", now.writer_waiting)
    text = "How long transactions took."
    yield _histogram("schedtui_store_commit_seconds", text, now.writer_commit_s)
    text = "Transactions that failed because the store did not answer."
    yield CounterMetricFamily("schedtui_store_failures", text, value=now.writer_failures)


def _failing(now: Metrics) -> Iterator[Metric]:
    text = "Failures in a row, of the jobs that failed last; not more than 200 jobs."
    yield _gauges("schedtui_job_failures_in_a_row", text, "job", now.failing)
    text = "Failing jobs beyond those that are told of by name."
    yield GaugeMetricFamily("schedtui_jobs_failing_left_out", text, value=now.failing_left_out)


def _all(kind: Iterable[_Word], counted: Mapping[_Word, int]) -> dict[str, int]:
    """A number for each, so that no series comes and goes."""
    return {one.value: counted.get(one, 0) for one in kind}


def _gauges(name: str, text: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def _histogram(name: str, text: str, seen: Histogram) -> HistogramMetricFamily:
    below = list(accumulate(seen.counts))
    ends = [*(str(bound) for bound in seen.bounds), "+Inf"]
    buckets = list(zip(ends, map(float, below), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=seen.total)
