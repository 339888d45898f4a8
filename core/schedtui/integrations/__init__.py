"""An engine as part of other programs: services of several processes, web frameworks, APScheduler.

Importing this package loads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schedtui.engine import Engine
    from schedtui.protocols import EngineClient

__all__ = ["client_of"]


def client_of(engine: Engine, *, actor: str = "local") -> EngineClient:
    """The engine's whole `EngineClient`, whichever process fires.

    Args:
        engine: One that is started, by its lifespan or by `Engine.run_in_thread`.
        actor: Who is named in the audit trail.
    """
    from schedtui.integrations.service import service_of

    return service_of(engine).client(actor)
