"""How much later than its due time a run starts, where its job spreads its due times."""

from __future__ import annotations

from hashlib import blake2b


def jitter_us(job_id: int, due_us: int, most_us: int) -> int:
    """A number of microseconds from 0 to ``most_us``, the same for the same job and due time.

    Uniform over due times, and different for jobs that are due together.
    """
    if most_us <= 0:
        return 0
    digest = blake2b(f"{job_id}:{due_us}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (most_us + 1)
