"""README's first five minutes, typed as they stand there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

from manual_guide import README, Guide, blocks_of
from terminal_driver import Terminal
from terminal_place import Place

FIVE_MINUTES = re.compile(r"^## The first five minutes$(.*?)^## ", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"^\*\*(\d)\. ", re.MULTILINE)
BLOCK = re.compile(r"^```(?:python)?$\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCHEDULES = {
    "*/5 * * * *": "Every fifth minute",
    "90s": "every 1 min 30 s",
    "tomorrow 7:30": "07:30:00 CE",
}


def test_the_first_five_minutes(empty: Place) -> None:
    steps = steps_of(README.read_text(encoding="utf-8"))
    assert list(steps) == ["1", "2", "3", "4", "5"]
    (code,) = blocks(steps["1"])
    (empty.folder / "jobs.py").write_text(code)
    assert blocks(steps["2"]) == []
    assert "`schedtui jobs.py`" in steps["2"]
    terminal = empty.console("jobs.py")
    steer(terminal)
    create_and_delete(terminal, steps["2"])
    ask(empty, steps["3"])
    serve_and_watch(empty, terminal, steps["4"])
    embed(empty, steps["5"])


def test_what_is_not_typed_here_is_typed_by_the_whole_of_ci() -> None:
    text = README.read_text(encoding="utf-8")
    here = [block for step in steps_of(text).values() for block in blocks(step)]
    others = [block.text for block in blocks_of(README) if block.text not in here]
    ends = ("schedtui demo", "pytest")
    run = (README.parent / ".ci" / "run").read_text(encoding="utf-8")
    for command, end in zip(others, ends, strict=True):
        assert re.fullmatch(f"python3 -m venv .*{end}\n", command)
        assert f"$(command_of '{end}')" in run


def steer(terminal: Terminal) -> None:
    terminal.wait(lambda screen: "free_space" in screen and "good_morning" in screen)
    terminal.send("j", "k", "t")
    terminal.wait("Triggered house/free_space")
    terminal.send("p")
    terminal.wait("Paused house/free_space")
    terminal.send("p")
    terminal.wait("Resumed house/free_space")
    terminal.send("enter")
    terminal.wait(lambda screen: "SOURCE" in screen and "manual" in screen)
    terminal.send("esc", "l")
    terminal.wait("free gigabytes=")
    terminal.send("esc", "/", "good", "enter")
    terminal.wait("1 of 2 match good")
    terminal.send("esc", "?")
    terminal.wait("Run it now, once")
    terminal.send("esc")


def create_and_delete(terminal: Terminal, step: str) -> None:
    terminal.send("n")
    terminal.wait("which function?")
    terminal.send("send_report", "enter")
    terminal.wait("Who gets it.")
    terminal.send("anna@example.com", "tab", "tab", "tab")
    for typed, due in SCHEDULES.items():
        assert f"`{typed}`" in step
        terminal.send("ctrl+u", typed)
        terminal.wait(due)
    terminal.send("ctrl+s")
    terminal.wait("Created house/send_report")
    # Not heard while the new row is on its way, nor in the moment after rows moved.
    terminal.press_until("D", "Delete house/send_report?")
    terminal.send("y")
    terminal.wait("Deleted house/send_report")


def ask(place: Place, step: str) -> None:
    (commands,) = blocks(step)
    guide = Guide(place=place)
    said = {line: guide.shell(line) for line in commands.splitlines()}
    assert "house/good_morning" in said["schedtui jobs"]
    assert "gigabytes=" in said["schedtui logs house/free_space"]


def serve_and_watch(place: Place, terminal: Terminal, step: str) -> None:
    start, watch = blocks(step)
    make_token, serve = (words_of(line) for line in start.splitlines())
    refused = place.run(*serve, code=4).stderr
    assert "Stop that one first (in its console with `q`, then `s`, else with `kill " in refused
    assert "Quit the console first (`q`, then `s`)" in step
    terminal.press_until("q", "Stop it")
    terminal.send("s")
    assert terminal.leave() == 0

    token = place.run(*make_token).stdout.strip()
    assert serve[0] == "serve"
    served = place.serve(*serve[1:], "--listen", "127.0.0.1:0")
    variable, program, *words = shlex.split(watch)
    assert (variable, program) == ("SCHEDTUI_TOKEN=sched_…", "schedtui")
    assert words == ["--connect", "http://127.0.0.1:8787"]
    remote = place.console("--connect", served.url, SCHEDTUI_TOKEN=token)
    remote.wait("good_morning")
    remote.send("q")
    assert remote.leave() == 0


def embed(place: Place, step: str) -> None:
    (program,) = blocks(step)
    assert "asyncio.sleep(60)" in program
    # Unbuffered, what the job prints from its thread would come between two words of a line.
    env = {name: value for name, value in place.env.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-c", program.replace("asyncio.sleep(60)", "asyncio.sleep(1)")],
        cwd=place.folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^\d+ (queued|running|succeeded)$", done.stdout, re.MULTILINE)


def steps_of(readme: str) -> dict[str, str]:
    """The text of each step, by its number."""
    found = FIVE_MINUTES.search(readme)
    assert found is not None
    _, *parts = STEP.split(found[1])
    return dict(zip(parts[::2], parts[1::2], strict=True))


def blocks(step: str) -> list[str]:
    return BLOCK.findall(step)


def words_of(line: str) -> list[str]:
    """A command line without its ``schedtui``."""
    first, *words = shlex.split(line)
    assert first == "schedtui"
    return words
