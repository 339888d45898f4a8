"""The executors: where functions run, and how their ends become text."""

from schedtui.execution.async_ import AsyncExecutor
from schedtui.execution.ended import ended_cancelled, ended_error, ended_ok
from schedtui.execution.process import CPUS, ProcessExecutor, refuse_in_worker
from schedtui.execution.threads import ThreadExecutor

__all__ = ["CPUS", "AsyncExecutor", "ProcessExecutor", "ThreadExecutor"]
__all__ += ["ended_cancelled", "ended_error", "ended_ok", "refuse_in_worker"]
