"""schedtui: a scheduler for Python functions.

Register functions in a `Group`, give the group to an `Engine`, and every due time leaves exactly
one row that says what became of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schedtui.capture import (
        CurrentRun,
        current_run,
        current_run_or_none,
        log,
        progress,
        track,
    )
    from schedtui.engine import Engine
    from schedtui.models import After
    from schedtui.models.alert import Email, Webhook
    from schedtui.models.secret import Secret
    from schedtui.registry import Group
    from schedtui.schema.late import Late
    from schedtui.triggers import (
        AllOf,
        AnyOf,
        Between,
        Calendar,
        Cron,
        Every,
        Except,
        Never,
        Once,
        register_calendar,
    )

__version__ = "0.1.0"

__all__ = ["After", "AllOf", "AnyOf", "Between", "Calendar", "Cron", "CurrentRun", "Email"]
__all__ += ["Engine", "Every", "Except", "Group", "Late", "Never", "Once", "Secret", "Webhook"]
__all__ += ["__version__"]
__all__ += ["current_run", "current_run_or_none", "log", "progress", "register_calendar", "track"]

_ROOMS = {
    "schedtui.capture": {"CurrentRun", "current_run", "current_run_or_none", "log", "progress"}
    | {"track"},
    # From there it can be a part of a service, which stands above the engine.
    "schedtui.integrations": {"Engine"},
    "schedtui.models": {"After"},
    "schedtui.models.alert": {"Email", "Webhook"},
    "schedtui.models.secret": {"Secret"},
    "schedtui.registry": {"Group"},
    "schedtui.schema.late": {"Late"},
    "schedtui.triggers": {"AllOf", "AnyOf", "Between", "Calendar", "Cron", "Every", "Except"}
    | {"Never", "Once", "register_calendar"},
}


def __getattr__(name: str) -> object:
    """A public name, from its module at its first use: the command line asks for few of them."""
    for room, names in _ROOMS.items():
        if name in names:
            globals()[name] = getattr(import_module(room), name)
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
