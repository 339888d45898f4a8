"""Why a job ran, or did not, at a moment."""
