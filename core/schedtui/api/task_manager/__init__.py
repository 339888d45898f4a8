"""The face of fastapi-task-manager 1.1.1: its thirteen calls, on the jobs of the engine.

Its clients work unchanged but for the address and a token. Paths, parameters, bodies, statuses and
texts are that package's; what it names a task is a job. What differs is told in ``core/README.md``.
"""

from fastapi import APIRouter

from schedtui.api.task_manager.actions import router as actions
from schedtui.api.task_manager.dynamic import router as dynamic
from schedtui.api.task_manager.route import FaceRoute
from schedtui.api.task_manager.system import router as system
from schedtui.api.task_manager.tasks import router as tasks

router = APIRouter(prefix="/task-manager", tags=["task-manager"], route_class=FaceRoute)
for part in (system, tasks, actions, dynamic):
    router.include_router(part)

__all__ = ["router"]
