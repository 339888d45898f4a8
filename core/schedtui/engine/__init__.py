"""The engine: `Engine` is its facade, `running` wires its parts; each room is one matter.

A due time goes through them in this order: `live.due` (heap), `tick` (asked, decided, claimed),
`runs` (admitted, supervised, followed). What changes what is due: `jobs` (commands), `code`
(declarations), `backfill`, `upkeep` (starts, the clock, pauses of the whole). `control` is what
programs call, `revisions` jobs as files, `explain` answers why, `notices` and `events` tell.
"""

from schedtui.engine.engine import Engine

__all__ = ["Engine"]
