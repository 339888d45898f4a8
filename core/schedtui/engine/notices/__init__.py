"""What is worth telling of jobs and runs, and bringing it to where it goes."""
