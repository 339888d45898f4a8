"""Declarations that would have jobs run after themselves, through others or directly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from schedtui.engine.live.followers import Names, circle
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.jobs import LiveJobs
from schedtui.models import After
from schedtui.registry import Declaration


def uncircled(
    jobs: LiveJobs, known: Mapping[Names, LiveJob], declarations: Sequence[Declaration]
) -> tuple[list[Declaration], dict[str, str]]:
    """The declarations without the ``after`` of those that are part of a circle, and what to say.

    All of it is looked at as it will be, so that the order of the declarations does not matter. A
    job keeps its own schedule: only what it would run after is refused.

    Args:
        jobs: The living ones.
        known: Those that are declared, by the names that they are declared with.
        declarations: What the code declares.

    Returns:
        The declarations, and a text for each that is refused, by its job's full name.
    """
    if not any(declaration.after for declaration in declarations):
        return list(declarations), {}
    after = _as_it_will_be(jobs, known, declarations)
    in_circles = looped(after)
    refused: dict[str, str] = {}
    found: list[Declaration] = []
    for declaration in declarations:
        name = declaration.full_name
        concerned = declaration.after and name in in_circles
        way = circle(name, lambda one: after.get(one, ())) if concerned else []
        if way:
            declaration = replace(declaration, after=())
            refused[name] = (
                f"{name} would run after itself, {' -> '.join(way)}, so it runs after no job: take "
                "one of these out of after, in the code or by an edit"
            )
        found.append(declaration)
    return found, refused


def looped(after: Mapping[str, Iterable[After]]) -> set[str]:
    """The jobs that are part of a circle, or lie between two of them."""
    ways = {name: {one.job for one in each} & after.keys() for name, each in after.items()}
    back = _reversed(ways)
    left = set(ways)
    for there, here in ((ways, back), (back, ways)):
        number = {name: len(there[name] & left) for name in left}
        ends = [name for name in left if not number[name]]
        while ends:
            name = ends.pop()
            left.discard(name)
            for other in here[name]:
                if other in left:
                    number[other] -= 1
                    if not number[other]:
                        ends.append(other)
    return left


def _reversed(ways: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {name: set() for name in ways}
    for name, others in ways.items():
        for other in others:
            found[other].add(name)
    return found


def _as_it_will_be(
    jobs: LiveJobs, known: Mapping[Names, LiveJob], declarations: Sequence[Declaration]
) -> dict[str, tuple[After, ...]]:
    after = {live.full_name: live.job.after for live in jobs}
    for declaration in declarations:
        names = (declaration.group, declaration.name)
        live = known.get(names)
        if live is None:
            if jobs.find(*names) is None:
                after[declaration.full_name] = declaration.after
        elif not live.job.overridden:
            after[live.full_name] = declaration.after
    return after
