"""What a process has in memory, and what of it is in use. Linux."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

BLOCKS_PER_MIB = 12_000
"""A block of Python's allocator has about 87 bytes (``sys._debugmallocstats``)."""
MALLINFO = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)


class Mallinfo2(ctypes.Structure):
    """What glibc says of all its arenas; see ``mallinfo2(3)``."""

    _fields_ = [(name, ctypes.c_size_t) for name in MALLINFO]


def in_use() -> dict[str, float]:
    """The memory that is in use: blocks of Python's own allocator, and MiB of ``malloc``.

    RSS holds more: what was given back to an allocator, and not by that to the system. SQLite's
    pages are in both.
    """
    blocks = {"blocks": sys.getallocatedblocks()}
    ask = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if ask is None:
        return {**blocks}
    ask.restype = Mallinfo2
    told = ask()
    return {**blocks, "malloc_mib": (told.uordblks + told.hblkhd) / 2**20}


def resident_mib() -> float:
    """What this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
