"""The form for a new job."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static

from schedtui.errors import ConflictError, FieldError, InvalidError
from schedtui.models import FunctionInfo, JobSpec, Policies, Preview
from schedtui.protocols import EngineClient
from schedtui_tui.after_text import EXAMPLE, read_after
from schedtui_tui.backlog import caught_up
from schedtui_tui.fields import MISSING, FieldTextError, fields_of, without_field
from schedtui_tui.keys import bindings
from schedtui_tui.link import explain
from schedtui_tui.policy_text import OPTIONS, read
from schedtui_tui.screens.base import ConsoleScreen
from schedtui_tui.screens.confirm import confirm
from schedtui_tui.text import cut
from schedtui_tui.when import kind_of
from schedtui_tui.widgets.due_times import COUNT, DueTimes
from schedtui_tui.widgets.form_row import ArgumentRow, FormRow
from schedtui_tui.widgets.key_bar import KeyBar
from schedtui_tui.widgets.pieces import Pieces, content
from schedtui_tui.widgets.policy_row import PolicyRow
from schedtui_tui.widgets.status_bar import StatusBar
from schedtui_tui.widgets.text_input import TextInput

_PREVIEW_AFTER_S = 0.15
_ERRORS = 100  # that are shown
_ZONE_RULE = "the group's, else the engine's"
_KINDS = {
    "cron": ("cron expression", "0 9 * * mon-fri   minute hour day month weekday"),
    "every": ("every", "90s, 5m, 2h, 1d"),
    "once": ("once, at a time", "tomorrow 7:30, 2026-12-24 18:00, in 10m"),
    "calendar": ("calendar", "every 2 weeks on mon at 9:00, every month on last at 18:00"),
    "json": ("any, as JSON", '{"type": "any_of", "triggers": [...]}'),
}


class CreateScreen(ConsoleScreen[None]):
    """Arguments, name, zone and trigger of a new job, with a preview of its due times."""

    SCOPES: ClassVar[tuple[str, ...]] = ("form", "app")
    BINDINGS = bindings("form")
    AUTO_FOCUS = "FormRow Input, FormRow Select"

    def __init__(self, client: EngineClient, function: FunctionInfo) -> None:
        super().__init__()
        self._client = client
        self._function = function
        self._generation = 0  # of what was typed about the trigger; older answers are stale
        self._preview_timer: Timer | None = None
        self._touched = False
        self._kind_chosen = False  # by hand; then what is typed does not choose it any more
        self._busy = False

    def compose(self) -> ComposeResult:
        """The fields, what is wrong, the preview, the keys."""
        console, function = self.console, self._function
        yield self.status_bar()
        name = cut(function.full_name, 60)
        yield Static(content([(" jobs > new: ", "dim"), (name, "bold")]), id="crumbs")
        with VerticalScroll(id="form", can_focus=False):
            yield from self._arguments()
            yield Static("When", classes="section")
            yield from self._schedule()
            yield Static("Job", classes="section")
            yield FormRow("name", "name", TextInput(placeholder=function.name))
            yield FormRow("group", "group", TextInput(placeholder=function.group, id="group"))
            yield Static("Options", classes="section")
            for option in OPTIONS:
                if option.form:
                    yield PolicyRow(option)
            yield Button("Create (Ctrl+S)", id="create", variant="primary", compact=True)
        yield Static(id="problem")
        yield DueTimes(id="preview")
        yield KeyBar(self.SCOPES, read_only=console.read_only, typing=True)

    def _arguments(self) -> Iterable[Widget]:
        arguments = fields_of(self._function.parameters)
        yield Static("Arguments" if arguments else "No arguments", classes="section -first")
        more = without_field(self._function.parameters)
        if more:
            text = f"{more:,} more have no field here: `schedtui create` takes them all"
            yield Static(Content(text), classes="note")
        for argument in arguments:
            yield ArgumentRow(argument)

    def _schedule(self) -> Iterable[Widget]:
        kinds = [(Content(label), kind) for kind, (label, _) in _KINDS.items()]
        select = Select(kinds, value="cron", allow_blank=False, compact=True, id="kind")
        yield FormRow("trigger.type", "kind", select)
        typed = TextInput(placeholder=_KINDS["cron"][1], id="typed")
        yield FormRow("trigger", "when *", typed)
        yield FormRow("timezone", "time zone", TextInput(placeholder=_ZONE_RULE, id="zone"))
        yield FormRow("after", "after", TextInput(placeholder=EXAMPLE, id="after"))

    def on_mount(self) -> None:
        """Nothing is previewed yet."""
        self._status = self.query_one(StatusBar)
        self._due = self.query_one(DueTimes)
        self.tick(self.console.clock.now_us())
        self.ready = True
        self._say([("Type when the job is due; its next times show here.", "dim")])
        self.call_after_refresh(self._listen)

    def _listen(self) -> None:
        """What changes from now on was typed by a person."""
        self._listening = True

    _listening = False

    def tick(self, now_us: int) -> None:
        """A second has passed."""
        self._status.tell(self.console.connection, now_us)
        if self._due.outdated(now_us):
            self._ask_preview()

    # --- typing

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self, event: Input.Changed | Select.Changed) -> None:
        event.stop()
        if not self._listening:
            return
        self._touched = True
        control = event.control
        row = _row_of(control)
        if row is not None:
            row.complain("")
        if control.id == "kind":
            self._kind_chosen = True
            self._kind_changed()
        elif control.id == "typed" and not self._kind_chosen:
            self._guess_kind(str(event.value).strip())
        if control.id in ("kind", "typed", "zone", "group"):
            self._preview_later()

    @on(events.DescendantBlur)
    def _left(self, event: events.DescendantBlur) -> None:
        """Say of the field that was left what can be said without the engine."""
        row = _row_of(event.widget)
        wrong = row.wrong() if row is not None else ""
        if row is not None and wrong:
            row.complain(wrong)

    def _guess_kind(self, text: str) -> None:
        """Turn to the kind that the text can only mean."""
        kind = kind_of(text)
        if kind is not None and kind != self._kind:
            select = self.query_one("#kind", Select)
            with select.prevent(Select.Changed):
                select.value = kind
            self._kind_changed()

    def _kind_changed(self) -> None:
        self.query_one("#typed", Input).placeholder = _KINDS[self._kind][1]

    @property
    def _kind(self) -> str:
        return str(self.query_one("#kind", Select).value)

    def _trigger(self) -> Any:
        kind = self._kind
        if kind == "json":
            return _as_json(self._trigger_text())
        return {"type": kind, "expression" if kind == "cron" else "typed": self._trigger_text()}

    def _trigger_text(self) -> str:
        return self.query_one("#typed", Input).value.strip()

    # Of higher priority than the field, or what is typed in one burst with it would still go there.
    def action_next_field(self) -> None:
        """Go to the next field."""
        self.focus_next()

    def action_previous_field(self) -> None:
        """Go to the field before."""
        self.focus_previous()

    # --- the preview

    def _preview_later(self) -> None:
        self._generation += 1
        if self._preview_timer is not None:
            self._preview_timer.stop()
        self._preview_timer = self.set_timer(_PREVIEW_AFTER_S, self._ask_preview)

    def _ask_preview(self) -> None:
        if self._trigger_text():
            self._preview(self._generation)
        else:
            self._say([("Type when the job is due.", "dim")])

    @work(group="preview", exit_on_error=False)
    async def _preview(self, generation: int) -> None:
        error: Exception | None = None
        preview: Preview | None = None
        try:
            preview = await self._client.preview(
                self._trigger(),
                timezone=self._text("timezone"),
                group=self._text("group") or self._function.group,
                count=COUNT,
            )
        except Exception as raised:  # noqa: BLE001 - shown, whatever it is
            error = raised
        if generation != self._generation:
            return
        self._row("trigger").complain("")
        self._row("timezone").complain("")
        if preview is not None:
            self._due.show(preview, self.console.clock.now_us())
            if self._text("timezone") is None and self._kind != "json":
                rule = f"{cut(preview.timezone, 60)} ({_ZONE_RULE})"
                self.query_one("#zone", Input).placeholder = rule
        elif isinstance(error, InvalidError):
            self._complain(error.errors, str(error))
            self._say([("No due times: see what is wrong above.", "dim")])
        elif error is not None:
            self._say([(cut(f"No preview: {explain(error)}", 300), "$text-warning")])

    def _say(self, pieces: Pieces) -> None:
        self._due.say(pieces)

    # --- what is wrong

    def _row(self, field: str) -> FormRow:
        return next(row for row in self.query(FormRow) if row.field == field)

    def _complain(self, errors: tuple[FieldError, ...], message: str) -> None:
        """Each error beside the field it names; what names no field of ours, at the bottom."""
        rest = [] if errors else [message]
        for error in errors[:_ERRORS]:
            row = self._find(error.field)
            if row is None:
                rest.append(f"{error.field}: expected {error.expected}")
            else:
                row.complain(f"expected {error.expected}")
        problem = self.query_one("#problem", Static)
        problem.set_class(bool(rest), "-shown")
        problem.update(Content(cut("; ".join(rest), 300)))
        if self._busy:
            self._focus_wrong()

    def _focus_wrong(self) -> None:
        """To the topmost field with a complaint."""
        row = next((row for row in self.query(FormRow) if row.has_class("-wrong")), None)
        if row is not None:
            row.control.focus()

    def _find(self, field: str) -> FormRow | None:
        """The row for a field as the engine names it."""
        rows = {row.field: row for row in self.query(FormRow)}
        while field:
            if field in rows:
                return rows[field]
            if field in _TRIGGER_FIELDS:
                return rows["trigger"]
            field = field.rpartition(".")[0]
        return None

    # --- creating

    @on(Button.Pressed, "#create")
    async def action_submit(self) -> None:
        """Create the job, once all that was typed before is in its field."""
        await caught_up(self.query_one("#form"))
        self.call_later(self._submit)

    def _submit(self) -> None:
        if self._busy or self.client() is None:
            return
        for row in self.query(FormRow):
            row.complain("")
        self.query_one("#problem", Static).remove_class("-shown")
        spec = self._spec()
        if spec is None:
            self._check_when()
            self._focus_wrong()
            return
        self._busy = True
        self.app.run_worker(self._create(spec), group="commands", exit_on_error=False)

    def _check_when(self) -> None:
        """What is wrong with the schedule, beside what is wrong with the arguments."""
        self._generation += 1
        if self._trigger_text():
            self._preview(self._generation)
        elif self._text("after") is None:
            self._row("trigger").complain(f"expected {_KINDS[self._kind][1]}")

    def _spec(self) -> JobSpec | None:
        kwargs = {}
        wrong = False
        for row in self.query(ArgumentRow):
            try:
                value = row.value()
            except FieldTextError as problem:
                row.complain(str(problem))
                wrong = True
                continue
            if value is not MISSING:
                kwargs[row.argument.name] = value
        after = read_after((self._text("after") or "").split(","))
        own = self._policies()
        if wrong or own is None:
            return None
        return JobSpec(
            function=self._function.full_name,
            trigger=self._trigger() if self._trigger_text() or not after else None,
            after=after,
            name=self._text("name"),
            group=self._text("group"),
            timezone=self._text("timezone"),
            kwargs=kwargs,
            policies=own,
        )

    def _policies(self) -> Policies | None:
        """The options; None, after a word beside each that is wrong."""
        try:
            return read({row.option.field: row.typed() for row in self.query(PolicyRow)})
        except InvalidError as error:
            self._complain(error.errors, str(error))
            return None

    def _text(self, field: str) -> str | None:
        control = self._row(field).control
        return (control.value.strip() or None) if isinstance(control, Input) else None

    async def _create(self, spec: JobSpec) -> None:
        """Runs in a worker of the app: leaving the form does not cancel it."""
        try:
            job = await self._client.create_job(spec)
        except Exception as error:  # noqa: BLE001 - shown, whatever it is
            if not self.is_running:
                self.toast(f"Not created: {explain(error)}", severity="error")
            elif isinstance(error, InvalidError):
                self._complain(error.errors, str(error))
            elif isinstance(error, ConflictError):
                self._row("name").complain(str(error))
                self._focus_wrong()
            else:
                self._complain((), explain(error))
            self._busy = False
            return
        self.toast(f"Created {job.full_name}")
        self.console.await_job(job.id, job.full_name)
        if self.is_current:
            self.dismiss()

    def action_back(self) -> None:
        """Leave; asks when something was typed."""
        if not self._touched:
            self.dismiss()
            return

        def answered(answer: str | None) -> None:
            if answer == "do":
                self.dismiss()

        text = "What was typed is lost."
        self.app.push_screen(confirm("Leave without creating?", [(text, "")], do="Leave"), answered)


def _row_of(control: Widget) -> FormRow | None:
    return next((node for node in control.ancestors if isinstance(node, FormRow)), None)


_TRIGGER_FIELDS = frozenset({"trigger", "expression", "typed", "every", "at", "once", "cron"})


def _as_json(text: str) -> Any:
    """What a text is as JSON; the engine says what is wrong with one that is no trigger."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
