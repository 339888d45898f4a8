"""Jobs as code: the jobs as a file, what a file would change, and making them so."""

from schedtui.engine.revisions.revisions import Revisions

__all__ = ["Revisions"]
