"""Groups and the jobs declared in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from registry_doubles import declare

from schedtui.errors import (
    ConflictError,
    InvalidArgumentsError,
    InvalidError,
    InvalidNameError,
    InvalidTriggerError,
)
from schedtui.models import CatchUp, Overlap, Policies
from schedtui.registry import Group, Registry
from schedtui.triggers import Cron, Every, Once

if TYPE_CHECKING:
    pass


class TestGroup:
    @pytest.mark.parametrize("name", ["", "a/b", "x" * 129, "a\n", " a", 5])
    def test_a_wrong_name_is_refused(self, name: Any) -> None:
        with pytest.raises(InvalidNameError):
            Group(name)

    def test_tags_are_words(self) -> None:
        assert Group("g", tags=["a", "b", "a"]).tags == ("a", "b")
        with pytest.raises(InvalidError, match=r"such as \['reports'\]"):
            Group("g", tags="reports")

    def test_tags_have_the_limits_that_they_have_at_run_time(self) -> None:
        many = [f"t{number}" for number in range(50)]
        assert Group("g", tags=many + many).tags == tuple(many)
        with pytest.raises(InvalidError, match="at most 50 tags"):
            Group("g", tags=[*many, "more"])
        with pytest.raises(InvalidError, match="at most 50 tags"):
            Group("other", tags=many).job(every=60, tags=["more"])
        with pytest.raises(InvalidError, match="a list of words"):
            Group("g", tags=5)  # type: ignore[arg-type] # what is told is tested

    def test_policies_and_zone_are_checked(self) -> None:
        group = Group("g", overlap="skip", catch_up="latest", grace_s=5, timezone="Europe/Berlin")
        assert group.policies == Policies(
            overlap=Overlap.SKIP, catch_up=CatchUp.LATEST, grace_s=5.0
        )
        with pytest.raises(InvalidError, match="overlap"):
            Group("g", overlap="never")
        with pytest.raises(InvalidTriggerError, match="Europe/Berlin"):
            Group("g", timezone="Europe/Berln")

    def test_knows_its_place(self) -> None:
        group = Group("g")
        assert group.file == __file__
        assert group.place in repr(group)


class TestJob:
    def test_declares_a_job_and_registers_the_function(self, group: Group) -> None:
        @group.job(cron="0 9 * * *", timezone="Europe/Berlin", overlap="skip", tags=["a", "mail"])
        async def daily() -> None:
            """Clean up.

            Everything.
            """

        (job,) = group.declarations
        assert (job.full_name, job.function) == ("Reports/daily", "Reports/daily")
        assert job.trigger == Cron("0 9 * * *")
        assert job.timezone == "Europe/Berlin"
        assert job.policies == Policies(overlap=Overlap.SKIP)
        assert job.tags == ("reports", "mail", "a")
        assert job.description == "Clean up."
        assert job.file == __file__
        assert group.functions["daily"].listed

    @pytest.mark.parametrize(
        ("options", "trigger"),
        [
            ({"every": 300}, Every(300)),
            ({"every": 0.5}, Every(0.5)),
            ({"every": "5m"}, Every(300)),
            ({"every": timedelta(hours=1)}, Every(3600)),
            ({"at": datetime(2026, 1, 1, tzinfo=UTC)}, Once(datetime(2026, 1, 1, tzinfo=UTC))),
            ({"trigger": Cron("* * * * *")}, Cron("* * * * *")),
        ],
    )
    def test_triggers(self, group: Group, options: dict[str, Any], trigger: object) -> None:
        assert declare(group, **{"every": None, **options}).trigger == trigger

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({}, "got none of them"),
            ({"cron": "* * * * *", "every": 5}, "got cron and every"),
            ({"cron": "99 * * * *"}, "99"),
            ({"every": -1}, "-1"),
            ({"every": "soon"}, "soon"),
            ({"at": datetime(2026, 1, 1)}, "naive"),  # noqa: DTZ001 - what is tested
            ({"trigger": "0 9 * * *"}, r"Cron\('0 9"),
            ({"every": 5, "timezone": "Mars/Base"}, "Mars/Base"),
        ],
    )
    def test_a_wrong_schedule_is_refused_where_it_is_written(
        self, group: Group, options: dict[str, Any], says: str
    ) -> None:
        with pytest.raises(InvalidTriggerError, match=says):
            group.job(**options)

    def test_may_be_stacked_with_names(self, group: Group) -> None:
        @group.job(every=60, name="often")
        @group.job(cron="0 9 * * *", name="daily", kwargs={"n": 5})
        def work(n: int = 0) -> None: ...

        assert [job.name for job in group.declarations] == ["daily", "often"]
        assert {job.function for job in group.declarations} == {"Reports/work"}

    def test_two_jobs_of_one_name_are_refused(self, group: Group) -> None:
        def work() -> None: ...

        group.job(every=60)(work)
        with pytest.raises(ConflictError, match=r"already has a job 'work' .*another name"):
            group.job(every=5)(work)
        assert len(group.declarations) == 1

    def test_takes_a_function_that_is_registered_under_another_name(self, group: Group) -> None:
        @group.job(every=5)
        @group.function("other")
        def work() -> None: ...

        assert group.declarations[0].function == "Reports/other"
        assert list(group.functions) == ["other"]

    def test_unregistered_runs_but_is_not_listed(self, group: Group) -> None:
        @group.job(every=5, register=False)
        def hidden() -> None: ...

        registry = Registry([group])
        assert registry.functions() == ()
        assert registry.resolve("Reports/hidden").call is hidden

    def test_listed_once_is_listed(self, group: Group) -> None:
        @group.job(every=5, register=False, name="b")
        @group.job(every=5, name="a")
        def one() -> None: ...

        @group.function
        @group.job(every=5, register=False)
        def two() -> None: ...

        assert [info.name for info in Registry([group]).functions()] == ["one", "two"]

    def test_arguments_are_checked_by_name(self, group: Group) -> None:
        def send(to: str) -> None: ...

        with pytest.raises(InvalidArgumentsError, match="lacks the argument 'to'") as caught:
            group.job(every=5)(send)
        assert [error.field for error in caught.value.errors] == ["kwargs.to"]
        with pytest.raises(InvalidArgumentsError, match=r"kwargs\.too"):
            group.job(every=5, kwargs={"to": "a", "too": "b"})(send)

    @pytest.mark.parametrize(
        ("value", "where"),
        [
            (datetime(2026, 1, 1, tzinfo=UTC), "kwargs.data"),
            ({"a": [1, {2, 3}]}, r"kwargs\.data\.a\.1"),
            (float("inf"), "kwargs.data"),
            ({1: 2}, "strings as keys"),
        ],
    )
    def test_arguments_are_json(self, group: Group, value: Any, where: str) -> None:
        with pytest.raises(InvalidArgumentsError, match=where):
            group.job(every=5, kwargs={"data": value})

    def test_an_argument_that_holds_itself_is_refused(self, group: Group) -> None:
        endless: list[Any] = []
        endless.append(endless)
        with pytest.raises(InvalidArgumentsError, match="levels of nesting"):
            group.job(every=5, kwargs={"data": endless})

    def test_later_changes_of_the_given_arguments_do_not_reach_the_job(self, group: Group) -> None:
        given = {"n": 1}
        job = declare(group, kwargs=given)
        given["n"] = 2
        assert job.kwargs == {"n": 1}

    def test_the_zone_of_the_group_is_taken_where_the_job_has_none(self) -> None:
        group = Group("g", timezone="Europe/Berlin")
        assert declare(group).timezone == "Europe/Berlin"
        assert declare(group, name="b", timezone="UTC").timezone == "UTC"
        group.timezone = "Asia/Tokyo"
        assert [job.timezone for job in group.declarations] == ["Asia/Tokyo", "UTC"]
