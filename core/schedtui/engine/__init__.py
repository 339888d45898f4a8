"""The engine: `Engine` is its facade, the other modules are the steps of its pipeline.

A due time goes through them in this order: `due` (heap), `decide`, `claim`, `admit`, `supervise`;
`commands`, `recover`, `reconcile` and `clockwatch` change what is due; `events` tells who watches.
"""

from schedtui.engine.engine import Engine

__all__ = ["Engine"]
