"""What may be decorated, and what is known of it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from schedtui.errors import (
    ConflictError,
    InvalidArgumentsError,
    InvalidError,
    InvalidNameError,
)
from schedtui.registry import Group

if TYPE_CHECKING:
    from decimal import Decimal


class Sender:
    """Sends."""

    def send(self, to: str = "") -> str:
        return to

    async def asend(self) -> None: ...

    async def __call__(self) -> None: ...


def passing_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def to_the_end(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(function(*args, **kwargs))

    return wrapper


def plain() -> None: ...


async def coroutine() -> None: ...


class TestFunction:
    def test_the_decorated_function_is_returned_unchanged(self, group: Group) -> None:
        def plain(n: int) -> int:
            return n + 1

        assert group.function()(plain) is plain
        assert group.functions["plain"].call is plain

    def test_works_with_and_without_parentheses_and_with_a_name(self, group: Group) -> None:
        @group.function
        def one() -> None: ...

        @group.function()
        def two() -> None: ...

        @group.function("Three!")
        def three() -> None: ...

        @group.function(name="four")
        def other() -> None: ...

        assert list(group.functions) == ["one", "two", "Three!", "four"]

    def test_functions_are_a_view(self, group: Group) -> None:
        view = group.functions

        @group.function
        def late() -> None: ...

        assert "late" in view
        with pytest.raises(TypeError):
            view["x"] = view["late"]  # type: ignore[index]  # what is tested

    def test_two_functions_of_one_name_are_refused_with_both_places(self, group: Group) -> None:
        @group.function
        def twice() -> None: ...

        with pytest.raises(ConflictError, match=r"already has a function 'twice' .*test_function"):
            group.function("twice")(lambda: None)

    def test_the_same_function_again_is_no_conflict(self, group: Group) -> None:
        def same() -> None: ...

        group.function(same)
        group.function()(same)
        assert list(group.functions) == ["same"]

    def test_one_function_may_have_two_names(self, group: Group) -> None:
        def both() -> None: ...

        group.function(both)
        group.function("other")(both)
        assert group.functions["other"].call is group.functions["both"].call

    def test_info(self, group: Group) -> None:
        @group.function
        async def send(to: str) -> None:
            """Send it.

            Args:
                to: Whom.
            """

        info = group.functions["send"].info()
        assert (info.full_name, info.doc, info.is_async) == ("Reports/send", "Send it.", True)
        assert info.parameters["properties"] == {"to": {"type": "string", "description": "Whom."}}
        assert info.file == __file__
        assert info.line > 0
        assert group.functions["send"].info() is info

    def test_info_of_a_function_without_schema_allows_nothing_and_says_why(
        self, group: Group
    ) -> None:
        @group.function
        def pay(amount: Decimal) -> None: ...

        schema = group.functions["pay"].info().parameters
        assert schema["not"] == {}
        assert "'amount'" in schema["description"]
        with pytest.raises(InvalidError, match="function Reports/pay: parameter 'amount'"):
            group.functions["pay"].validate({"amount": "1"})

    def test_validate_names_fields(self, group: Group) -> None:
        @group.function
        def send(to: str) -> None: ...

        assert group.functions["send"].validate({"to": "a"}) == {"to": "a"}
        with pytest.raises(InvalidArgumentsError) as caught:
            group.functions["send"].validate({})
        assert [error.field for error in caught.value.errors] == ["kwargs.to"]


class TestCallables:
    @pytest.mark.parametrize(
        ("call", "is_async"),
        [
            pytest.param(plain, False, id="function"),
            pytest.param(coroutine, True, id="coroutine function"),
            pytest.param(functools.partial(plain), False, id="partial"),
            pytest.param(
                functools.partial(functools.partial(coroutine)),
                True,
                id="partial of a coroutine function",
            ),
            pytest.param(passing_on(plain), False, id="decorated"),
            pytest.param(passing_on(coroutine), True, id="decorated, hands the coroutine on"),
            pytest.param(
                passing_on(functools.partial(passing_on(coroutine))), True, id="decorated twice"
            ),
            pytest.param(to_the_end(coroutine), False, id="decorated, runs the coroutine"),
            pytest.param(Sender(), True, id="object"),
            pytest.param(functools.partial(Sender()), True, id="partial of an object"),
            pytest.param(Sender().send, False, id="method"),
            pytest.param(Sender().asend, True, id="coroutine method"),
            pytest.param(lambda: None, False, id="lambda"),
        ],
    )
    def test_is_async(self, group: Group, call: Callable[..., Any], is_async: bool) -> None:
        group.function("it")(call)
        assert group.functions["it"].is_async is is_async

    def test_a_bound_method_keeps_its_name_and_is_known_again(self, group: Group) -> None:
        sender = Sender()
        group.function(sender.send)
        group.job(every=5)(sender.send)
        assert list(group.functions) == ["send"]

    @pytest.mark.parametrize("call", [lambda: None, functools.partial(plain), Sender()])
    def test_without_a_name_of_its_own_it_needs_one(
        self, group: Group, call: Callable[..., Any]
    ) -> None:
        with pytest.raises(InvalidNameError, match="no name of its own; give it one"):
            group.function()(call)

    def test_a_job_may_name_the_function_too(self, group: Group) -> None:
        group.job(every=5, name="poll")(lambda: None)
        assert group.declarations[0].function == "Reports/poll"

    def test_generators_are_refused(self, group: Group) -> None:
        def some() -> Iterator[int]:
            yield 1

        async def more() -> AsyncIterator[int]:
            yield 1

        for call in (some, more):
            with pytest.raises(InvalidError, match="is a generator, whose body would never run"):
                group.function(call)

    def test_a_generator_that_a_decorator_exhausts_is_a_function(self, group: Group) -> None:
        def to_list(function: Callable[..., Iterator[int]]) -> Callable[..., list[int]]:
            @functools.wraps(function)
            def wrapper(**kwargs: Any) -> list[int]:
                return list(function(**kwargs))

            return wrapper

        @group.function
        @to_list
        def some() -> Iterator[int]:
            yield 1

        assert group.functions["some"].call() == [1]

    def test_a_class_is_refused(self, group: Group) -> None:
        with pytest.raises(InvalidError, match=r"Sender cannot be a function .* it is a class"):
            group.function(Sender)

    def test_an_unbound_method_is_refused(self, group: Group) -> None:
        with pytest.raises(InvalidError, match=r"it is a method.*bound method"):
            group.function(Sender.send)

    def test_a_staticmethod_object_is_refused(self, group: Group) -> None:
        with pytest.raises(InvalidError, match="it is a staticmethod"):
            group.function()(staticmethod(plain))

    def test_something_else_is_refused(self, group: Group) -> None:
        with pytest.raises(InvalidError, match="it is of type int"):
            group.function()(5)  # type: ignore[type-var]  # what is tested

    def test_positional_parameters_are_refused_with_the_name_of_the_function(
        self, group: Group
    ) -> None:
        def work(a: int, /) -> None: ...

        with pytest.raises(InvalidError, match="function Reports/work: parameter 'a' is posit"):
            group.function(work)
