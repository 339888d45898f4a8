"""What the engine does of its own accord: starts, recovers, notices the clock, forgets."""
