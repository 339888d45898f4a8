"""All of schedtui that a person meets in a terminal: the console, the commands, the demo."""
