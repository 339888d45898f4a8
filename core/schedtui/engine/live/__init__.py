"""What the engine holds in memory: jobs, runs, queues, slots and the heap of due times."""
