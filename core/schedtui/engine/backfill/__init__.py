"""Due times of the past that are made good."""
