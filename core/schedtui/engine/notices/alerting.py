"""What is worth telling of jobs and runs, and to whom; `delivery` brings it there.

A notice is a row that is written in the transaction of what it tells of: neither is in the store
without the other, and a crash loses none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from schedtui.alerts import body_of
from schedtui.clock import Timer, from_us
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.models import RunState, Source
from schedtui.models.alert import Alert, AlertOn
from schedtui.protocols import Finish, NewRun, Notice, StoreTx
from schedtui.store.writer import Lane, Write

if TYPE_CHECKING:
    from schedtui.engine.core import Core
    from schedtui.engine.runs.attempts import End

MOST = 1_000
"""Notices that wait for one target; what comes then is dropped, and health says so."""
_FAILED = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST})
_ON_SCHEDULE = (Source.SCHEDULE, Source.CATCHUP)


class Alerts:
    """Makes notices; on the engine's loop.

    Args:
        core: The engine's parts.
        targets: Who is told.
    """

    def __init__(self, core: Core, targets: Sequence[Alert]) -> None:
        self._core = core
        self.targets = tuple(targets)
        self._timers: dict[tuple[int, str], Timer] = {}
        """By run: what it is told of when it has waited, or run, for so long."""
        self.dropped: dict[str, int] = {}
        """Notices there was no room for, by target."""
        self.on_post: Callable[[], None] = _nothing
        """Called when notices were committed."""

    def post(self, tx: StoreTx, notices: Sequence[Notice]) -> None:
        """Keep notices, in the transaction of what they tell of."""
        for one in notices:
            if tx.post([one], most=MOST):
                self.dropped[one.target] = self.dropped.get(one.target, 0) + 1

    def committed(self, notices: Sequence[object]) -> None:
        """They are in the store."""
        if notices:
            self.on_post()

    def of_end(self, end: End) -> tuple[Notice, ...]:
        """What the end of a run is worth telling; nothing where another attempt follows."""
        run, finish = end.run, end.finish
        if not self.targets or end.not_before_us:
            return ()
        kind = self._turned(run.job, finish.state)
        return () if kind is None else self._of(kind, run.job, run.function, _ended(run, finish))

    def of_lost(self, live: LiveJob, function: str, row: Finish) -> tuple[Notice, ...]:
        """That a run was lost with an engine before this one."""
        if not self.targets or self._turned(live, row.state) is None:
            return ()
        said = {"id": row.run_id, "state": row.state.value, "reason": row.reason}
        return self._of(AlertOn.FAILURE, live, function, said)

    def _turned(self, job: LiveJob, state: RunState) -> AlertOn | None:
        """What an outcome means after the one before it."""
        if state in _FAILED:
            job.failing = True
            return AlertOn.FAILURE
        if state is not RunState.SUCCEEDED:
            return None
        failing = job.failing
        if failing is None:
            last = (one.state for one in reversed(job.recent))
            known = (one for one in last if one in _FAILED or one is RunState.SUCCEEDED)
            failing = next(known, None) in _FAILED
        job.failing = False
        return AlertOn.RECOVERY if failing else None

    def of_missed(self, job: LiveJob, rows: Iterable[NewRun]) -> tuple[Notice, ...]:
        """That due times are not run: one notice, however many they are."""
        if not self.targets:
            return ()
        missed = [row for row in rows if row.state is RunState.MISSED]
        if not missed:
            return ()
        first, last = missed[0], missed[-1]
        said = {
            "id": last.id,
            "state": last.state.value,
            "due_times": sum(row.range_count or 1 for row in missed),
            "first_due": _iso(first.range_from_us or first.scheduled_for_us),
            "scheduled_for": _iso(last.scheduled_for_us),
            "reason": last.reason,
        }
        return self._of(AlertOn.MISSED, job, job.job.function, said)

    def of_broken(self, job: LiveJob, problem: str) -> tuple[Notice, ...]:
        """That due times cannot be told any more, where no row says so; without one, nothing."""
        if not self.targets or not problem:
            return ()
        said = {"state": RunState.MISSED.value, "reason": problem}
        return self._of(AlertOn.MISSED, job, job.job.function, said)

    def of_settled(self, run: LiveRun, state: RunState, reason: str) -> tuple[Notice, ...]:
        """That a run which waited will not start."""
        if not self.targets or state is not RunState.MISSED:
            return ()
        said = {**_about(run), "state": state.value, "reason": reason}
        return self._of(AlertOn.MISSED, run.job, run.function, said)

    def waits(self, run: LiveRun) -> None:
        """A run is queued: somebody may want to know when that takes too long."""
        due_us = run.scheduled_for_us
        if not self.targets or due_us is None or run.source is not Source.SCHEDULE or run.attempt:
            return
        now_us = self._core.clock.now_us()
        for alert in self._who(AlertOn.LATE, run.job, run.function):
            left_s = alert.late_s - (now_us - due_us) / 1e6
            self._after(max(left_s, 0.0), run, f"late {alert.name}", partial(self._late, alert))

    def starts(self, run: LiveRun) -> None:
        """An attempt begins."""
        if not self.targets:
            return
        self._forget(run, "late")
        now_us, due_us = self._core.clock.now_us(), run.scheduled_for_us
        if due_us is not None and run.source in _ON_SCHEDULE and run.attempt == 1:
            late_s = (now_us - due_us) / 1e6
            for alert in self._who(AlertOn.LATE, run.job, run.function):
                # One that waited was told of when it had waited so long.
                claimed_late = (run.claimed_at_us - due_us) / 1e6 > alert.late_s
                if late_s > alert.late_s and (claimed_late or run.source is Source.CATCHUP):
                    self._late(alert, run)
        for alert in self._who(AlertOn.TOO_LONG, run.job, run.function):
            act = partial(self._too_long, alert)
            self._after(alert.too_long_s, run, f"long {alert.name}", act)

    def ended(self, run: LiveRun) -> None:
        """An attempt has ended, or the run will not start."""
        if self._timers:
            self._forget(run, "")

    def close(self) -> None:
        """Tell nothing more of what waits or runs."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _after(
        self, delay_s: float, run: LiveRun, what: str, act: Callable[[LiveRun], None]
    ) -> None:
        key = (run.id, what)

        def due() -> None:
            self._timers.pop(key, None)
            act(run)

        if key not in self._timers:
            self._timers[key] = self._core.clock.call_later(delay_s, due)

    def _forget(self, run: LiveRun, what: str) -> None:
        for key in [key for key in self._keys(run) if key[1].startswith(what)]:
            self._timers.pop(key).cancel()

    def _keys(self, run: LiveRun) -> Iterable[tuple[int, str]]:
        for alert in self.targets:
            for what in ("late", "long"):
                key = (run.id, f"{what} {alert.name}")
                if key in self._timers:
                    yield key

    def _late(self, alert: Alert, run: LiveRun) -> None:
        said = {**_about(run), "state": run.state.value, "late_s": alert.late_s}
        self._submit(alert, AlertOn.LATE, run, said)

    def _too_long(self, alert: Alert, run: LiveRun) -> None:
        said = {**_about(run), "state": run.state.value, "too_long_s": alert.too_long_s}
        said["started_at"] = _iso(run.started_at_us)
        self._submit(alert, AlertOn.TOO_LONG, run, said)

    def _submit(self, alert: Alert, kind: AlertOn, run: LiveRun, said: dict[str, Any]) -> None:
        notices = (self._notice(alert, kind, run.job, run.function, said),)
        write = Write(
            Lane.OUTCOME,
            lambda tx: self.post(tx, notices),
            done=lambda _: self.on_post(),
            failed=_nothing,
        )
        self._core.writer.submit(write)

    def _of(
        self, kind: AlertOn, job: LiveJob, function: str, said: dict[str, Any]
    ) -> tuple[Notice, ...]:
        who = self._who(kind, job, function)
        return tuple(self._notice(alert, kind, job, function, said) for alert in who)

    def _who(self, kind: AlertOn, job: LiveJob, function: str) -> list[Alert]:
        group, name = (job.job.group, job.job.name) if job.id else _parts(function)
        return [one for one in self.targets if one.wants(kind, group, name, job.job.tags)]

    def _notice(
        self, alert: Alert, kind: AlertOn, job: LiveJob, function: str, said: dict[str, Any]
    ) -> Notice:
        now_us = self._core.clock.now_us()
        name = job.full_name if job.id else function
        body = body_of(kind, name, _iso(now_us) or "", said)
        return Notice(alert.name, now_us, body, int(said.get("id", 0)), job.id)


def _parts(function: str) -> tuple[str, str]:
    group, _, name = function.partition("/")
    return group, name


def _about(run: LiveRun) -> dict[str, Any]:
    due = _iso(run.scheduled_for_us)
    return {"id": run.id, "source": run.source.value, "scheduled_for": due, "attempt": run.attempt}


def _ended(run: LiveRun, finish: Finish) -> dict[str, Any]:
    return {
        **_about(run),
        "state": finish.state.value,
        "started_at": _iso(finish.started_at_us),
        "finished_at": _iso(finish.finished_at_us),
        "reason": finish.reason,
        "error_type": finish.error_type,
        "error": finish.error,
    }


def _iso(us: int | None) -> str | None:
    return None if us is None else from_us(us).isoformat().replace("+00:00", "Z")


def _nothing(*_: object) -> None:
    return None
