"""Schedtui within other frameworks, a package each; none is loaded before it is asked for."""
