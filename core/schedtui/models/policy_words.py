"""Policies as people write them in code."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TypedDict

from schedtui.models.policy import CatchUp, OnLost, Overlap


class PolicyWords(TypedDict, total=False):
    """Policies as people write them in code: words, and seconds as numbers or timedeltas.

    The meaning of each is that of the field of `schedtui.models.Policies` with its name.
    """

    overlap: Overlap | str | None
    concurrency: int | None
    grace_s: float | timedelta | None
    catch_up: CatchUp | str | None
    catch_up_limit: int | None
    retries: int | None
    retry_delay_s: float | timedelta | None
    retry_backoff: float | None
    retry_max_delay_s: float | timedelta | None
    retry_jitter: float | None
    retry_on: Iterable[str | type[BaseException]] | None
    timeout_s: float | timedelta | None
    on_lost: OnLost | str | None
    start_within_s: float | timedelta | None
    jitter_s: float | timedelta | None
    priority: int | None
    pool: str | None
    max_runs: int | None
    run_on_startup: bool | None
    pause_after_failures: int | None
    run_once_key: str | None
    keep_runs: int | None
    keep_s: float | timedelta | None
    keep_failures_s: float | timedelta | None
    keep_logs_s: float | timedelta | None
