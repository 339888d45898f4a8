"""Finding and loading the user's code: from the word typed after `schedtui` to its groups.

`find` turns the word into files or a module, `settings` reads ``schedtui.toml``, `imports` runs the
code, `collect` takes the groups out of it, `failure` says in one sentence what went wrong, `code`
loads it again when its files have changed.
"""

from schedtui.target.code import Code, Generation
from schedtui.target.load import Target, load_target
from schedtui.target.settings import Settings

__all__ = ["Code", "Generation", "Settings", "Target", "load_target"]
