"""The commands of `schedtui`, one a module: ``configure(parser)`` and ``run(args) -> int``.

Their top levels import nothing heavy, so that ``--help`` is quick.
"""
