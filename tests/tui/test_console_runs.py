"""Details, run history, a run and its log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from console_doubles import FakeEngine, run, summary
from console_driver import console, three

from schedtui.models import JobState, LogPage, RunState
from schedtui_tui.widgets.log_view import RING, LogView
from schedtui_tui.widgets.run_table import RunTable


async def test_details_beside_the_table() -> None:
    async with console(three(), size=(140, 40)) as driver:
        await driver.shows(
            "Every 5 minutes", "2026-12-24 18:00:00 CET", 'recipient = "ops@example.org"'
        )
        await driver.press("j")
        await driver.until(lambda: ("job", "Reports/beta") in driver.engine.calls)


async def test_history_run_and_back() -> None:
    engine = three()
    for number in range(1, 131):
        engine.all_runs[number] = run(number, 1)
    engine.all_runs[130] = run(
        130,
        1,
        state=RunState.FAILED,
        error_type="builtins.ValueError",
        error="no such table",
        traceback='File "jobs.py", line 3, in send\nValueError: no such table',
        result='{"rows": 12}',
        result_is_json=True,
    )
    engine.all_runs[129] = run(129, 1, state=RunState.SKIPPED, reason="run 128 was active")
    async with console(engine) as driver:
        await driver.press("enter")
        await driver.shows("RUN", "SOURCE", "✗ failed", "ValueError: no such table", "schedule")
        await driver.shows("» skipped", "run 128 was active")
        await driver.press("G")
        await driver.until(lambda: len(driver.engine.named("runs")) >= 2)
        await driver.press("g", "enter")
        await driver.shows("run 130", "✗ failed in 1.5s", "line 3, in send", '"rows": 12')
        await driver.press("escape")
        await driver.shows("REASON OR ERROR")
        await driver.press("escape")
        await driver.shows("LAST 10")


async def test_a_log_is_followed() -> None:
    engine = FakeEngine([summary(1, "alpha", active=1, running_id=5, running_since_us=1)])
    engine.all_runs[5] = run(5, 1, state=RunState.RUNNING, finished_at=None)
    await engine.write(5, *(f"line {n}" for n in range(1, 1501)))
    async with console(engine) as driver:
        await driver.press("l")
        await driver.shows("line 1500", "following")
        await engine.write(5, "one more", level="error")
        await driver.shows("one more")
        await driver.press("g")
        await driver.shows("line 1")
        view = driver.app.screen.query_one(LogView)
        await driver.until(lambda: view.first_seq == 1)
        await engine.write(5, "unseen")
        await driver.shows("+1 new")
        assert "unseen" not in driver.text()
        await driver.press("0")
        await driver.shows("unseen")
        engine.move_run(run(5, 1, state=RunState.SUCCEEDED, result="'done'"))
        await driver.shows("✓ succeeded", "'done'")


async def test_the_arguments_of_a_job_are_found_in_a_small_terminal() -> None:
    engine = three()
    engine.all_runs[1001] = run(1001, 1)
    async with console(engine) as driver:
        await driver.press("enter")
        await driver.shows("Tab Details", "? Help", "schedule")
        assert 'recipient = "ops@example.org"' not in driver.text()
        await driver.press("tab", "pagedown", "pagedown")
        await driver.shows('recipient = "ops@example.org"')
        await driver.press("tab", "enter")
        await driver.shows("run 1001")


async def test_the_progress_of_a_run_moves() -> None:
    engine = FakeEngine([summary(1, "alpha", active=1, running_id=5, running_since_us=1)])
    at_work = run(5, 1, state=RunState.RUNNING, finished_at=None, progress=0.25)
    engine.all_runs[5] = at_work
    async with console(engine) as driver:
        await driver.press("l")
        await driver.shows("25%")
        engine.all_runs[5] = replace(at_work, progress=0.5, progress_text="half of it")
        await driver.shows("50% half of it")
        engine.all_runs[5] = replace(at_work, state=RunState.SUCCEEDED)
        await driver.shows("✓ succeeded")
        asked = len(engine.named("run"))
        driver.app.screen.tick(0)  # type: ignore[attr-defined] # of our screens
        await driver.pilot.pause(0.05)
        assert len(engine.named("run")) == asked


async def test_the_log_is_of_the_last_run_that_has_one() -> None:
    skipped = {"last_id": 9, "last_state": RunState.SKIPPED}
    engine = FakeEngine([summary(1, "alpha", **skipped), summary(2, "beta", **skipped)])
    engine.all_runs[7] = run(7, 1)
    for number, job in ((8, 1), (9, 1), (10, 2)):
        never = {"state": RunState.SKIPPED, "started_at": None, "reason": "paused by ann"}
        engine.all_runs[number] = run(number, job, **never)
    await engine.write(7, "what it wrote")
    async with console(engine) as driver:
        await driver.press("l")
        await driver.shows("run 7", "what it wrote")
        await driver.press("escape", "j", "l")
        await driver.shows("run 9", "paused by ann")


async def test_long_log_lines_wrap_and_unwrap() -> None:
    engine = three()
    engine.all_runs[1001] = run(1001, 1)
    await engine.write(1001, "x" * 10_000 + "END", "日" * 200, "short")
    async with console(engine) as driver:
        await driver.press("l")
        await driver.shows("short")
        await driver.press("w")
        await driver.until(lambda: driver.text().count("xxxx") > 0)
        view = driver.app.screen.query_one(LogView)
        assert view.virtual_size.height == 3
        await driver.press("f")
        await driver.shows("short")


async def test_a_hundred_thousand_lines_stay_a_ring() -> None:
    engine = three()
    engine.all_runs[1001] = run(1001, 1)
    async with console(engine) as driver:
        await driver.press("l")
        view = driver.app.screen.query_one(LogView)
        await driver.shows("It logged nothing")
        await engine.write(7, *(f"line {n}" for n in range(1, 120_001)))
        view.append(engine.lines[7])
        await driver.shows("line 120000")
        assert len(view.lines) == 100_000
        assert view.first_seq == 20_001


async def test_the_ages_of_an_ended_run_grow() -> None:
    engine = FakeEngine([summary(1, "alpha", last_id=5)])
    ended = datetime.now(UTC)
    engine.all_runs[5] = run(5, 1, started_at=ended, finished_at=ended)
    async with console(engine) as driver:
        await driver.press("l")
        await driver.shows("Finished")
        driver.app.clock.learn(replace(await engine.info(), now=ended), 0)
        await driver.shows("(now)")
        later = replace(await engine.info(), now=ended + timedelta(hours=2))
        driver.app.clock.learn(later, 0)
        await driver.shows("(2h ago)")


async def test_labels_and_values_stand_apart_and_nothing_is_said_twice() -> None:
    row = summary(1, "alpha", state=JobState.PAUSED, schedule="every 5 minutes")
    async with console(FakeEngine([row]), size=(140, 40)) as driver:
        await driver.shows("If resumed 2026-12-24 18:00:00 CET", "Schedule   every 5 minutes")
        assert "Every 5 minutes" not in driver.text()


async def test_a_value_that_needs_more_lines_stays_in_its_column() -> None:
    engine = three()
    engine.kwargs = {"note": "two words " * 9 + "日" * 30}
    row = summary(1, "alpha", schedule="every 25 s, counted from 2026-12-24 18:00 UTC")
    engine.rows[1] = row
    engine.all_runs[1001] = run(1001, 1, reason="skipped because " + "it was late " * 12)
    async with console(engine, size=(140, 40)) as driver:
        await driver.shows("Schedule   every 25 s, counted from", "Arguments  note")
        lines = [line.partition("│")[2].rstrip() for line in driver.text().splitlines()]
        at = next(number for number, line in enumerate(lines) if "counted from" in line)
        assert lines[at + 1] == " " * 12 + "2026-12-24 18:00 UTC"
        first = next(number for number, line in enumerate(lines) if "Arguments" in line)
        last = next(number for number, line in enumerate(lines) if "Policies" in line)
        assert last - first > 3
        assert all(line[1:12].strip() in {"Arguments", ""} for line in lines[first:last])
        assert all(line[12] != " " for line in lines[first:last])
        await driver.press("l")
        await driver.shows("Reason     skipped because")
        lines = driver.text().splitlines()
        at = next(number for number, line in enumerate(lines) if "Reason" in line)
        assert lines[at + 1].startswith(" " * 12)
        assert lines[at + 1][12] != " "


TRACEBACK = """\
Traceback (most recent call last):
  File "jobs.py", line 3, in send
    short(1)
    ~~~~~^^^
  File "jobs.py", line 9, in short
    the_one_thing(that=has, very=many, arguments=and_names, which=do, not_=fit, into=eighty)
    ~~~~~~~~~~~~~^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
