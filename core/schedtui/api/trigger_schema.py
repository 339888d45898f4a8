"""The JSON forms of triggers, for the API's description; see `schedtui.triggers.parse_trigger`."""

from __future__ import annotations

from typing import Any, Final

_MOMENT: Final = {"type": "string", "format": "date-time"}
_ZONE: Final = {"type": "string", "description": "IANA zone; else the job's."}
_WORDS: Final = {"type": "array", "items": {"type": "string"}}
_TYPED: Final = {"type": "string", "description": "As people type it.", "minLength": 1}
_INNER: Final = {"$ref": "#/components/schemas/InnerTrigger"}
_TIMES: Final = {
    "description": "Times of day, such as 09:00.",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
}


def _form(kind: str, about: str, required: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    read = {name: form if name in required else _or_null(form) for name, form in fields.items()}
    return {
        "type": "object",
        "description": about,
        "required": ["type", *required],
        "properties": {"type": {"type": "string", "const": kind}, **read},
        "additionalProperties": False,
    }


def _or_null(form: dict[str, Any]) -> dict[str, Any]:
    """What is null is taken as left out."""
    about = {key: value for key, value in form.items() if key == "description"}
    rest = {key: value for key, value in form.items() if key != "description"}
    return {"anyOf": [rest, {"type": "null"}], **about}


_FORMS: Final = {
    "CronTrigger": _form(
        "cron",
        "Whenever a cron expression fits the clock, as Debian's cron reads it.",
        ("expression",),
        expression={"type": "string", "minLength": 1},
        timezone=_ZONE,
    ),
    "EveryTrigger": _form(
        "every",
        "At equal intervals: either `seconds` or `typed`.",
        seconds={"type": "number", "minimum": 0.001, "maximum": 36_500 * 86_400},
        typed=_TYPED,
        anchor=_MOMENT,
    ),
    "OnceTrigger": _form(
        "once", "At one moment: either `at` or `typed`.", at=_MOMENT, typed=_TYPED
    ),
    "CalendarTrigger": _form(
        "calendar",
        "Every few days, weeks or months at times of the day; or as it is `typed`.",
        days={"type": "integer", "minimum": 1},
        weeks={"type": "integer", "minimum": 1},
        months={"type": "integer", "minimum": 1},
        at=_TIMES,
        on={"type": "array", "items": {"type": ["string", "integer"]}},
        anchor={"type": "string", "format": "date"},
        typed=_TYPED,
        timezone=_ZONE,
    ),
    "AnyOfTrigger": _form(
        "any_of",
        "Whenever one of several triggers is due; they may have names.",
        ("triggers",),
        triggers={
            "anyOf": [
                {"type": "array", "items": _INNER, "minItems": 1},
                {"type": "object", "additionalProperties": _INNER, "minProperties": 1},
            ]
        },
    ),
    "AllOfTrigger": _form(
        "all_of",
        "Whenever all of several triggers are due at once.",
        ("triggers",),
        triggers={"type": "array", "items": _INNER, "minItems": 1},
    ),
    "ExceptTrigger": _form(
        "except",
        "As another trigger, but not on days or in windows that are left out.",
        ("trigger",),
        trigger=_INNER,
        dates=_WORDS,
        windows=_WORDS,
        calendars=_WORDS,
        holidays=_WORDS,
        timezone=_ZONE,
    ),
    "BetweenTrigger": _form(
        "between",
        "As another trigger, from one moment to before another.",
        ("trigger",),
        trigger=_INNER,
        start=_MOMENT,
        end=_MOMENT,
    ),
    "NeverTrigger": _form("never", "Not by the clock: triggered by hand, or after other jobs."),
}

_KINDS: Final = [form["properties"]["type"]["const"] for form in _FORMS.values()]

TRIGGER: Final[dict[str, Any]] = {
    **_FORMS,
    # Not by a reference back to `Trigger`, in which many generators of clients run in circles.
    "InnerTrigger": {
        "type": "object",
        "description": "Any form of `Trigger`; at most four within each other, and fifty in all.",
        "required": ["type"],
        "properties": {"type": {"type": "string", "enum": _KINDS}},
        "examples": [{"type": "cron", "expression": "0 9 * * mon"}],
    },
    "Trigger": {
        "description": "When a job is due, by its `type`.",
        "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in _FORMS],
        "discriminator": {
            "propertyName": "type",
            "mapping": {
                kind: f"#/components/schemas/{name}"
                for kind, name in zip(_KINDS, _FORMS, strict=True)
            },
        },
        "examples": [{"type": "cron", "expression": "0 9 * * mon"}],
    },
}
"""The component `Trigger` and its parts."""
