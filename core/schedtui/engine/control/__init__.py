"""What people and programs ask of an engine: `Engine`'s methods, a part a module."""
