"""Functions in processes of their own: killable, limited in memory, and heard live.

In the engine `executor` hands calls out, a `station` holds one worker process and its call, `child`
speaks with the process that `launch` has started, `verdict` says how a call ended. In the worker
`worker` makes calls that `find` resolves, `relay` sends what they say, `interrupt` ends them.
"""

from schedtui.execution.process.executor import CPUS, ProcessExecutor
from schedtui.execution.process.inside import refuse_in_worker

__all__ = ["CPUS", "ProcessExecutor", "refuse_in_worker"]
