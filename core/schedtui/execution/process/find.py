"""In a worker: from where a function is to the function.

The origin comes from the engine's own registry over the engine's own socket, never from a store or
a request.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

from schedtui.errors import InvalidError
from schedtui.protocols import Origin
from schedtui.registry import Function, Group
from schedtui.target.imports import run_file

MAIN = "__mp_main__"
"""What `multiprocessing` calls the script when a spawned process imports it."""
_loaded: list[ModuleType] = []
"""The script, once it was imported here.

Not what is known by its name: importing `multiprocessing` gives that to the worker's own main.
"""


def find(origin: Origin, main: str) -> Function:
    """The function, its module imported.

    Args:
        origin: Where it is.
        main: The script of the engine's process; empty where there is none.

    Raises:
        InvalidError: the module has no such function here.
        BaseException: what importing the module raises.
    """
    if origin.module == "__main__":
        module = _loaded[0] if _loaded else _load_main(main)
    else:
        module = sys.modules.get(origin.module) or _load(origin)
    return _registered(module, origin) or _named(module, origin)


def _load(origin: Origin) -> ModuleType:
    try:
        spec = importlib.util.find_spec(origin.module)
    except (ImportError, ValueError):
        spec = None
    # A target's file that cannot be imported by its name was loaded from its path in the engine.
    if spec is None and origin.file:
        return run_file(origin.module, origin.file)
    return importlib.import_module(origin.module)


def _load_main(main: str) -> ModuleType:
    if not main:
        raise InvalidError(
            "it is defined in the '__main__' of a process that was not started from a script "
            "(an interactive session, python -c, or a package's __main__.py), so no other process "
            "can import it; move it into a module"
        )
    module = run_file(MAIN, main)
    sys.modules["__main__"] = sys.modules[MAIN] = module
    _loaded.append(module)
    return module


def _registered(module: ModuleType, origin: Origin) -> Function | None:
    """The function as a group in reach of the module has it: with what decorates it below."""
    group_name, _, name = origin.function.partition("/")
    for value in list(vars(module).values()):
        # By type(): isinstance asks the object, and a proxy of a web framework raises then.
        if type(value) is Group and value.name == group_name:
            return value.functions.get(name)
    return None


def _named(module: ModuleType, origin: Origin) -> Function:
    value: Any = module
    for part in origin.qualname.split("."):
        value = getattr(value, part, None)
    if not callable(value):
        raise InvalidError(
            f"a worker process found no {origin.qualname!r} in {module.__name__!r} "
            f"({origin.file or 'no file'}): a function for executor='process' must be there for "
            "whoever imports its module; it is looked for anew at every run"
        )
    group, _, name = origin.function.partition("/")
    return Function.of(value, group=group, name=name)
