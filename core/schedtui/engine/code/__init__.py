"""Jobs that the code declares, and new generations of that code."""
