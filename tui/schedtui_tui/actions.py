"""The one registry of what a person can do in the console.

Key bindings, the footer, the help screen, the palette and read-only mode are all made from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from schedtui.models import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """One thing to do."""

    id: str
    """Also the name of its ``action_`` method."""
    scope: str
    """Where it works: a screen, a kind of widget, or ``app``."""
    keys: str
    """Textual's names, separated by commas."""
    label: str
    """One or two words, for the footer."""
    help: str
    """One sentence, for the help screen and the palette."""
    footer: int = 0
    """Its place in the footer, 1 first; 0 keeps it out."""
    role: Role = Role.VIEWER
    """The role of the token that it needs at least."""
    command: str = ""
    """The command line that does the same; ``{job}`` and ``{run}`` are filled in."""
    priority: bool = False
    """Works wherever the focus is."""


def _job_actions(scope: str) -> tuple[Action, ...]:
    return (
        Action(
            id="trigger", scope=scope, keys="t", label="Trigger", footer=3, role=Role.OPERATOR,
            help="Run it now, once; its schedule does not move.", command="schedtui trigger {job}",
        ),
        Action(
            id="pause", scope=scope, keys="p", label="Pause", footer=4, role=Role.OPERATOR,
            help="Pause it, which disables it, or resume it when it is paused.",
            command="schedtui pause {job}",
        ),
        Action(
            id="backfill", scope=scope, keys="b", label="Backfill", role=Role.OPERATOR,
            help="Run it for due times of the past, after asking for which.",
            command="schedtui backfill {job}",
        ),
        Action(
            id="delete", scope=scope, keys="D", label="Delete", footer=5, role=Role.ADMIN,
            help="Delete it, after asking; its history stays.", command="schedtui delete {job}",
        ),
    )  # fmt: skip


def _cancel(scope: str, help_: str, footer: int) -> Action:
    return Action(
        id="cancel", scope=scope, keys="x", label="End", footer=footer, role=Role.OPERATOR,
        help=help_, command="schedtui cancel {run}",
    )  # fmt: skip


def _rerun(scope: str, footer: int) -> Action:
    return Action(
        id="rerun", scope=scope, keys="R", label="Run again", footer=footer, role=Role.OPERATOR,
        help="The same run once more, with its arguments.", command="schedtui rerun {run}",
    )  # fmt: skip


def _letters(scope: str, help_: str, footer: int, command: str) -> Action:
    return Action(
        id="letters", scope=scope, keys="X", label="Dead letters", footer=footer,
        role=Role.OPERATOR, help=help_, command=command,
    )  # fmt: skip


def _display(scope: str) -> tuple[Action, ...]:
    return (
        Action(
            id="zone", scope=scope, keys="U", label="Zone",
            help="Clock times in the job's zone, in UTC, or in this machine's zone.",
        ),
        Action(
            id="absolute", scope=scope, keys="T", label="Clock times",
            help="Clock times instead of countdowns and ages, and back.",
        ),
    )  # fmt: skip


def _back(scope: str, *, keys: str = "escape,q") -> Action:
    return Action(id="back", scope=scope, keys=keys, label="Back", help="One step back.", footer=1)


