"""The face of fastapi-task-manager 1.1.1: its thirteen calls, on the jobs of the engine.

Its clients work unchanged but for the address and a token. Paths, parameters, bodies, statuses and
texts are that package's; what it names a task is a job. What differs is told in ``core/README.md``.
"""

from schedtui.api.task_manager import dynamic

# isort: split
# After the creation of tasks: calls are tried in this order.
from schedtui.api.task_manager import actions, system, tasks
from schedtui.api.task_manager.route import router

__all__ = ["actions", "dynamic", "router", "system", "tasks"]
