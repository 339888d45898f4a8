"""Names that become callables."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from registry_doubles import declare

from schedtui.errors import (
    ConflictError,
    FunctionNotFoundError,
    GroupNotFoundError,
)
from schedtui.registry import Function, Group, Registry

if TYPE_CHECKING:
    from decimal import Decimal


class TestRegistry:
    def test_resolves_by_name_at_every_call(self, group: Group) -> None:
        registry = Registry([group])
        with pytest.raises(FunctionNotFoundError):
            registry.resolve("Reports/late")

        @group.function
        def late() -> None: ...

        assert registry.resolve("Reports/late").call is late
        assert isinstance(registry.resolve("Reports/late"), Function)

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("Reports/send_reprt", "did you mean 'Reports/send_report'?"),
            ("send_report", "did you mean 'Reports/send_report'?"),
            ("Other/send_report", "did you mean 'Reports/send_report'?"),
            ("zzz/qqq", "known: Reports/send_report"),
            ("", "known: Reports/send_report"),
        ],
    )
    def test_an_unknown_function_hints_at_what_is_near(
        self, group: Group, name: str, says: str
    ) -> None:
        @group.function
        def send_report() -> None: ...

        with pytest.raises(FunctionNotFoundError) as caught:
            Registry([group]).resolve(name)
        assert says in str(caught.value)

    def test_lists_functions_sorted_and_by_group(self) -> None:
        second, first = Group("B"), Group("A")
        for name in ("z", "a"):
            second.function(name)(lambda: None)
        first.function("m")(lambda: None)
        registry = Registry([second, first])
        assert [info.full_name for info in registry.functions()] == ["A/m", "B/a", "B/z"]
        assert [info.full_name for info in registry.functions("A")] == ["A/m"]
        with pytest.raises(GroupNotFoundError, match="known: A, B"):
            registry.functions("C")

    def test_one_function_without_schema_does_not_hide_the_others(self, group: Group) -> None:
        @group.function
        def pay(amount: Decimal) -> None: ...

        @group.function
        def send() -> None: ...

        assert [info.name for info in Registry([group]).functions()] == ["pay", "send"]

    def test_declarations_keep_the_order_of_the_code(self, group: Group) -> None:
        other = Group("Other")
        declare(group, name="z")
        declare(group, name="a")
        declare(other)
        jobs = Registry([group, other]).declarations()
        assert [job.full_name for job in jobs] == ["Reports/z", "Reports/a", "Other/work"]

    def test_two_groups_of_one_name_are_refused_with_both_places(self) -> None:
        group = Group("Reports")
        registry = Registry([group])
        registry.add(group)
        with pytest.raises(ConflictError) as caught:
            registry.add(Group("Reports"))
        assert str(caught.value).count(__file__) == 2

    def test_only_groups_can_be_added(self) -> None:
        with pytest.raises(TypeError, match="got str; expected a Group"):
            Registry(["Reports"])  # type: ignore[list-item]  # what is tested

    def test_groups_are_a_view(self, group: Group) -> None:
        registry = Registry()
        groups = registry.groups
        registry.add(group)
        assert list(groups) == ["Reports"]
        with contextlib.suppress(TypeError):
            groups["x"] = group  # type: ignore[index]  # what is tested
        assert list(groups) == ["Reports"]
