"""A remote engine as a new user meets it: a context, and the prompt for its token."""

from __future__ import annotations

from terminal_place import Place


def test_a_token_is_asked_for_once_and_kept(place: Place) -> None:
    token = place.token("operator")
    served = place.serve("--listen", "127.0.0.1:0")
    place.run("context", "add", "shop", served.url)
    words = ("jobs", "--connect", "shop")
    assert "none was given" in place.run(*words, code=4).stderr, "nobody can be asked there"
    assert place.json(*words, SCHEDTUI_TOKEN=token)

    terminal = place.console("jobs", "--connect", "shop")
    terminal.wait(f"Access token for {served.url}:")
    terminal.send("sched_wrong", "enter")
    terminal.wait("does not know this token")
    assert terminal.leave() == 4
    terminal = place.console("jobs", "--connect", "shop")
    terminal.wait("Access token for")
    terminal.send(token, "enter")
    terminal.wait("shop/tick")
    assert terminal.leave() == 0
    assert token.encode() not in terminal.written()

    (kept,) = place.home.rglob("tokens.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert place.json("trigger", "shop/cleanup", "--wait", "--connect", "shop")["result"]
    place.run("context", "use", "shop")
    console = place.console(columns=100)
    console.wait("cleanup")
    console.send("q")
    console.wait("`schedtui --connect shop` opens the console on it")
    assert console.leave() == 0
