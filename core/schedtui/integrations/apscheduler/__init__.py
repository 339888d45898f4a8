"""APScheduler 3 applications, watched and steered: their jobs stay where they are.

::

    from schedtui.integrations.apscheduler import attach

    attach(scheduler)

What runs is written down as it is observed, and not before it starts: a crash of the application
can leave a due time without a row, and two runs of one due time are two rows.
"""

from schedtui.integrations.apscheduler.attached import Attached, attach

__all__ = ["Attached", "attach"]
