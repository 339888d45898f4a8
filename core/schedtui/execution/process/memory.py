"""How much memory a process uses: what is resident of it, as Linux says.

Not ``RLIMIT_AS``: that counts addresses, of which threads and numeric libraries reserve gigabytes
that they never touch.
"""

from __future__ import annotations

import os
from pathlib import Path

CHECK_S = 0.05
"""Between two looks at a process with a limit."""
_MIB = 1024 * 1024


def can_watch() -> bool:
    """Whether this system tells."""
    return Path("/proc/self/statm").exists()


def used_mb(pid: int) -> int:
    """MiB that are resident of a process; 0 once it is gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123 - every 50 ms, on the loop
            resident = int(file.read().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return resident * os.sysconf("SC_PAGE_SIZE") // _MIB
