"""Whether this process is a worker: no engine is started in one."""

from __future__ import annotations

from schedtui.errors import RefusedError

_inside: list[bool] = []


def enter_worker() -> None:
    """From now on this process is a worker."""
    _inside.append(True)


def refuse_in_worker() -> None:
    """Keep an engine from being started here, by a script that starts one whenever it is imported.

    Raises:
        RefusedError: this process is a worker.
    """
    if _inside:
        raise RefusedError(
            "an engine was started in a worker process: a worker imports the module of the "
            "function it is to run, and that module starts an engine when it is imported; put the "
            "start below 'if __name__ == \"__main__\":'"
        )
