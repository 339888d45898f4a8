"""A job of APScheduler as it was at one moment; its own objects change under way."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from schedtui.capture.values import preview
from schedtui.clock import to_us
from schedtui.integrations.apscheduler.inside import Key, key_of
from schedtui.models.names import MAX_NAME
from schedtui.registry import json_arguments

_GENERATED = re.compile(r"[0-9a-f]{32}")
_SHOWN = 200
"""Bytes of an argument without a JSON form that are shown."""
_SHORT_ID = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A job of APScheduler as it was at one moment."""

    key: Key
    title: str
    """What APScheduler calls its name: for people, and not unique."""
    function: str
    """``module/name`` of its function."""
    call: Any
    """The function itself."""
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    trigger: Any
    """The trigger object of APScheduler."""
    next_us: int | None
    """Its next due time; None while it is paused."""
    executor: str
    max_instances: int
    grace_s: float | None
    """Seconds that it may be late; None: any."""
    coalesce: bool
    in_memory: bool
    """Whether its job store begins empty with each start."""

    @classmethod
    def of(cls, job: Any, *, in_memory: bool) -> Seen:
        """What a job is now. Cheap: it is called where APScheduler works."""
        due = getattr(job, "next_run_time", None)
        return cls(
            key=key_of(job),
            title=str(job.name),
            function=_function(job),
            call=job.func,
            args=tuple(job.args),
            kwargs=dict(job.kwargs),
            trigger=job.trigger,
            next_us=None if due is None else to_us(due),
            executor=job.executor,
            max_instances=job.max_instances,
            grace_s=job.misfire_grace_time,
            coalesce=job.coalesce,
            in_memory=in_memory,
        )

    def within(self, alias: str) -> Seen:
        """The same job, in this job store."""
        return replace(self, key=(alias, self.key[1]))

    @property
    def paused(self) -> bool:
        """Whether it has no next due time; that is all that a pause is there."""
        return self.next_us is None

    @property
    def group(self) -> str:
        """Its group: its job store."""
        return clean(self.key[0], "default")

    @property
    def generated(self) -> bool:
        """Whether nobody gave it an id."""
        return _GENERATED.fullmatch(self.key[1]) is not None

    @property
    def name(self) -> str:
        """What it is called: its id; where nobody gave it one, its title.

        Titles come twice. In a job store that outlives the program a piece of the id is added, so
        that each job has the same name after every start.
        """
        if not self.generated:
            return clean(self.key[1], "job")
        return clean(self.title, "job") if self.in_memory else self.longer_name

    @property
    def longer_name(self) -> str:
        """Its title, or the id it was given, with what no other job's name has."""
        key = self.key[1]
        title, mark = self.title, key
        if not self.generated:
            # Others may look the same once they are cleaned.
            title, mark = key, hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        title = clean(title, "job")[: MAX_NAME - _SHORT_ID - 1].rstrip()
        return f"{title}-{mark[:_SHORT_ID]}"

    def arguments(self) -> dict[str, Any]:
        """Its keyword arguments as JSON; what has no JSON form as the beginning of its ``repr``."""
        return {str(name): _json(value) for name, value in self.kwargs.items()}

    @property
    def described(self) -> str:
        """A line about it: its title where it is not its name, and its positional arguments."""
        title = "" if self.title in (self.name, self.key[1]) else self.title
        if not self.args:
            return title
        shown = ", ".join(preview(one, _SHOWN) for one in self.args)
        return f"{title or 'arguments'} ({preview_text(shown)})"


def clean(text: str, otherwise: str) -> str:
    """``text`` as the name of a group, a function or a job."""
    kept = "".join(
        "_" if sign == "/" or unicodedata.category(sign) in {"Cc", "Cs", "Cf"} else sign
        for sign in text
    )
    kept = kept.strip()[:MAX_NAME].strip()
    seen = any(unicodedata.category(sign)[0] in "LMNPS" for sign in kept)
    return kept if seen and kept not in {".", ".."} else otherwise


def preview_text(text: str) -> str:
    """A text cut to what fits a line."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _function(job: Any) -> str:
    reference = job.func_ref
    if not reference:
        function = job.func
        module = getattr(function, "__module__", None) or "functions"
        name = getattr(function, "__qualname__", None) or type(function).__name__
        reference = f"{module}:{name}"
    module, _, name = str(reference).partition(":")
    return f"{clean(module, 'functions')}/{clean(name, 'function')}"


def is_json(kwargs: Mapping[str, Any]) -> bool:
    """Whether arguments can be given back as they were after they were shown as JSON."""
    try:
        json_arguments(dict(kwargs))
    except ValueError:
        return False
    return True


def _json(value: Any) -> Any:
    try:
        return json_arguments({"value": value})["value"]
    except ValueError:
        return preview(value, _SHOWN)
