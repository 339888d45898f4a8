"""What commands do to jobs: made, edited, paused, deleted, and how that is written."""
