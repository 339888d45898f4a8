"""The calls of the API, a module per noun."""

from schedtui.api.routes.backfill import router as backfill
from schedtui.api.routes.bulk import router as bulk
from schedtui.api.routes.dead import router as dead
from schedtui.api.routes.engine import health
from schedtui.api.routes.engine import router as engine
from schedtui.api.routes.events import router as events
from schedtui.api.routes.files import router as files
from schedtui.api.routes.functions import router as functions
from schedtui.api.routes.jobs import router as jobs
from schedtui.api.routes.metrics import router as metrics
from schedtui.api.routes.runs import router as runs
from schedtui.api.routes.statistics import router as statistics
from schedtui.api.routes.triggers import router as triggers

ROUTERS = (
    *(health, metrics, engine, functions, bulk, backfill, jobs, files, triggers, dead, runs),
    *(statistics, events),
)

__all__ = ["ROUTERS"]
