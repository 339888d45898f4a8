"""The executors: where functions run, and how their ends become text."""

from schedtui.execution.async_ import AsyncExecutor
from schedtui.execution.ended import ended_cancelled, ended_error, ended_ok
from schedtui.execution.threads import ThreadExecutor

__all__ = ["AsyncExecutor", "ThreadExecutor", "ended_cancelled", "ended_error", "ended_ok"]
