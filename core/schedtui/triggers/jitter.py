"""Jitter: how much later than its due time a run may begin."""

from __future__ import annotations

import hashlib
import struct


def jitter_us(job_id: int, due_us: int, most_us: int) -> int:
    """The delay of one due time of one job: always the same, in whatever process it is asked.

    Args:
        job_id: The job's.
        due_us: Its due time, microseconds since 1970.
        most_us: The longest delay, in microseconds.

    Returns:
        Microseconds, evenly spread over ``[0, most_us]``.
    """
    if most_us <= 0:
        return 0
    digest = hashlib.blake2b(struct.pack(">qq", job_id, due_us), digest_size=8).digest()
    return int.from_bytes(digest) * (most_us + 1) >> 64
