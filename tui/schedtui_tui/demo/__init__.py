"""The demo's user code: a `jobs.py` of a small shop, and a world for it to act on."""