ACTIONS: tuple[Action, ...] = (
    # the jobs
    Action(id="open", scope="jobs", keys="enter", label="Open", footer=1,
           help="The job's details and its run history."),
    Action(id="filter", scope="jobs", keys="slash", label="Filter", footer=2,
           help="Filter: text, tag:x, state:failed, group:x, /regex/; ! in front inverts a part.",
           command="schedtui jobs"),
    *_job_actions("jobs"),
    _cancel("jobs", "End the job's run that runs now, after asking.", 10),
    Action(id="halt", scope="jobs", keys="P", label="Pause all", footer=11, role=Role.OPERATOR,
           help="Pause the whole engine, or resume it, after asking.",
           command="schedtui pause --engine"),
    Action(id="create", scope="jobs", keys="n", label="New", footer=6, role=Role.ADMIN,
           help="Create a job: choose a function, fill in its arguments, say when.",
           command="schedtui create FUNCTION"),
    Action(id="log", scope="jobs", keys="l", label="Log", footer=7,
           help="The log of the run that runs now, else of the last one.",
           command="schedtui logs {run}"),
    Action(id="history", scope="jobs", keys="r", label="Runs", footer=9,
           help="The job's run history.", command="schedtui runs {job}"),
    Action(id="mark", scope="jobs", keys="space", label="Mark", role=Role.OPERATOR,
           help="Mark the job; trigger, pause and delete then act on all marked ones."),
    Action(id="unmark", scope="jobs", keys="u", label="Clear marks", role=Role.OPERATOR,
           help="Clear all marks."),
    Action(id="sort", scope="jobs", keys="s", label="Sort",
           help="Order by name, next due time, last run, state."),
    Action(id="invert", scope="jobs", keys="I", label="Invert", help="Turn the order round."),
    *_display("jobs"),
    Action(id="leave_filter", scope="jobs", keys="escape", label="Clear filter",
           help="Clear the marks, then the filter."),
    Action(id="quit", scope="jobs", keys="q", label="Quit", footer=8, help="Leave the console."),
    # one job
    _back("job"),
    Action(id="open", scope="job", keys="enter", label="Run", footer=2,
           help="The run: its error, result, arguments and log."),
    Action(id="details", scope="job", keys="tab", label="Details", footer=2,
           help="To the details (arguments, policies), which the arrows then scroll, and back."),
    *_job_actions("job"),
    _cancel("job", "End the run under the cursor, else the one that runs, after asking.", 7),
    _rerun("job", 8),
    _letters("job", "Replay or dismiss the job's runs that failed for good, after asking.", 9,
             "schedtui dead replay --job {job}"),
    Action(id="log", scope="job", keys="l", label="Last log", footer=6,
           help="The log of the run that runs now, else of the last one.",
           command="schedtui logs {run}"),
    *_display("job"),
    # one run
    _back("run"),
    _cancel("run", "End it before its time, after asking.", 6),
    _rerun("run", 7),
    _letters("run", "Replay or dismiss it where it failed for good, after asking.", 8,
             "schedtui dead replay {run}"),
    Action(id="full", scope="run", keys="f", label="Log only", footer=5,
           help="The log over the whole screen, and back."),
    *_display("run"),
    # the form
    Action(id="submit", scope="form", keys="ctrl+s", label="Create", footer=1, priority=True,
           role=Role.ADMIN, help="Create the job.", command="schedtui create FUNCTION"),
    Action(id="next_field", scope="form", keys="tab", label="Next field", footer=2,
           priority=True, help="Go to the next field."),
    Action(id="previous_field", scope="form", keys="shift+tab", label="Previous", footer=3,
           priority=True, help="Go to the field before."),
    Action(id="back", scope="form", keys="escape", label="Leave", footer=4,
           help="Leave without creating; asks when something was typed."),
    # choosing a function
    _back("functions", keys="escape"),
    Action(id="choose", scope="functions", keys="enter", label="Choose", footer=2,
           help="Take this function; type to narrow the list."),
    # tables
    Action(id="cursor_down", scope="table", keys="j,down", label="Down", help="One row down."),
    Action(id="cursor_up", scope="table", keys="k,up", label="Up", help="One row up."),
    Action(id="first", scope="table", keys="g,home", label="Top", help="To the first row."),
    Action(id="last", scope="table", keys="G,end", label="Bottom", help="To the last row."),
    Action(id="half_down", scope="table", keys="ctrl+d", label="Half page down",
           help="Half a page down."),
    Action(id="half_up", scope="table", keys="ctrl+u", label="Half page up",
           help="Half a page up."),
    Action(id="page_down", scope="table", keys="pagedown", label="Page down",
           help="A page down."),
    Action(id="page_up", scope="table", keys="pageup", label="Page up", help="A page up."),
    # logs
    Action(id="follow", scope="log", keys="0", label="Follow", footer=2,
           help="Jump to the newest line and stay there."),
    Action(id="wrap", scope="log", keys="w", label="Wrap", footer=4,
           help="Wrap long lines, or cut them and scroll sideways."),
    Action(id="top", scope="log", keys="g,home", label="Top", footer=3,
           help="To the first line; loads earlier lines."),
    Action(id="bottom", scope="log", keys="G,end", label="Bottom",
           help="To the newest line, and follow."),
    Action(id="line_down", scope="log", keys="j,down", label="Down", help="One line down."),
    Action(id="line_up", scope="log", keys="k,up", label="Up", help="One line up."),
    Action(id="half_down", scope="log", keys="ctrl+d", label="Half page down",
           help="Half a page down."),
    Action(id="half_up", scope="log", keys="ctrl+u", label="Half page up",
           help="Half a page up."),
    # everywhere
    Action(id="help", scope="app", keys="question_mark,f1", label="Help", footer=99,
           help="The keys of this view."),
    Action(id="reload", scope="app", keys="f5,ctrl+r", label="Reload",
           help="Read everything anew; reconnect at once when disconnected."),
    Action(id="command_palette", scope="app", keys="ctrl+p", label="Palette",
           help="All actions of this view by name."),
    Action(id="leave", scope="app", keys="ctrl+q", label="Quit", priority=True,
           help="Leave the console from anywhere."),
)  # fmt: skip


def in_scopes(scopes: tuple[str, ...], *, read_only: bool) -> list[Action]:
    """The actions of these scopes, the first scope first, less those that read-only mode hides."""
    return [
        action
        for scope in scopes
        for action in ACTIONS
        if action.scope == scope and allowed(action, read_only=read_only)
    ]


def allowed(action: Action, *, read_only: bool) -> bool:
    """Whether read-only mode leaves an action there."""
    return action.role is Role.VIEWER or not read_only


def find(scope: str, id_: str) -> Action | None:
    """The action of a scope with this id."""
    return _BY_ID.get((scope, id_))


_BY_ID = {(action.scope, action.id): action for action in ACTIONS}