ValueError: no
"""


async def test_marks_below_a_line_of_code_never_wrap() -> None:
    engine = three()
    engine.all_runs[1001] = run(
        1001, 1, state=RunState.FAILED, error_type="ValueError", error="no", traceback=TRACEBACK
    )
    await engine.write(1001, *TRACEBACK.splitlines(), "~" * 99)
    async with console(engine, size=(80, 60)) as driver:
        await driver.press("l")
        await driver.shows("the_one_thing(", "short(1)", "Log")
        await driver.until(lambda: driver.app.screen.query_one(LogView).lines)
        rows = driver.text().splitlines()
        log = next(number for number, row in enumerate(rows) if row.startswith(" Log"))
        assert [row.strip() for row in rows[:log] if set(row.strip()) == {"~", "^"}] == ["~~~~~^^^"]
        marks = [row for row in rows[log:] if "^" in row or "~" * 9 in row]
        assert [set(row[12:].strip()) for row in marks] == [{"~", "^"}] * 2 + [{"~"}] * 2
        view = driver.app.screen.query_one(LogView)
        # of the lines that do not fit, the code and what is no mark take a second row
        assert view.virtual_size.height == len(view.lines) + 2


async def test_a_history_has_no_hole_after_a_lost_connection() -> None:
    engine = three()
    for number in range(1, 151):
        engine.all_runs[number] = run(number, 1)
    async with console(engine) as driver:
        await driver.press("enter")
        await driver.until(lambda: driver.app.screen.query(RunTable))
        table = driver.app.screen.query_one(RunTable)
        await driver.until(lambda: len(table.runs) == 100)
        engine.kill()
        await driver.until(lambda: not driver.app.connection.live)
        for number in range(151, 401):
            engine.all_runs[number] = run(number, 1)
        engine.revive()
        driver.app.action_reload()
        await driver.until(lambda: 400 in table.runs)
        while 1 not in table.runs:
            oldest = min(table.runs)
            await driver.press("G")
            await driver.until(lambda oldest=oldest: min(table.runs) < oldest)  # type: ignore[misc] # a known limit of mypy
            assert len(table.runs) == 401 - min(table.runs)
        assert sorted(table.runs) == list(range(1, 401))


async def test_earlier_lines_of_a_hostile_engine_have_an_end() -> None:
    class Endless(FakeEngine):
        async def logs(self, run_id: int, *, after: int = 0, limit: int = 1000) -> LogPage:
            line = self.lines[run_id][0]._replace(seq=after + 1)
            self._check("logs", run_id, after, limit)
            return LogPage(lines=(line,) * 1000, last=10**9, done=True)

    engine = Endless(three().rows.values())
    engine.all_runs[1001] = run(1001, 1)
    await engine.write(1001, "the last line")
    engine.lines[1001] = [engine.lines[1001][0]._replace(seq=10**9)]
    async with console(engine) as driver:
        await driver.press("l")
        await driver.shows("the last line")
        view = driver.app.screen.query_one(LogView)
        await driver.press("g")
        await driver.until(lambda: view.first_seq < 10**9)
        assert len(view.lines) <= RING
        assert len(engine.named("logs")) <= RING // 1000
