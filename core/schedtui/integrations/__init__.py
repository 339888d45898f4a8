"""An engine as part of other programs: services of several processes, web frameworks, APScheduler.

Importing this package loads the engine, and no web framework. It gives the engine what makes it a
part of a service, which stands above it; so this is where `schedtui.Engine` comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schedtui.engine import Engine
from schedtui.engine.embedded import Embedded

if TYPE_CHECKING:
    from schedtui.engine.embedded import Membership
    from schedtui.protocols import EngineClient

__all__ = ["Engine", "client_of"]


def client_of(engine: Engine, *, actor: str = "local") -> EngineClient:
    """The engine's whole `EngineClient`, whichever process fires.

    Args:
        engine: One that is started, by its lifespan or by `Engine.run_in_thread`.
        actor: Who is named in the audit trail.
    """
    from schedtui.integrations.service import service_of

    return service_of(engine).client(actor)


class _Services:
    """As `schedtui.engine.embedded.Services`; each loads what it needs when it is asked for."""

    def membership(self, engine: Engine) -> Membership:
        from schedtui.integrations.service import Service

        return Service(engine)

    def router(self, engine: Engine, *, auth: Any, hosts: tuple[str, ...]) -> Any:
        from schedtui.integrations.fastapi import make_router

        return make_router(engine, auth=auth, hosts=hosts)


Embedded.services = _Services()
